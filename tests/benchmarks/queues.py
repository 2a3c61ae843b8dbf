"""``queues``: ways to keep records safe from ``kill -9``, each record on its own, beside a plain file.

The ways, and how each is set, stand in ``queue_ways``; they need the dependency group ``queues``. A record is
about 600 bytes in two lines. Measured are

- CPU a record appended, by one thread; nothing is read, so the queue grows, as in an outage;
- the same with reading: each 1,000 appended are taken as one batch and acknowledged;
- CPU and time a record when four threads append at once; where time exceeds CPU they wait for locks or syncs;
- bytes on disk a record, of 20,000 that nobody has taken yet.

A ratio is the plain file as a part of the other way. Then come the faults of ``queue_faults``: kill -9, four
processes on one queue, a fork, a full disk. Their figure is how many promised records were lost or doubled, and
how many processes were ended by a signal that nobody sent.

Limits: a local file system, the one of TMPDIR; the kernel's own writing to the disk is in no figure. Kills hit
appends only, not acknowledgements. The plain file here is a queue with one reader and no more: it has no limit
of its size, and does not tell the segments of processes that live from those of dead ones.
"""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import queue_faults
from tests.benchmarks.measuring import Rounds, cpu_rounds
from tests.benchmarks.queue_ways import OURS, WAYS
from tests.benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.measuring import Side
    from tests.benchmarks.queue_ways import Way

RECORDS = 1_000
"""In a bout, and in a batch that is read back."""
THREADS = 4
STORED = 20_000
BOUTS = 3
ROUNDS = 7
_RECORD = queue_faults.record(123_456_789)


def run() -> list[Row]:
    """Measure; returns the rows of the table."""
    rows: list[Row] = []
    for what, make in (
        ("append", _appending),
        ("append, read, acknowledge", _with_reading),
        (f"{THREADS} threads append", _with_threads),
    ):
        cpu, waited = _measured(make)
        rows += _rows(what, "µs", cpu)
        if make is _with_threads:
            rows += _rows(f"{what}, by the clock", "µs", waited)
    return [*rows, *_rows("on disk", "B", _disk_bytes()), *_faults()]


def _measured(make: Callable[[Way], Side]) -> tuple[Rounds, Rounds]:
    """CPU and clock microseconds a record; the clock's are single bouts, with those of the warm-up."""
    waited = Rounds()
    with ExitStack() as stack:
        sides = {
            name: _clocked(make(open_(_folder(stack))), name, waited)
            for name, open_ in WAYS.items()
        }
        cpu = cpu_rounds(sides, operations=RECORDS, rounds=ROUNDS, bouts=BOUTS, warm_up=1)
    return cpu, waited


def _folder(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory()))


def _clocked(side: Side, name: str, waited: Rounds) -> Side:
    def clocked() -> None:
        began = time.perf_counter()
        side()
        waited.add(name, (time.perf_counter() - began) / RECORDS * 1e6)

    return clocked


def _appending(way: Way) -> Side:
    def append_all() -> None:
        for _ in range(RECORDS):
            way.append(_RECORD)

    return append_all


def _with_reading(way: Way) -> Side:
    records = [queue_faults.record(number) for number in range(RECORDS)]

    def append_and_read() -> None:
        for record in records:
            way.append(record)
        taken: list[bytes] = []
        while batch := way.take(RECORDS):  # a batch may end with a file
            taken += batch
            way.acknowledge()
        assert taken == records

    return append_and_read


def _with_threads(way: Way) -> Side:
    def append_part() -> None:
        for _ in range(RECORDS // THREADS):
            way.append(_RECORD)

    def append_all() -> None:
        threads = [threading.Thread(target=append_part) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return append_all


def _disk_bytes() -> Rounds:
    taken = Rounds()
    for name, open_ in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            way = open_(Path(folder))
            for _ in range(STORED):
                way.append(_RECORD)
            blocks = sum(path.stat().st_blocks for path in Path(folder).rglob("*"))
            taken.add(name, blocks * 512 / STORED)
    return taken


def _rows(what: str, unit: str, taken: Rounds) -> list[Row]:
    ours = taken.median(OURS)
    return [
        Row(
            f"{what}: {name}",
            unit,
            ours,
            None if name == OURS else taken.median(name),
            None if name == OURS else taken.ratio(OURS, name),
        )
        for name in WAYS
    ]


def _faults() -> list[Row]:
    rows: list[Row] = []
    for what, bring_about in (
        (f"{queue_faults.KILLS} x kill -9", queue_faults.killed),
        (f"{queue_faults.PROCESSES} processes", queue_faults.several),
        ("fork", queue_faults.forked),
        ("full disk", queue_faults.full),
    ):
        for name in WAYS:
            outcome = bring_about(name)
            if outcome is None:
                print(f"{what}: left out, this user may not mount a small disk")
                break
            died = sum(end.startswith("SIG") for end in outcome.ends)
            wrong = outcome.lost + outcome.doubled + died
            rows.append(Row(f"{what}: {name}: {outcome}", "wrong", wrong, aim=0))
    return rows
