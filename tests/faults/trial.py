"""One trial: programs that emit to a store through a spool of their own, and what became of their records."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.faults.ledger import entries, key_of, noted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.ledger import Key
    from tests.faults.stored import Target

ROOT: Final = Path(__file__).parents[2]
HANG_SECONDS: Final = 150.0
"""Longer than anything here takes on a slow machine: whoever takes longer hangs."""
_runs: Final = count()
_CLUES: Final = ("Traceback (most recent call last)", "--- Logging error ---", "Fatal Python")


@dataclass(frozen=True)
class Result:
    """What became of the records of a fault's trials.

    Attributes:
        fault: What was done.
        returned: Records whose log call came back.
        delivered: Records that the store has, among them some whose log call was cut off by a kill.
        lost: Of those that came back, how many neither the store has nor a dead letter.
        doubled: How many the store has more than once.
        microseconds: What each log call took.
        refused: Dead letters.
        exits: Seconds that the ends of programs took.
        note: What else a reader has to know.
    """

    fault: str
    returned: int
    delivered: int
    lost: int
    doubled: int
    microseconds: list[int] = field(default_factory=list, repr=False)
    refused: int = 0
    exits: list[float] = field(default_factory=list)
    note: str = ""

    def milliseconds_at(self, part: float) -> float:
        """What a log call took, at this part of all calls from the shortest on."""
        taken = sorted(self.microseconds)
        return taken[min(len(taken) - 1, int(len(taken) * part))] / 1000 if taken else 0.0

    def assert_once(self) -> None:
        """All that came back is there, once."""
        assert self.returned > 0, self
        assert (self.lost, self.doubled) == (0, 0), self


def together(fault: str, results: list[Result], note: str = "") -> Result:
    """Several trials as one."""
    return Result(
        fault,
        sum(one.returned for one in results),
        sum(one.delivered for one in results),
        sum(one.lost for one in results),
        sum(one.doubled for one in results),
        [took for one in results for took in one.microseconds],
        sum(one.refused for one in results),
        [seconds for one in results for seconds in one.exits],
        note,
    )


class Trial:
    """Programs that share a store and a spool.

    Args:
        folder: For the spool, ledgers and output; a new one.
        target: The store.
        **settings: Settings of the package, by name.
    """

    def __init__(self, folder: Path, target: Target, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.spool = folder / "spool"
        self.target = target
        self.runs: list[str] = []
        self.exits: list[float] = []
        self.environ = _clean_environ() | {
            "PYTHONPATH": str(ROOT),
            "OPENREPLAY_OTEL_STORE": target.url,
            "OPENREPLAY_OTEL_SPOOL_DIR": str(self.spool),
            **{f"OPENREPLAY_OTEL_{k.upper()}": str(v) for k, v in settings.items()},
        }

    def ledger(self, run: str) -> Path:
        """The ledger of a run."""
        return self.folder / f"{run}.ledger"

    def new_run(self) -> str:
        """Name another run, as no other of the same store; its ledger counts from now on."""
        self.runs.append(f"run{next(_runs)}-{secrets.token_hex(3)}")
        return self.runs[-1]

    def emitting(self, records: int, *arguments: str) -> Program:
        """Start the emitting program.

        Args:
            records: How many it logs.
            *arguments: More for it.
        """
        run = self.new_run()
        return self.program(
            run,
            "-m", "tests.faults.programs.emit",
            f"--run={run}", f"--ledger={self.ledger(run)}", f"--records={records}", *arguments,
        )  # fmt: skip

    def program(self, run: str, *arguments: str) -> Program:
        """Start any Python program."""
        return Program(self, run, [sys.executable, *arguments])

    def deliver(self, seconds: float = HANG_SECONDS * 0.8) -> dict[str, Any]:
        """Let another process deliver what is left; it has to be able to."""
        told = self.emitting(0, f"--deliver={seconds}").result()
        assert told["is_done"], told
        return told

    def result(self, fault: str, note: str = "") -> Result:
        """Compare what came back with what the store has."""
        noted_entries = [one for run in self.runs for one in entries(self.ledger(run), run)]
        came_back = {one.key for one in noted_entries}
        assert len(came_back) == len(noted_entries), "a ledger holds a number twice"
        stored = self.target.records()
        dead = set(self._dead_letters())
        mine: dict[Key, int] = {key: n for key, n in stored.items() if key[0] in self.runs}
        return Result(
            fault,
            len(came_back),
            len(mine),
            len(came_back - mine.keys() - dead),
            sum(n > 1 for n in mine.values()),
            [one.microseconds for one in noted_entries],
            len(dead - mine.keys()),
            list(self.exits),
            note,
        )

    def _dead_letters(self) -> Iterator[Key]:
        for path in self.spool.glob("*/*.dead-letters.jsonl"):
            for line in path.read_bytes().splitlines():
                key = key_of(json.loads(line).get("source", {}).get("message", ""))
                if key is not None:
                    yield key


class Program:
    """A running program of a trial."""

    def __init__(self, trial: Trial, run: str, command: list[str]) -> None:
        self._ledger = trial.ledger(run)
        self._output = trial.folder / f"{run}.out"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=trial.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._output.read_text(errors="replace")

    def until_noted(self, records: int) -> None:
        """Wait until so many log calls came back."""
        self.wait_until(lambda: noted(self._ledger) >= records)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for something while it runs; its end before is a failure."""
        deadline = time.monotonic() + HANG_SECONDS
        while not condition():
            assert self.process.poll() is None or condition(), self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.002)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def wait_until_gone(self, pids: list[int]) -> None:
        """Wait until processes that it left have ended."""
        deadline = time.monotonic() + HANG_SECONDS
        while any(Path(f"/proc/{pid}/fd").exists() for pid in pids):
            assert time.monotonic() < deadline, self.output
            time.sleep(0.01)

    def wait(self, seconds: float = HANG_SECONDS) -> float:
        """Wait for its end; returns the seconds that took."""
        began = time.monotonic()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it hangs:\n{self.output}") from None
        return time.monotonic() - began

    def result(self, code: int = 0) -> dict[str, Any]:
        """Wait for its end, which has to be a good one, and read what it told."""
        self.wait()
        output = self.output
        assert self.process.returncode == code, output
        self.assert_quiet()
        told: dict[str, Any] = next(
            json.loads(line) for line in output.splitlines() if line.startswith("{")
        )
        assert told["raised"] == [], told
        return told

    def assert_quiet(self) -> None:
        """Nothing was raised into the app."""
        assert not any(clue in self.output for clue in _CLUES), self.output


@contextlib.contextmanager
def ending(program: Program) -> Iterator[Program]:
    """Kill a program at the end of a block, whatever happens in it."""
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.kill()


def _clean_environ() -> dict[str, str]:
    unwanted = ("OPENREPLAY_OTEL_", "OTEL_", "PYTEST_")
    return {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
