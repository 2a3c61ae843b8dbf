"""Slices of a spool that the store did not take for now, until their next try."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .spool.segment import Slice

_MOST: Final = 8
_TRIES: Final = 6
_TRIES_IN_ORDER: Final = 3
"""A store that is busy mostly takes a document within these, about a second."""


class HeldSlices:
    """A few slices, each with the moment of its next try."""

    def __init__(self) -> None:
        self._held: list[tuple[float, Slice]] = []

    def keeps_others(self) -> bool:
        """Tell whether no other slice is to be taken now.

        Until one of these is done, where there are too many. And not behind one that was hardly tried: what comes later
        in a session would then stand before it.
        """
        return len(self._held) >= _MOST or any(one.tries < _TRIES_IN_ORDER for _, one in self._held)

    def has_room_for(self, taken: Slice) -> bool:
        """Tell whether a slice may wait here: one that was tried often has to leave room for others."""
        return taken.tries < _TRIES or len(self._held) < _MOST - 1

    def add(self, taken: Slice, due: float) -> None:
        """Hold a slice until a moment (monotonic seconds)."""
        self._held.append((due, taken))

    def take(self, until: float) -> Slice | None:
        """The first slice whose next try is due at a moment (monotonic seconds), or None."""
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
        return max(0.0, min((due for due, _ in self._held), default=math.inf) - now)
