"""What the ways of ``queues`` lose when processes are killed, share a queue, fork, or fill the disk.

Each fault is brought about in processes of its own, so that one that dies or hangs shows as that. A record
counts as promised from the moment its ``append`` has returned.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import orjson

from tests.benchmarks.queue_ways import WAYS

KILLS = 10
PROCESSES = 4
RECORDS = 500
DISK_BYTES = 8 << 20
"""Of the small disk: room for each way to begin, and soon full."""
BALLAST_BYTES = 2 << 20
"""Freed before reading back from the full disk."""
_TIMEOUT = 60


@dataclass(frozen=True)
class Outcome:
    """What became of the promised records.

    Attributes:
        promised: How many there were.
        lost: Promised ones that were not found; all of them where reading failed.
        doubled: Found more than once.
        ends: How processes ended that did not end well, e.g. ``SIGBUS`` or ``sqlite3.OperationalError``.
    """

    promised: int
    lost: int
    doubled: int
    ends: tuple[str, ...] = ()

    def __str__(self) -> str:
        found = f"{self.lost} lost, {self.doubled} doubled of {self.promised:,}"
        return "; ".join((found, *self.ends))


def record(number: int) -> bytes:
    """About 600 bytes in two lines, as a spool gets them; the number stands in the action line."""
    session = f"{number:020}"
    action = {"create": {"_index": "openreplay-logs", "_id": session}}
    source = {
        "@timestamp": "2026-07-01T12:00:00.123456Z",
        "message": f"[openReplaySession.id={session}] order {number} placed",
        "level": "info",
        "tags": [],
        "openreplay.session.id": session,
        "session.id": session,
        "ecs.version": "8.11.0",
        "service.name": "shop",
        "service.version": "2026.7.1",
        "host.name": "node-17.example.com",
        "process.pid": 4711,
        "log.level": "info",
        "log.logger": "shop.checkout",
        "log.origin.file.name": "views.py",
        "log.origin.file.line": 124,
        "trace.id": f"{number:032x}",
        "span.id": f"{number:016x}",
    }
    return orjson.dumps(action) + b"\n" + orjson.dumps(source) + b"\n"


def killed(way: str) -> Outcome:
    """End a process by SIGKILL while it appends, again and again on the same folder."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        promised: set[int] = set()
        ends: list[str] = []
        for number in range(KILLS):
            child = _start("append", way, folder, str(number * 1_000_000), "0")
            assert child.stdout is not None
            first = child.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.1))
            child.kill()
            written, errors = child.communicate()
            promised |= _numbers(first + written)
            if child.returncode != -signal.SIGKILL:
                ends.append(_end(child.returncode, errors))
        return _compared(way, folder, promised, tuple(ends))


def several(way: str) -> Outcome:
    """Let processes append to one queue at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        children = [
            _start("append", way, folder, str(number * 1_000_000), str(RECORDS))
            for number in range(PROCESSES)
        ]
        return _compared(way, folder, *_finished(children))


def forked(way: str) -> Outcome:
    """Let a process append, fork, and both go on."""
    with tempfile.TemporaryDirectory() as folder:
        return _compared(way, folder, *_finished([_start("fork", way, folder)]))


def full(way: str) -> Outcome | None:
    """Append until a small disk is full, free some of it, and read back.

    Returns:
        None where this user may not make such a disk (a tmpfs in a mount namespace of its own).
    """
    if shutil.which("unshare") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "--", *_command("full", way, folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Outcome(**json.loads(done.stdout)) if done.returncode == 0 else None


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.queue_faults", *arguments]


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        _command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _numbers(written: str) -> set[int]:
    """The numbers that a process has told of; the last line counts only if it is whole."""
    return set(map(int, written[: written.rfind("\n") + 1].split()))


def _finished(children: list[subprocess.Popen[str]]) -> tuple[set[int], tuple[str, ...]]:
    promised: set[int] = set()
    ends: list[str] = []
    for child in children:
        try:
            written, errors = child.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            child.kill()
            written, errors = child.communicate()
            errors += f"\nhung for {_TIMEOUT} s"
        promised |= _numbers(written)
        if child.returncode:
            ends.append(_end(child.returncode, errors))
    return promised, tuple(ends)


def _end(code: int, errors: str) -> str:
    if code < 0 and "hung" not in errors:
        return signal.Signals(-code).name
    return errors.strip().rpartition("\n")[2]


def _compared(way: str, folder: str, promised: set[int], ends: tuple[str, ...]) -> Outcome:
    """Read the queue back in another process and compare."""
    child = _start("read", way, folder)
    written, errors = child.communicate()
    if child.returncode:
        ends = (*ends, f"reading: {_end(child.returncode, errors)}")
    found = list(map(int, written.split()))
    return Outcome(len(promised), len(promised - {*found}), len(found) - len({*found}), ends)


def _append(way: str, folder: Path, first: int, number: int) -> None:
    queue = WAYS[way](folder)
    for each in range(first, first + number) if number else count(first):
        queue.append(record(each))
        os.write(1, b"%d\n" % each)


def _read(way: str, folder: Path) -> None:
    queue = WAYS[way](folder)
    while records := queue.take(1_000):
        for each in records:
            number = int(each.partition(b'"_id":"')[2][:20])
            assert each == record(number), f"record {number} is damaged"
            print(number)
        queue.acknowledge()


def _fork(way: str, folder: Path) -> None:
    queue = WAYS[way](folder)

    def go_on(first: int) -> None:
        for each in range(first, first + RECORDS):
            queue.append(record(each))
            os.write(1, b"%d\n" % each)

    go_on(0)
    child = os.fork()
    try:
        go_on(1_000_000 if child else 2_000_000)
    except BaseException as error:
        if child:
            raise
        # Not through the interpreter's end, which would run what belongs to the parent.
        print(f"in the child: {_named(error)}", file=sys.stderr, flush=True)
        os._exit(1)
    if not child:
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        with contextlib.suppress(ValueError):
            print(f"in the child: {signal.Signals(-code).name}", file=sys.stderr)
        os._exit(1)


def _full(way: str, folder: Path) -> None:
    mount = [
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size={DISK_BYTES + BALLAST_BYTES}",
        "none",
        str(folder),
    ]
    subprocess.run(mount, check=True)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(BALLAST_BYTES))
    queue = folder / "queue"
    queue.mkdir()
    promised, ends = _finished([_start("append", way, str(queue), "0", "0")])
    ballast.unlink()
    print(json.dumps(asdict(_compared(way, str(queue), promised, ends))))


def _named(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}: {error}"


def _main(mode: str, way: str, folder: str, *numbers: str) -> None:
    {"append": _append, "read": _read, "fork": _fork, "full": _full}[mode](
        way, Path(folder), *map(int, numbers)
    )


if __name__ == "__main__":
    _main(*sys.argv[1:])
