"""The spool's folder: one for each store, with the segments of all processes that log to it.

A process locks its segments for as long as it lives; a segment that can be locked belongs to a dead one,
and whoever locks it has it from then on.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ..private_files import check_links, make_folders, open_anew, open_existing, open_own
from .recovery import recover
from .segment import HEADER_SIZE, FileMedium, MemoryMedium, Segment, header

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # no such locks there: the spool stays in memory
    fcntl = None

SUFFIX: Final = ".ndjson"
_UNFINISHED: Final = ".new"
_WITH_SESSIONS: Final = "sessions"
_WITHOUT_SESSIONS: Final = "other"
_NAME: Final = re.compile(
    r"(?P<made>\d{13})-(?P<owner>\d+-\d{13})-(?P<number>\d{6})\.(?P<kind>sessions|other)\.ndjson"
)
_MAKING_SECONDS: Final = 60.0
"""Longer than a living process takes to make a segment."""
_HOSTS: Final = "hosts"
_MOST_NOTED: Final = 64 * 1024
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9.-]+")


class SegmentFile(NamedTuple):
    """A segment's file as the folder shows it.

    Attributes:
        path: Its path.
        made_ms: When it was made (Unix milliseconds).
        owner: The process that made it: its id and the time at which it began to log.
        has_sessions: Whether its documents belong to sessions.
        size: Bytes.
        changed_at: When it was last written (Unix seconds).
    """

    path: Path
    made_ms: int
    owner: str
    has_sessions: bool
    size: int
    changed_at: float


class Recovered(NamedTuple):
    """A segment of a dead process, and what in it was no document."""

    segment: Segment
    damaged: bytes


class SpoolFolder:
    """Makes, finds and locks the segments of one store.

    Args:
        path: The folder; made when the first segment is.
        hosts: Addresses of the store, by which it is found again; see :meth:`of`.
        others: Further folders of the same store, from when it was known by other addresses only.
    """

    def __init__(
        self, path: Path, hosts: tuple[str, ...] = (), others: tuple[Path, ...] = ()
    ) -> None:
        self.path = path
        self._hosts = hosts
        self._others = others
        self.begin_process()

    @classmethod
    def of(cls, spool_dir: str | None, store_name: str) -> SpoolFolder:
        """The folder of one store: the same for a cluster, in whichever order its hosts are named, and how many.

        Args:
            spool_dir: The folder for all stores; None for the user's state folder (XDG) or, where that cannot
                be written, one in the folder for temporary files.
            store_name: The store's name, which holds no credentials: with others it is the same store.
        """
        root = (
            Path(spool_dir).expanduser() if spool_dir is not None else default_spool_dir()
        ).absolute()
        hosts = _hosts_of(store_name)
        wanted = root / _folder_name(",".join(hosts))
        others: list[Path] = []
        with contextlib.suppress(OSError):
            others = [
                path
                for path in sorted(root.iterdir())
                if path != wanted and not _noted(path).isdisjoint(hosts)
            ]
        if others and not wanted.exists():
            wanted = others.pop(0)
        return cls(wanted, hosts, tuple(others))

    def begin_process(self) -> None:
        """Take this process for a new one: at the start, and in a forked child."""
        self.owner = f"{os.getpid()}-{_unique_ms():013d}"
        self._numbers = count(1)

    def make_segment(self, *, has_sessions: bool) -> Segment:
        """Make a segment of this process.

        Raises:
            OSError: The folder cannot be made or written.
        """
        self._make_folder()
        name = self._next_name(has_sessions=has_sessions)
        path, unfinished = self.path / name, self.path / (name + _UNFINISHED)
        fd = open_anew(unfinished, os.O_RDWR)
        try:
            # Locked before it has a name by which others find it.
            _lock(fd)
            if os.write(fd, header(HEADER_SIZE)) != HEADER_SIZE:
                raise OSError("the disk is full")  # noqa: TRY301 - cleaned up below
            unfinished.rename(path)
            append_fd = open_existing(path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            os.close(fd)
            for left in (unfinished, path):
                with contextlib.suppress(OSError):
                    left.unlink(missing_ok=True)
            raise
        return _segment(name, FileMedium(path, fd, append_fd), has_sessions=has_sessions)

    def make_segment_in_memory(self, *, has_sessions: bool) -> Segment:
        """Make a segment that lives as long as the process."""
        name = self._next_name(has_sessions=has_sessions)
        return _segment(name, MemoryMedium(), has_sessions=has_sessions)

    def files(self) -> list[SegmentFile]:
        """All segments that lie in the folder, those to be given up first in front.

        Raises:
            OSError: The folder cannot be read.
        """
        found: list[SegmentFile] = []
        for folder in (self.path, *self._others):
            with contextlib.suppress(FileNotFoundError):
                found += _files_in(folder)
        return sorted(found, key=lambda file: (file.has_sessions, file.path.name))

    def adopt(self, file: SegmentFile) -> Recovered | None:
        """Take over a segment of a dead process; None where its owner lives or it is gone.

        Raises:
            OSError: The file cannot be read.
        """
        fd = _open_locked(file.path)
        if fd is None:
            return None
        try:
            found = recover(fd, lambda content: _replace(file.path, fd, content))
        except BaseException:
            os.close(fd)
            raise
        segment = Segment(
            file.path.name,
            FileMedium(file.path, fd, None),
            has_sessions=file.has_sessions,
            size=found.size,
            start=found.checkpoint,
            records=found.records,
        )
        segment.is_sealed = True
        return Recovered(segment, found.damaged)

    def is_locked(self, file: SegmentFile) -> bool:
        """Whether a living process has this segment.

        Raises:
            OSError: The file cannot be opened.
        """
        fd = _open_locked(file.path)
        if fd is None:
            return file.path.exists()
        os.close(fd)
        return False

    def clear_unfinished(self) -> None:
        """Remove what dead processes had begun to make."""
        for path in self._paths(_UNFINISHED):
            with contextlib.suppress(OSError):
                # A young one is not even locked for a look: its maker is about to lock it, and would fail.
                if not _is_outdated(path.stat()):
                    continue
                fd = _open_locked(path)
                if fd is not None:
                    if _is_outdated(os.fstat(fd)):
                        path.unlink(missing_ok=True)
                    os.close(fd)

    def _paths(self, suffix: str) -> Iterator[Path]:
        with contextlib.suppress(FileNotFoundError):
            yield from self.path.glob(f"*{suffix}")

    def _next_name(self, *, has_sessions: bool) -> str:
        # In one step: a signal handler may log in the middle of it.
        number = next(self._numbers)
        kind = _WITH_SESSIONS if has_sessions else _WITHOUT_SESSIONS
        made = time.time_ns() // 1_000_000
        return f"{made:013d}-{self.owner}-{number:06d}.{kind}{SUFFIX}"

    def _make_folder(self) -> None:
        make_private(self.path)
        self._note_hosts()

    def _note_hosts(self) -> None:
        new = [host for host in self._hosts if host not in _noted(self.path)]
        if new:
            # At the end of the file: another process may do the same.
            fd = open_own(self.path / _HOSTS, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(fd, "".join(f"{host}\n" for host in new).encode())
            finally:
                os.close(fd)


def make_private(folder: Path) -> None:
    """Make a folder that nobody else can look into; what is there has to be this account's own.

    Raises:
        OSError: It cannot be made, or belongs to someone else.
    """
    check_links(folder)
    make_folders(folder)
    if hasattr(os, "geteuid") and folder.stat().st_uid not in {os.geteuid(), 0}:
        message = f"{folder} belongs to another account"
        raise PermissionError(message)


def _files_in(folder: Path) -> Iterator[SegmentFile]:
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                yield SegmentFile(
                    Path(entry.path),
                    int(match["made"]),
                    match["owner"],
                    match["kind"] == _WITH_SESSIONS,
                    status.st_size,
                    status.st_mtime,
                )


def _hosts_of(store_name: str) -> tuple[str, ...]:
    # The name of a file may hold a comma.
    is_cluster = store_name.startswith(("http://", "https://"))
    return tuple(sorted({*store_name.split(",")})) if is_cluster else (store_name,)


def _noted(folder: Path) -> frozenset[str]:
    """The hosts for which a folder was used."""
    # By the system's own calls: a destructor logs when Python has no open() any more.
    try:
        fd = open_existing(folder / _HOSTS)
    except OSError:
        return frozenset()
    try:
        return frozenset(os.read(fd, _MOST_NOTED).decode(errors="replace").splitlines())
    finally:
        os.close(fd)


def _folder_name(store_name: str) -> str:
    digest = hashlib.blake2b(store_name.encode(), digest_size=5).hexdigest()
    readable = _NOT_IN_A_NAME.sub("-", store_name.split("://", 1)[-1]).strip("-.")[-40:].strip("-.")
    return f"{readable}-{digest}"


def default_spool_dir() -> Path:
    """The folder for the spools where none is named."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    wanted = Path(state) / "openreplay-otel" / "spool"
    existing = next((p for p in (wanted, *wanted.parents) if p.exists()), wanted)
    if os.access(existing, os.W_OK | os.X_OK):
        return wanted
    account = os.geteuid() if hasattr(os, "geteuid") else "user"
    return Path(tempfile.gettempdir()) / f"openreplay-otel-{account}" / "spool"


