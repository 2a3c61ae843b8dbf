"""Fault 5: a spool on a full disk, removed, read-only, or with garbage in its files."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.faults.stored import OnFaultyBulk
from tests.faults.trial import HANG_SECONDS, Result, Trial, ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers.faulty_bulk import FaultyBulk

_WAITING = f"--deliver={HANG_SECONDS}"
_SMALL = 2 * 1024 * 1024


@contextlib.contextmanager
def _away(faulty: FaultyBulk) -> Iterator[Callable[[], None]]:
    """The store away, until the function is called that the block gets."""
    faulty.stop_listening()

    def come_back() -> None:
        if not faulty.is_listening:
            faulty.listen()

    try:
        yield come_back
    finally:
        come_back()


@contextlib.contextmanager
def _small_disk(path: Path) -> Iterator[bool]:
    """A file system of two mebibytes at a path; False where this account may not make one."""
    path.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL}", "tmpfs", str(path)]
    is_mounted = (
        os.geteuid() == 0
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(path)], check=True)


def full(folder: Path, faulty: FaultyBulk, *, records: int) -> Result:
    """Emit more than the disk holds while the store is away; then the store comes back."""
    trial = Trial(folder, OnFaultyBulk(faulty))
    with _small_disk(trial.spool) as is_mounted, _away(faulty) as come_back:
        # As good as a full disk, except that other files may still be made.
        limit = () if is_mounted else (f"--most-file-bytes={_SMALL}",)
        with ending(trial.emitting(records, _WAITING, *limit)) as program:
            program.until_noted(records)
            come_back()
            assert program.result()["is_done"], program.output
        assert "cannot be written" in program.output, "the disk did not become full"
    means = "a file system of 2 MiB" if is_mounted else "a limit on files' size"
    return trial.result("full disk", f"by {means}; beyond it, records wait in memory")


def removed(folder: Path, faulty: FaultyBulk, *, records: int, seconds: float) -> Result:
    """Remove the whole spool while records wait in it and others come."""
    trial = Trial(folder, OnFaultyBulk(faulty))
    with (
        _away(faulty) as come_back,
        ending(trial.emitting(records, f"--seconds={seconds}", _WAITING)) as program,
    ):
        for part in (1, 2):
            program.until_noted(records * part // 3)
            # The second time it may not be there again yet.
            shutil.rmtree(trial.spool, ignore_errors=part == 2)
        program.until_noted(records)
        come_back()
        assert program.result()["is_done"], program.output
    return trial.result("spool removed while in use", "and the process lives on")


def read_only(folder: Path, faulty: FaultyBulk, *, records: int) -> Result:
    """Begin with a spool that cannot be written, as in a container whose file system is read-only."""
    trial = Trial(folder, OnFaultyBulk(faulty))
    with _small_disk(trial.spool) as is_mounted, _away(faulty) as come_back:
        if is_mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(trial.spool)], check=True)
        else:
            trial.spool.chmod(0o500)
        with ending(trial.emitting(records, _WAITING)) as program:
            program.until_noted(records)
            come_back()
            assert program.result()["is_done"], program.output
        assert "cannot be written" in program.output, "the folder could be written"
        if not is_mounted:
            trial.spool.chmod(0o700)
    means = "file system" if is_mounted else "folder"
    return trial.result("spool read-only", f"a read-only {means}; records wait in memory")


def garbage(folder: Path, faulty: FaultyBulk, *, records: int, seed: int = 1) -> Result:
    """Put garbage between the documents that a killed process left, and files of garbage beside them."""
    trial = Trial(folder, OnFaultyBulk(faulty))
    generator = random.Random(seed)
    with _away(faulty), ending(trial.emitting(records)) as program:
        program.until_noted(records * 3 // 4)
        program.kill()
    segments = sorted(trial.spool.glob("*/*.ndjson"))
    assert segments, "nothing was left"
    for path in segments:
        lines = path.read_bytes().splitlines(keepends=True)
        torn = lines.pop() if not lines[-1].endswith(b"\n") else b""
        places = generator.sample(range(1, len(lines), 2), 5)
        for place in sorted(places, reverse=True):
            lines.insert(place, generator.randbytes(2000).replace(b"\n", b"") + b"\n")
        lines[0] = generator.randbytes(10) + b"\n" if generator.random() < 0.5 else lines[0]
        path.write_bytes(b"".join(lines) + torn)
    for number in range(5):
        name = f"{segments[0].name[:-20]}{900 + number:06d}.other.ndjson"
        (segments[0].parent / name).write_bytes(generator.randbytes(number * 5000))
    trial.deliver()
    letters = sum(path.stat().st_size for path in trial.spool.glob("*/*.dead-letters.jsonl"))
    assert letters > 0, "the garbage was thrown away"
    return trial.result("garbage among a dead process's documents", "the garbage is kept aside")
