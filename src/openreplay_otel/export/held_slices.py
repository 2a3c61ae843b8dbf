"""Slices of a spool that the store did not take for now, until their next try."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .spool.segment import Slice

_MOST: Final = 8
_TRIES: Final = 6


class HeldSlices:
    """A few slices, each with the moment of its next try; safe to use from several threads."""

    def __init__(self) -> None:
        # Reentrant: a signal handler may flush in the middle of it.
        self._lock = threading.RLock()
        self._held: list[tuple[float, Slice]] = []

    @property
    def is_full(self) -> bool:
        """Whether no other slice is to be taken before one of these is done."""
        return len(self._held) >= _MOST

    def has_room_for(self, taken: Slice) -> bool:
        """Tell whether a slice may wait here: one that was tried often has to leave room for others."""
        return taken.tries < _TRIES or len(self._held) < _MOST - 1

    def add(self, taken: Slice, due: float) -> None:
        """Hold a slice until a moment (monotonic seconds)."""
        with self._lock:
            self._held.append((due, taken))

    def take(self, until: float) -> Slice | None:
        """The first slice whose next try is due at a moment (monotonic seconds), or None."""
        with self._lock:
            for number, (due, taken) in enumerate(self._held):
                if due <= until:
                    del self._held[number]
                    return taken
        return None

    def due_in(self, now: float) -> float:
        """Seconds until the next try of one of them; infinite where nothing is held.

        Args:
            now: The present (monotonic seconds).
        """
        with self._lock:
            return max(0.0, min((due for due, _ in self._held), default=math.inf) - now)