def _segment(name: str, medium: FileMedium | MemoryMedium, *, has_sessions: bool) -> Segment:
    return Segment(
        name, medium, has_sessions=has_sessions, size=HEADER_SIZE, start=HEADER_SIZE, records=0
    )


_owners: Final = count()


def _unique_ms() -> int:
    """The time, and never the same twice: two spools of a process are two owners."""
    return time.time_ns() // 1_000_000 + next(_owners)


def _lock(fd: int) -> None:
    """Lock a file for as long as it is open.

    Raises:
        BlockingIOError: Another process has it.
        OSError: There are no such locks here.
    """
    if fcntl is None:
        raise OSError("this system has no file locks")
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_outdated(unfinished: os.stat_result) -> bool:
    return time.time() - unfinished.st_mtime > _MAKING_SECONDS


def _replace(path: Path, fd: int, content: bytes) -> None:
    """Put another file in a locked file's place; the descriptor is the new one's from then on."""
    unfinished = path.with_name(path.name + _UNFINISHED)
    new = open_anew(unfinished, os.O_RDWR)
    try:
        _lock(new)
        if os.write(new, content) != len(content):
            raise OSError("the disk is full")
        unfinished.replace(path)
        os.dup2(new, fd, inheritable=False)
    finally:
        os.close(new)


def _open_locked(path: Path) -> int | None:
    """Open and lock; None where another one has it, or it went meanwhile."""
    try:
        fd = open_existing(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        _lock(fd)
        # Its last owner may have removed it in between.
        if os.fstat(fd).st_nlink:
            return fd
    except BlockingIOError:
        pass
    except OSError:
        os.close(fd)
        raise
    os.close(fd)
    return None
