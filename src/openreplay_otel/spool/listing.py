"""What lies in a spool, process by process, read without changing it and beside those that use it."""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from ..names import FIELD_TIMESTAMP
from ..private_files import open_existing
from ..stores.timestamps import from_text
from .dead_letters import SUFFIX as DEAD_LETTERS_SUFFIX
from .dead_letters import dead_letters_in
from .process_status import SUFFIX as STATUS_SUFFIX
from .process_status import statuses_in
from .segment import HEADER_SIZE, checkpoint_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .folder import SegmentFile, SpoolFolder

_OWNER: Final = re.compile(r"(?P<pid>\d+)-(?P<began>\d{13})")
_TIMESTAMP: Final = re.compile(rb'"%b":"([^"\\]{10,40})"' % FIELD_TIMESTAMP.encode())
_PIECE: Final = 4 * 1024 * 1024
_CLOCK_SLACK: Final = 10.0
"""Seconds by which the system's time of a process's start may be off."""

State = Literal["running", "ended", "taken over"]


@dataclass(kw_only=True)
class ProcessListing:
    """What one process has in a spool, or left there.

    Attributes:
        owner: Its name in the spool's files.
        pid: Its id.
        began_at: When it began to log.
        program: What was run; None where it did not tell.
        state: Whether it runs, ended, or ended and another process is delivering what it left.
        queued: Documents that are not with the store.
        queued_bytes: Their size.
        oldest: Time of the oldest of them.
        dead_letters: Documents that the store refused.
        counts: What it told of its work: accepted, delivered, retried, refused.
        dropped: Records that it gave up, by the reason.
    """

    owner: str
    pid: int
    began_at: datetime
    program: str | None = None
    state: State = "ended"
    queued: int = 0
    queued_bytes: int = 0
    oldest: datetime | None = None
    dead_letters: int = 0
    counts: dict[str, int] = field(default_factory=dict[str, int])
    dropped: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, queued: int, size: int, oldest: datetime | None) -> None:
        """Count a segment in."""
        self.queued += queued
        self.queued_bytes += size
        self.oldest = min(filter(None, (self.oldest, oldest)), default=None)


@dataclass(frozen=True, slots=True)
class SpoolListing:
    """All of a spool.

    Attributes:
        folder: Where it lies.
        processes: In the order in which they began.
    """

    folder: Path
    processes: list[ProcessListing]

    @property
    def total(self) -> ProcessListing:
        """The sums over all processes."""
        total = ProcessListing(owner="", pid=0, began_at=datetime.now(timezone.utc))
        dropped: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for one in self.processes:
            total.add(one.queued, one.queued_bytes, one.oldest)
            total.dead_letters += one.dead_letters
            dropped.update(one.dropped)
            counts.update(one.counts)
        total.dropped, total.counts = dict(dropped), dict(counts)
        return total

    @property
    def waiting_for_nobody(self) -> int:
        """Documents of ended processes that no running one has."""
        return sum(one.queued for one in self.processes if one.state == "ended")


def list_spool(folder: SpoolFolder) -> SpoolListing:
    """Look into a spool.

    Raises:
        OSError: It cannot be read.
    """
    found: dict[str, ProcessListing] = {}
    free: set[str] = set()
    held: set[str] = set()
    with contextlib.suppress(FileNotFoundError):
        os.scandir(
            folder.path
        ).close()  # glob() would take a folder of somebody else for an empty one
    for file in folder.files():
        with contextlib.suppress(FileNotFoundError):
            _of(found, file.owner).add(*_queued_in(file))
            (held if folder.is_locked(file) else free).add(file.owner)
    for owner, status in statuses_in(folder.path).items():
        if _OWNER.fullmatch(owner):
            _read_status(_of(found, owner), status)
    for path, letters in dead_letters_in(folder.path):
        owner = owner_of(path)
        if owner is not None:
            _of(found, owner).dead_letters += len(letters)
    for owner, one in found.items():
        # A running process has all its segments locked; others lock what an ended one left.
        if owner not in free and is_running(one.pid, one.began_at.timestamp()):
            one.state = "running"
        elif owner in held - free:
            one.state = "taken over"
    in_order = sorted(found.values(), key=lambda one: (one.began_at, one.pid))
    return SpoolListing(folder.path, in_order)


def owner_of(path: Path) -> str | None:
    """The process that made a file of dead letters or a status; None where its name tells none."""
    match = _OWNER.match(path.name)
    return None if match is None else match[0]


def is_running(pid: int, began_at: float) -> bool:
    """Whether a process runs, and is not another one that got the same id later.

    Args:
        pid: Its id.
        began_at: When it began to log (Unix seconds).
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # it belongs to another account
    # Where the system has no such folder, the id has to do.
    with contextlib.suppress(OSError, ValueError, IndexError):
        # Behind the program's name, which may hold anything, the start is the twentieth.
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        ticks = int(stat.rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
        age = uptime - ticks / os.sysconf("SC_CLK_TCK")
        return datetime.now(timezone.utc).timestamp() - age <= began_at + _CLOCK_SLACK
    return True


def time_of_first(lines: bytes) -> datetime | None:
    """The time of the first document; None where it has none.

    Args:
        lines: Lines of documents, or the beginning of such.
    """
    match = _TIMESTAMP.search(lines)
    if match is None:
        return None
    try:
        return from_text(match[1].decode())
    except (ValueError, OverflowError):
        return None


def dead_letter_files(folder: Path) -> Iterator[Path]:
    """The files with dead letters, those of processes that began first in front."""
    yield from sorted(folder.glob(f"*{DEAD_LETTERS_SUFFIX}"))


def status_files(folder: Path) -> Iterator[Path]:
    """The files with the counts of processes."""
    yield from sorted(folder.glob(f"*{STATUS_SUFFIX}"))


def _of(found: dict[str, ProcessListing], owner: str) -> ProcessListing:
    pid, _, began = owner.partition("-")
    began_at = datetime.fromtimestamp(int(began) / 1000, timezone.utc)
    return found.setdefault(owner, ProcessListing(owner=owner, pid=int(pid), began_at=began_at))


def _queued_in(file: SegmentFile) -> tuple[int, int, datetime | None]:
    """Documents, bytes and the time of the oldest of what is not done in a segment."""
    with os.fdopen(open_existing(file.path), "rb") as opened:
        checkpoint = checkpoint_of(opened.read(HEADER_SIZE))
        opened.seek(max(HEADER_SIZE, checkpoint or HEADER_SIZE))
        newlines = size = 0
        oldest: datetime | None = None
        while piece := opened.read(_PIECE):
            if not size:
                oldest = time_of_first(piece)
            newlines += piece.count(b"\n")
            size += len(piece)
    return newlines // 2, size, oldest


def _read_status(listing: ProcessListing, status: dict[str, Any]) -> None:
    program, dropped = status.get("program"), status.get("dropped")
    if isinstance(program, str):
        listing.program = program
    listing.counts = _numbers(status)
    if isinstance(dropped, dict):
        listing.dropped = _numbers(dropped)  # pyright: ignore[reportUnknownArgumentType] - looked at there


def _numbers(values: dict[Any, Any]) -> dict[str, int]:
    return {str(name): value for name, value in values.items() if isinstance(value, int)}
