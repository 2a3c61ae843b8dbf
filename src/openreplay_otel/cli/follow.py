"""Finds what is new in a session each time it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from ..lookup.entries import LogEntry

_LATE: Final = timedelta(seconds=30)
"""How much older than the newest record one may be that a quick look still finds."""
_COST_FACTOR: Final = 20
"""Looking at the whole session may take one part in so many of the time."""


class Follower:
    """Hands out each record of a session once, however late it arrives.

    Each look reads the whole session, since a record that had to wait (a store out of reach, a slow
    Collector) has an old time. Where that takes long, looks in between read the last part only.

    Args:
        read: Gives the records from a moment on in time order; all of them for None.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        read: Callable[[datetime | None], Iterable[LogEntry]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._seen: set[str] = set()
        self._newest: datetime | None = None
        self._whole_at = 0.0

    def poll(self) -> list[LogEntry]:
        """The records that no earlier call gave, in time order.

        Raises:
            StoreError: The store cannot be read; the next call gives what this one would have.
        """
        began = self._clock()
        is_whole = self._newest is None or began >= self._whole_at
        since = None if self._newest is None or is_whole else self._newest - _LATE
        found = [entry for entry in self._read(since) if entry.document_id not in self._seen]
        if is_whole:
            now = self._clock()
            self._whole_at = now + _COST_FACTOR * (now - began)
        self._seen.update(entry.document_id for entry in found)
        for entry in found:
            if self._newest is None or entry.timestamp > self._newest:
                self._newest = entry.timestamp
        return found
