"""The ways to keep records on disk that ``queues`` compares, each used as its own documentation advises.

A record is bytes of two lines. ``append`` returns when the record is safe from the end of the process: handed
to the kernel, in whose page cache it outlives ``kill -9``. None of the ways is asked to outlive a power cut.

What each is set to, and what is known of it:

- ``file``: one ``os.write`` a record on an O_APPEND descriptor under an RLock, in segments of 4 MB. Each process
  has segments of its own, also after a fork. A kill can cut a write short where it crosses a page, so lines
  after a segment's last whole record are left out; such a record was never promised.
- ``mmap``: the same in a mapped segment of 1 MB, its room taken beforehand. That matters: a store into a hole
  of a sparse file on a full disk is no error that could be caught but SIGBUS, the end of the app. Taking the
  room does not help where the file system copies on write, or where somebody cuts the file.
- ``SQLite``: WAL, one commit a record; synchronous OFF and NORMAL both outlive the process, NORMAL syncs at
  checkpoints. A connection must not cross a fork, so the child opens its own.
- ``LMDB``: no sync, one transaction a record. With writemap and map_async records are stored into the map of a
  sparse file: SIGBUS as above; without, they are written. By its documentation an environment must not be used
  across a fork; here it is, as by an app that knows nothing.
- ``diskcache``: over SQLite; ``Deque`` with its defaults (NORMAL), ``Cache.push`` with OFF. Opens anew at a
  fork by itself. Unpickles what its files say is pickled (CVE-2025-69872, not repaired).
- ``persist-queue``: ``SQLiteQueue`` (also called ``FIFOSQLiteQueue``), with SQLite's default FULL, so that each
  commit is synced; and the file ``Queue``, which writes a second file at each put. Both pickle.
"""

from __future__ import annotations

import io
import mmap
import os
import sqlite3
import struct
import threading
from collections import deque
from errno import ENOSPC
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


class Way(Protocol):
    """A queue on disk with one reader."""

    def append(self, record: bytes, /) -> None:
        """Make the record safe from the end of the process."""

    def take(self, number: int) -> list[bytes]:
        """The oldest records that are not acknowledged, ``number`` at most, but one if there is any."""
        ...

    def acknowledge(self) -> None:
        """Forget for good what was taken last."""


