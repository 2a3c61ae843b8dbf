"""A part of the queue: documents' lines in the order of their acceptance, and which of them are done.

One thread at a time appends, under the spool's lock; one at a time takes, under the spool's other lock.
"""

from __future__ import annotations

import os
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from ..stores.bulk_lines import count_of, whole_length

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER_SIZE: Final = 64
"""Bytes before the first document: one line with the checkpoint."""
_HEADER: Final = b'{"openreplay_otel_spool":1,"sent":'


class Slice:
    """Lines of whole documents of a segment, handed out to be sent.

    Attributes:
        segment: Where they stand.
        start: Offset of the first byte.
        end: Offset behind the last byte.
        lines: The bytes to send; fewer than from start to end once some documents are done.
        records: How many documents the lines hold.
        tries: How often they were sent in vain.
    """

    __slots__ = ("end", "lines", "records", "segment", "start", "tries")

    def __init__(self, segment: Segment, start: int, lines: bytes) -> None:
        self.segment = segment
        self.start = start
        self.end = start + len(lines)
        self.lines = lines
        self.records = count_of(lines)
        self.tries = 0


class _Medium(Protocol):
    """Where the bytes of a segment lie."""

    write: Callable[[bytes], int]

    def read(self, start: int, size: int) -> bytes: ...

    def size(self) -> int: ...

    def cut(self, size: int) -> None: ...

    def sync(self) -> None: ...

    def save_checkpoint(self, offset: int) -> None: ...

    def is_linked(self) -> bool: ...

    def release(self) -> None: ...

    def remove(self) -> None: ...


class Segment:
    """Documents of one kind: of sessions, or of none.

    Attributes:
        name: Sorts by the time of making.
        has_sessions: Whether its documents belong to sessions; the others are given up first.
        medium: Where its bytes lie.
        size: Bytes that stand in it, header included. Only the appending side sets it.
        records: Documents that stand in it. Likewise.
        max_size: Bytes at which another one is begun.
        is_sealed: Whether nothing more is appended.
        is_gone: Whether it was removed or left to others.
        is_given_up: Whether it was removed before all of it was done.
        failures_before: How many deliveries of the spool had failed when it came in.
    """

    def __init__(
        self, name: str, medium: _Medium, *, has_sessions: bool, size: int, start: int, records: int
    ) -> None:
        self.name = name
        self.has_sessions = has_sessions
        self.medium = medium
        self.size: int = size
        self.records = records
        self.max_size = 0
        self.is_sealed = False
        self.is_gone = False
        self.is_given_up = False
        self.failures_before = 0
        self._start = start
        self._taken = start
        self._completed = 0
        self._returned: deque[Slice] = deque()
        self._open: set[Slice] = set()

    @property
    def in_memory(self) -> bool:
        """Whether it is lost with the process."""
        return isinstance(self.medium, MemoryMedium)

    @property
    def checkpoint(self) -> int:
        """Up to where everything is done."""
        return min(
            (one.start for one in (*self._open, *self._returned)),
            default=self._taken,
        )

    @property
    def pending(self) -> int:
        """Documents that are not done."""
        return max(0, self.records - self._completed)

    @property
    def in_flight(self) -> int:
        """Documents that were handed out and not given back."""
        return sum(one.records for one in self._open)

    @property
    def waiting_bytes(self) -> int:
        """Bytes that nobody has taken."""
        return self.size - self._taken + sum(one.end - one.start for one in self._returned)

    @property
    def is_finished(self) -> bool:
        """Whether all that stands in it is done."""
        return self._taken >= self.size and not self._open and not self._returned

    def count_from_file(self) -> int:
        """Take the file's word for what was appended; returns how many documents were not counted.

        A signal handler that raises can come between a write and the count of it. Under the spool's lock.

        Raises:
            OSError: It cannot be read.
        """
        size = self.medium.size()
        if size == self.size:
            return 0
        counted = self.records
        # All of it: another log call, in the signal handler, may have written behind the lines in question.
        self.records = count_of(self.medium.read(HEADER_SIZE, size - HEADER_SIZE))
        self.size = size
        return self.records - counted

    def take(self, max_bytes: int) -> Slice | None:
        """Hand out the next lines.

        Args:
            max_bytes: At most so many bytes, though always one document.
        """
        # At no moment may lines be nowhere: another thread asks whether the segment is finished.
        if self._returned:
            again = self._returned[0]
            lines = self.medium.read(again.start, again.end - again.start)
            taken = self._handed_out(again.start, _whole_part(lines, max_bytes))
            taken.tries = again.tries
            if taken.end < again.end:
                again.start = taken.end
                again.records -= taken.records
            else:
                self._returned.popleft()
            return taken
        available = self.size - self._taken
        while available > 0:
            lines = self.medium.read(self._taken, min(available, max_bytes))
            length = whole_length(lines)
            if length:
                taken = self._handed_out(self._taken, lines[:length])
                self._taken += length
                return taken
            if max_bytes >= available:
                break
            max_bytes *= 2
        if self.is_sealed:
            # What is left is no whole document: it was cut while it was written.
            self._taken = self.size
        return None

    def done(self, taken: Slice) -> None:
        """Note that all lines of a slice are stored, or kept elsewhere."""
        if taken in self._open:
            self._open.remove(taken)
            self._completed += taken.records
            if not self.is_gone:
                self.medium.save_checkpoint(self.checkpoint)

    def give_back(self, taken: Slice) -> None:
        """Take back lines that could not be sent; they are the next to be handed out."""
        if taken in self._open:
            taken.lines = b""
            self._returned.append(taken)
            self._open.remove(taken)

    def _handed_out(self, start: int, lines: bytes) -> Slice:
        taken = Slice(self, start, lines)
        self._open.add(taken)
        return taken


