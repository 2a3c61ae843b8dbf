"""Slices of a spool that the store did not take for now, until their next try."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..spool.segment import Slice

_MOST: Final = 8
_TRIES: Final = 6
_TRIES_IN_ORDER: Final = 3
"""A store that is busy mostly takes a document within these, about a second."""


class HeldSlices:
    """A few slices that are tried again together, in the order of their records."""

    def __init__(self) -> None:
        self._round: list[Slice] = []
        self._next_round: list[Slice] = []
        self._due = math.inf

    @property
    def _all(self) -> list[Slice]:
        return self._round + self._next_round

    def keeps_others(self) -> bool:
        """Tell whether no other slice is to be taken now.

        Until one of these is done, where there are too many. And not behind one that was hardly tried: what comes later
        in a session would then stand before it.
        """
        held = self._all
        return len(held) >= _MOST or any(one.tries < _TRIES_IN_ORDER for one in held)

    def has_room_for(self, taken: Slice) -> bool:
        """Tell whether a slice may wait here: one that was tried often has to leave room for others."""
        return taken.tries < _TRIES or len(self._all) < _MOST - 1

    def add(self, taken: Slice, due: float) -> None:
        """Hold a slice until the next round, which begins at this moment (monotonic seconds) at the latest."""
        self._next_round.append(taken)
        self._due = min(self._due, due)

    def take(self, until: float) -> Slice | None:
        """The next slice of a round that has begun at a moment (monotonic seconds), or None."""
        if not self._round:
            if until < self._due or not self._next_round:
                return None
            self._round = sorted(self._next_round, key=lambda one: (one.segment.name, one.start))
            self._next_round, self._due = [], math.inf
        return self._round.pop(0)

    def due_in(self, now: float) -> float:
        """Seconds until one of them is to be tried; infinite where nothing is held.

        Args:
            now: The present (monotonic seconds).
        """
        return 0.0 if self._round else max(0.0, self._due - now)