class _Segments:
    """Segments of this process to write to, and reading those of all, one after the other."""

    head = 0
    """Bytes at the beginning of a segment that are no record."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting = deque(sorted(folder.glob("*.segment")))
        self._offset = self._known_position()
        self._taken = 0
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def take(self, number: int) -> list[bytes]:
        while True:
            with self._lock:
                lines = self._lines(self._waiting[0], self._offset, 2 * number)
            if lines or len(self._waiting) == 1:
                self._taken = sum(map(len, lines))
                return [a + b for a, b in zip(lines[::2], lines[1::2], strict=True)]
            # A spool has to know that nobody writes here any more; in a benchmark that is so.
            self._waiting.popleft().unlink()
            self._offset = self.head

    def acknowledge(self) -> None:
        self._offset += self._taken
        self._taken = 0
        # Where reading goes on has to outlive the process too.
        new = self._folder / "position.new"
        new.write_text(f"{self._waiting[0].name} {self._offset}", encoding="ascii")
        new.replace(self._folder / "position")

    def _known_position(self) -> int:
        position = self._folder / "position"
        if self._waiting and position.exists():
            name, _, offset = position.read_text(encoding="ascii").partition(" ")
            if self._waiting[0].name == name:
                return int(offset)
        return self.head

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._numbers = count()
        self._open_next()

    def _new_path(self) -> Path:
        while True:
            path = self._folder / f"{os.getpid():010}-{next(self._numbers):06}.segment"
            if not path.exists():
                return path

    def _open_next(self) -> None:
        raise NotImplementedError

    def _lines(self, path: Path, offset: int, number: int) -> list[bytes]:
        raise NotImplementedError


def _whole_records(lines: Iterable[bytes], number: int) -> list[bytes]:
    found = list(islice(lines, number))
    if found and not found[-1].endswith(b"\n"):
        found.pop()
    return found[: len(found) // 2 * 2]


class _PlainFile(_Segments):
    """``file``."""

    size = 4 << 20

    def append(self, record: bytes) -> None:
        with self._lock:
            written = os.write(self._descriptor, record)
            if written != len(record):
                os.ftruncate(self._descriptor, self._end)
                raise OSError(ENOSPC, os.strerror(ENOSPC))
            self._end += written
            if self._end >= self.size:
                os.close(self._descriptor)
                self._open_next()

    def _open_next(self) -> None:
        path = self._new_path()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._end = 0
        self._waiting.append(path)

    def _lines(self, path: Path, offset: int, number: int) -> list[bytes]:
        with path.open("rb") as file:
            file.seek(offset)
            return _whole_records(file, number)


class _MappedFile(_Segments):
    """``mmap``: the segment's first eight bytes say where its records end."""

    size = 1 << 20
    head = 8
    _END = struct.Struct("<Q")

    def append(self, record: bytes) -> None:
        with self._lock:
            end = self._end + len(record)
            if end > self.size:
                self._open_next()
                end = self._end + len(record)
            self._map[self._end : end] = record
            # Only now is the record there: a kill in between leaves it out as a whole.
            self._END.pack_into(self._map, 0, end)
            self._end = end

    def _open_next(self) -> None:
        path = self._new_path()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self.size)
            self._map = mmap.mmap(descriptor, self.size)
        except OSError:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
        self._end = self.head
        self._END.pack_into(self._map, 0, self._end)
        self._waiting.append(path)

    def _lines(self, path: Path, offset: int, number: int) -> list[bytes]:
        with path.open("rb") as file:
            (end,) = self._END.unpack(file.read(self.head))
            file.seek(offset)
            return _whole_records(io.BytesIO(file.read(max(0, end - offset))), number)


class _Sqlite:
    """``SQLite`` of the standard library."""

    def __init__(self, folder: Path, synchronous: str) -> None:
        self._path = folder / "queue.sqlite"
        self._synchronous = synchronous
        self._last = 0
        self._abandoned: list[sqlite3.Connection] = []
        self._open()
        os.register_at_fork(after_in_child=self._open_in_child)

    def append(self, record: bytes) -> None:
        with self._lock:
            self._connection.execute("INSERT INTO queue (record) VALUES (?)", (record,))

    def take(self, number: int) -> list[bytes]:
        with self._lock:
            rows = self._connection.execute(
                "SELECT number, record FROM queue ORDER BY number LIMIT ?", (number,)
            ).fetchall()
        self._last = rows[-1][0] if rows else 0
        return [record for _, record in rows]

    def acknowledge(self) -> None:
        with self._lock:
            self._connection.execute("DELETE FROM queue WHERE number <= ?", (self._last,))

    def _open(self) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            self._path, timeout=30, isolation_level=None, check_same_thread=False
        )
        for statement in (
            "PRAGMA journal_mode=WAL",
            f"PRAGMA synchronous={self._synchronous}",
            # AUTOINCREMENT: a number is not given again when the table has been emptied.
            "CREATE TABLE IF NOT EXISTS queue (number INTEGER PRIMARY KEY AUTOINCREMENT, record BLOB)",
        ):
            self._connection.execute(statement)

    def _open_in_child(self) -> None:
        self._abandoned.append(self._connection)  # closing it here would harm the parent's
        self._open()


