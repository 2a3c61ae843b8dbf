"""How time grows with length: ratios of the processor's time, generous enough for a busy machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LONG = 1.0
"""Seconds of which one measurement says enough."""
TOO_SHORT = 0.004
"""Seconds of the processor for the longest text in which nothing grows that could matter."""
MOST_GROWTH = 9
"""For four times the length: linear is 4, quadratic 16; between them is room for a busy machine."""


def seconds(run: Callable[[], object]) -> float:
    """The processor's time of a call: the least of three."""
    taken: list[float] = []
    for _ in range(3):
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
        if taken[0] < TOO_SHORT or taken[0] > _LONG:
            break
    return min(taken)


def growth(make: Callable[[int], Callable[[], object]]) -> float:
    """How many times longer four times the length takes; 0 where eight times take no time that could matter.

    Args:
        make: Makes a call for one, two, four or eight times a length.

    Returns:
        The lesser of two ratios: what disturbs one measurement does not disturb both.
    """
    longest = seconds(make(8))
    if longest < TOO_SHORT:
        return 0
    once, twice, four_times = (max(seconds(make(times)), 1e-6) for times in (1, 2, 4))
    return min(longest / twice, four_times / once)
