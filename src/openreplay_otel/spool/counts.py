"""What became of the records: counted, never guessed."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCounts:
    """What a process has done with the records it was given.

    Attributes:
        accepted: Records taken, to be delivered.
        delivered: Records that the store has, among them those that an earlier try had brought there.
        retried: How often a record was sent again.
        refused: Records that the store will not take: they are dead letters.
        dropped: Records given up, by the reason.
    """

    accepted: int = 0
    delivered: int = 0
    retried: int = 0
    refused: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])


class Tally:
    """Counts from several threads."""

    def __init__(self) -> None:
        # Reentrant: a signal handler may log while this thread counts.
        self._lock = threading.RLock()
        self._counter: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()

    def add(self, what: str, records: int) -> None:
        """Add to ``delivered``, ``retried`` or ``refused``."""
        with self._lock:
            self._counter[what] += records

    def drop(self, reason: str, records: int) -> None:
        """Add to what was given up."""
        if records > 0:
            with self._lock:
                self._dropped[reason] += records

    def dropped(self) -> int:
        """How many were given up."""
        with self._lock:
            return sum(self._dropped.values())

    def counts(self, accepted: int) -> DeliveryCounts:
        """All of it.

        Args:
            accepted: Counted elsewhere, where it costs less.
        """
        with self._lock:
            return DeliveryCounts(
                accepted=accepted,
                delivered=self._counter["delivered"],
                retried=self._counter["retried"],
                refused=self._counter["refused"],
                dropped=dict(self._dropped),
            )