class _Lmdb:
    """``LMDB``: numbered keys, with the process's id behind, so that processes do not meet."""

    _KEY = struct.Struct(">QI")

    def __init__(self, folder: Path, *, writemap: bool) -> None:
        import lmdb

        self._environment: Any = lmdb.open(
            str(folder), map_size=1 << 30, writemap=writemap, map_async=writemap,
            sync=False, metasync=False,
        )  # fmt: skip
        with self._environment.begin() as transaction, transaction.cursor() as cursor:
            last = self._KEY.unpack(cursor.key())[0] if cursor.last() else 0
        self._numbers = count(last + 1)
        self._taken: list[bytes] = []

    def append(self, record: bytes) -> None:
        with self._environment.begin(write=True) as transaction:
            transaction.put(self._KEY.pack(next(self._numbers), os.getpid()), record)

    def take(self, number: int) -> list[bytes]:
        with self._environment.begin() as transaction, transaction.cursor() as cursor:
            items = list(islice(cursor, number))
        self._taken = [key for key, _ in items]
        return [record for _, record in items]

    def acknowledge(self) -> None:
        with self._environment.begin(write=True) as transaction:
            for key in self._taken:
                transaction.delete(key)


class _DiskcacheDeque:
    """``diskcache.Deque`` with its defaults."""

    def __init__(self, folder: Path) -> None:
        from diskcache import Deque

        self._deque: Any = Deque(directory=str(folder))
        self.append: Callable[[bytes], None] = self._deque.append
        self._taken = 0

    def take(self, number: int) -> list[bytes]:
        records = list(islice(self._deque, number))
        self._taken = len(records)
        return records

    def acknowledge(self) -> None:
        with self._deque.transact():
            for _ in range(self._taken):
                self._deque.popleft()


class _DiskcacheCache:
    """``diskcache.Cache`` as a queue, without syncs."""

    def __init__(self, folder: Path) -> None:
        from diskcache import Cache

        self._cache: Any = Cache(str(folder), eviction_policy="none", sqlite_synchronous=0)
        self._taken: list[int] = []

    def append(self, record: bytes) -> None:
        self._cache.push(record, retry=True)

    def take(self, number: int) -> list[bytes]:
        self._taken = list(islice(self._cache.iterkeys(), number))
        return [self._cache[key] for key in self._taken]

    def acknowledge(self) -> None:
        with self._cache.transact():
            for key in self._taken:
                del self._cache[key]


class _PersistSqlite:
    """``persistqueue.SQLiteQueue``; without auto_commit a ``get`` is not yet the end of the record."""

    def __init__(self, folder: Path) -> None:
        import persistqueue

        self._queue: Any = persistqueue.SQLiteQueue(
            str(folder), multithreading=True, auto_commit=False, timeout=30
        )
        self.append: Callable[[bytes], None] = self._queue.put

    def take(self, number: int) -> list[bytes]:
        return [self._queue.get(block=False) for _ in range(min(number, self._queue.qsize()))]

    def acknowledge(self) -> None:
        self._queue.task_done()


class _PersistFile:
    """``persistqueue.Queue``."""

    def __init__(self, folder: Path) -> None:
        import persistqueue

        self._queue: Any = persistqueue.Queue(str(folder), tempdir=str(folder))
        self.append: Callable[[bytes], None] = self._queue.put
        self._taken = 0

    def take(self, number: int) -> list[bytes]:
        self._taken = min(number, self._queue.qsize())
        return [self._queue.get(block=False) for _ in range(self._taken)]

    def acknowledge(self) -> None:
        for _ in range(self._taken):
            self._queue.task_done()


OURS = "file"
WAYS: dict[str, Callable[[Path], Way]] = {
    OURS: _PlainFile,
    "mmap": _MappedFile,
    "SQLite, OFF": lambda folder: _Sqlite(folder, "OFF"),
    "SQLite, NORMAL": lambda folder: _Sqlite(folder, "NORMAL"),
    "LMDB, writemap": lambda folder: _Lmdb(folder, writemap=True),
    "LMDB": lambda folder: _Lmdb(folder, writemap=False),
    "diskcache.Cache, OFF": _DiskcacheCache,
    "diskcache.Deque": _DiskcacheDeque,
    "persistqueue.SQLiteQueue": _PersistSqlite,
    "persistqueue.Queue": _PersistFile,
}