def _whole_part(lines: bytes, max_bytes: int) -> bytes:
    if len(lines) <= max_bytes:
        return lines
    first = lines.find(b"\n", lines.find(b"\n") + 1) + 1
    return lines[: whole_length(lines[:max_bytes]) or first]


class FileMedium:
    """A file, locked for as long as it is open.

    Args:
        path: Its path.
        fd: Open for reading and writing, holds the lock.
        append_fd: Open for appending; None where nothing is appended any more.
    """

    def __init__(self, path: Path, fd: int, append_fd: int | None) -> None:
        self.path = path
        self._fd = fd
        self._append_fd = append_fd
        self._is_unsynced = False
        # In C from the spool's call on: this runs for each record of the app.
        self.write: Callable[[bytes], int] = (
            partial(os.write, append_fd) if append_fd is not None else _refuse
        )

    def read(self, start: int, size: int) -> bytes:
        """Bytes from an offset on."""
        return os.pread(self._fd, size, start)

    def size(self) -> int:
        """Bytes that stand in it."""
        return os.fstat(self._fd).st_size

    def cut(self, size: int) -> None:
        """Make it end at an offset."""
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        """Bring it to the disk itself, where it outlives the machine."""
        os.fsync(self._fd)

    def save_checkpoint(self, offset: int) -> None:
        """Note up to where everything is done."""
        os.pwrite(self._fd, header(offset), 0)

    def is_linked(self) -> bool:
        """Whether it still has its name: without it, it is lost with the process."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return found.st_ino == os.fstat(self._fd).st_ino

    def release(self) -> None:
        """Close it: its lock is free from then on."""
        for fd in (self._append_fd, self._fd):
            if fd is not None and fd >= 0:
                os.close(fd)
        self._fd, self._append_fd, self.write = -1, None, _refuse

    def remove(self) -> None:
        """Delete it."""
        try:
            if self.is_linked():
                self.path.unlink(missing_ok=True)
        finally:
            self.release()


class MemoryMedium:
    """The process's memory, for the time in which the disk takes nothing."""

    def __init__(self) -> None:
        self._lines = bytearray(header(HEADER_SIZE))

    def write(self, lines: bytes) -> int:
        """Append."""
        self._lines += lines
        return len(lines)

    def read(self, start: int, size: int) -> bytes:
        """Bytes from an offset on."""
        return bytes(self._lines[start : start + size])

    def size(self) -> int:
        """Bytes that stand in it."""
        return len(self._lines)

    def cut(self, size: int) -> None:
        """Make it end at an offset."""
        del self._lines[size:]

    def sync(self) -> None:
        """Nothing outlives the process."""

    def save_checkpoint(self, offset: int) -> None:
        """The same."""

    def is_linked(self) -> bool:
        """There is no name to lose."""
        return True

    def release(self) -> None:
        """Nothing is held that others could want."""

    def remove(self) -> None:
        """Let go of the memory."""
        self._lines = bytearray()


def header(checkpoint: int) -> bytes:
    """The first line of a segment's file.

    Args:
        checkpoint: Offset up to where everything is done.
    """
    return b"%b%d}" % (_HEADER, checkpoint) + b" " * (
        HEADER_SIZE - len(_HEADER) - len(str(checkpoint)) - 2
    ) + b"\n"  # fmt: skip


def checkpoint_of(first_line: bytes) -> int | None:
    """The offset that a file's first bytes tell; None where they are no such line."""
    if len(first_line) != HEADER_SIZE or not first_line.startswith(_HEADER):
        return None
    digits, brace, _ = first_line.removeprefix(_HEADER).partition(b"}")
    return int(digits) if brace and digits.isdigit() and len(digits) < 20 else None


def _refuse(_: bytes) -> int:
    raise OSError("the segment is closed")
