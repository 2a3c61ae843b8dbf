"""Fault 1: ``kill -9`` of an emitting process, at random instants."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from tests.faults.trial import Result, Trial, ending, together

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.stored import Target

_CHAIN = 10


def killed(
    folder: Path, target: Target, *, kills: int, records: int, say: Callable[[str], None], seed: int
) -> Result:
    """Kill process after process; each also takes over what those before it left, up to its own end.

    Args:
        folder: For all trials.
        target: The store.
        kills: How many processes are killed.
        records: How many each would emit.
        say: Told of the progress.
        seed: Of the instants.
    """
    generator = random.Random(seed)
    results: list[Result] = []
    for first in range(0, kills, _CHAIN):
        trial = Trial(folder / f"chain{first}", target)
        for _ in range(min(_CHAIN, kills - first)):
            with ending(trial.emitting(records)) as program:
                # Some before the first record, all others anywhere, between any two instructions.
                program.until_noted(generator.randrange(records * 95 // 100))
                time.sleep(generator.random() * 0.01)
                program.kill()
                program.assert_quiet()
        trial.deliver()
        results.append(trial.result("kill"))
        say(f"{min(first + _CHAIN, kills)} of {kills} kills")
    return together("`kill -9` of the emitting process", results)
