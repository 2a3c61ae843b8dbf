"""Takes turns between the sides of a comparison and forms the ratio of each round.

CPU is the time of the measuring process (``time.process_time``): waiting for a server costs nothing,
other processes' work is not counted. It still depends on what else the machine does, by shared caches and
clock rates. Therefore a round is made of many short bouts in which the sides take turns, a side's figure
of the round is the median of its bouts, and only figures of the same round make a ratio.

The garbage collector is off while a side runs, on every side alike, so that objects one side keeps do not
make the next one slower; what an app pays for collecting is therefore not in the figures.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Side: TypeAlias = "Callable[[], object]"


@dataclass(frozen=True)
class Ratio:
    """A ratio of two sides: median, lowest and highest over the rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Ratio:
        """Summarise the ratios of the rounds."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Rounds:
    """What each side took in each round, in one unit of choice."""

    taken: dict[str, list[float]] = field(default_factory=dict)

    def add(self, side: str, value: float) -> None:
        """Note what a side took in the present round."""
        self.taken.setdefault(side, []).append(value)

    def median(self, side: str) -> float:
        """What a side took in a usual round."""
        return statistics.median(self.taken[side])

    def ratio(self, side: str, other: str) -> Ratio:
        """A side as a part of another, round by round."""
        return Ratio.of([a / b for a, b in zip(self.taken[side], self.taken[other], strict=True)])

    def added(self, side: str, bare: str) -> float:
        """What a side takes more than the bare one in a usual round."""
        pairs = zip(self.taken[side], self.taken[bare], strict=True)
        return statistics.median([a - b for a, b in pairs])

    def added_ratio(self, side: str, bare: str) -> Ratio:
        """What a side takes more than the bare one, as a part of the bare one."""
        pairs = zip(self.taken[side], self.taken[bare], strict=True)
        return Ratio.of([a / b - 1 for a, b in pairs])

    def ratio_of_added(self, side: str, other: str, bare: str) -> Ratio:
        """What a side takes more than the bare one, as a part of what another takes more."""
        taken = zip(self.taken[side], self.taken[other], self.taken[bare], strict=True)
        return Ratio.of([(a - c) / (b - c) for a, b, c in taken])


def turns(names: Sequence[str], number: int) -> Iterator[str]:
    """The sides in the order of a bout: each comes first, and behind each other one, equally often."""
    turned = names if number % 2 == 0 else names[::-1]
    start = number // 2 % len(names)
    yield from turned[start:]
    yield from turned[:start]


def cpu_rounds(
    sides: Mapping[str, Side],
    *,
    operations: int,
    rounds: int,
    bouts: int,
    warm_up: int,
    clock: Callable[[], float] = time.process_time,
) -> Rounds:
    """Run the sides in turns.

    Args:
        sides: By name; each call does ``operations`` operations and is one bout.
        operations: By what the CPU time of a bout is divided.
        rounds: How many count; 7 at least.
        bouts: Of each side in a round.
        warm_up: Bouts of each side that come before and do not count.
        clock: Seconds of CPU; of the process, unless it is said otherwise.

    Returns:
        CPU microseconds an operation.
    """
    assert rounds >= 7
    names = list(sides)
    measured = Rounds()
    gc.collect()
    # What is there already is not looked through again before each bout.
    gc.freeze()
    try:
        for _ in range(warm_up):
            for side in sides.values():
                side()
        for _ in range(rounds):
            of_round: dict[str, list[float]] = {name: [] for name in names}
            for bout in range(bouts):
                for name in turns(names, bout):
                    of_round[name].append(_cpu_seconds(sides[name], clock) / operations * 1e6)
            for name, taken in of_round.items():
                measured.add(name, statistics.median(taken))
    finally:
        gc.unfreeze()
    return measured


def _cpu_seconds(side: Side, clock: Callable[[], float]) -> float:
    gc.collect()
    gc.disable()
    try:
        began = clock()
        side()
        return clock() - began
    finally:
        gc.enable()
