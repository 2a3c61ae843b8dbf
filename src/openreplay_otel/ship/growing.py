"""A log file that others write to: its lines as they come, and by what it is known again."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .files import LONGEST_LINE, open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CHUNK: Final = 256 * 1024
HEAD: Final = 1024
TAIL: Final = 256
_DIGEST_BYTES: Final = 12

Identity = tuple[int, int]
"""Of a file on its disk: device and inode. An inode is used again when its file is gone."""


def identity_of(status: os.stat_result) -> Identity:
    """Device and inode."""
    return status.st_dev, status.st_ino


@dataclass(frozen=True)
class Print:
    """By what a file is known again, whatever its name and inode: what was read of it last, and its beginning.

    Attributes:
        end: Up to where it was read.
        head: Of its first bytes.
        tail: Of the bytes before ``end``.
    """

    end: int = 0
    head: str = ""
    tail: str = ""

    @classmethod
    def of(cls, end: int, head: bytes, tail: bytes) -> Print:
        """The print of a file of which these bytes were read."""
        return cls(end, _digest(head[:HEAD]), _digest(tail[-TAIL:]))

    def fits(self, read: Callable[[int, int], bytes]) -> bool:
        """Whether a file is this one: it may have grown.

        Args:
            read: Gives bytes of it: from where on, and how many.
        """
        if not self.end:
            return True
        if not self.begins(read):
            return False
        size = min(self.end, TAIL)
        return _digest(read(self.end - size, size)) == self.tail

    def begins(self, read: Callable[[int, int], bytes]) -> bool:
        """Whether a file begins like this one."""
        return _digest(read(0, min(self.end, HEAD))) == self.head


class LineBuffer:
    """Holds what has no end yet of a line that comes in parts.

    Attributes:
        size: Bytes that it holds.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, chunk: bytes) -> bytes:
        """Add bytes.

        Returns:
            The lines that are whole by now; of one that is too long what there is of it.
        """
        cut = chunk.rfind(b"\n") + 1
        if cut:
            block = b"".join([*self._parts, chunk[:cut]])
            self._parts, self.size = [chunk[cut:]], len(chunk) - cut
            return block
        self._parts.append(chunk)
        self.size += len(chunk)
        return self.take() if self.size >= LONGEST_LINE else b""

    def take(self) -> bytes:
        """What there is, though it has no end."""
        block = b"".join(self._parts)
        self._parts, self.size = [], 0
        return block

    def end(self, size: int) -> bytes:
        """The last bytes that it holds."""
        return b"".join(self._parts)[-size:]


class GrowingFile:
    """A plain file, open for reading.

    Args:
        path: Where it is.
        offset: Where to begin.
        may_be_link: Whether a link is followed.

    Attributes:
        identity: Of the open file.
        offset: Where the next line begins.

    Raises:
        OSError: It cannot be opened, or is no ordinary file.
    """

    def __init__(self, path: Path, offset: int, *, may_be_link: bool) -> None:
        self._raw = open_file(path, may_be_link=may_be_link, buffering=0)
        self.identity = identity_of(os.fstat(self._raw.fileno()))
        self.offset = offset
        self._head = self.read(0, min(offset, HEAD))
        size = min(offset, TAIL)
        self._tail = self.read(offset - size, size)
        self._begun = LineBuffer()

    @property
    def position(self) -> int:
        """Up to where it was read, an unfinished line included."""
        return self.offset + self._begun.size

    @property
    def has_begun_line(self) -> bool:
        """Whether there is a line without an end."""
        return self._begun.size > 0

    @property
    def print(self) -> Print:
        """By what it is known again."""
        return Print.of(self.offset, self._head, self._tail)

    @property
    def size(self) -> int:
        """Its bytes at this moment."""
        return os.fstat(self._raw.fileno()).st_size

    @property
    def has_a_name(self) -> bool:
        """Whether it is in any folder still."""
        return os.fstat(self._raw.fileno()).st_nlink > 0

    def print_at_end(self) -> Print:
        """By what it is known again, as one that was read to its end."""
        size = self.size
        return Print.of(size, self.read(0, HEAD), self.read(max(0, size - TAIL), TAIL))

    def is_same(self) -> bool:
        """Whether what was read is still there: neither cut nor written anew."""
        if self.size < self.position:
            return False
        last = (self._tail + self._begun.end(TAIL))[-TAIL:]
        return self.read(self.position - len(last), len(last)) == last

    def lines(self, most_bytes: int) -> Iterator[bytes]:
        """The lines that are whole by now.

        Args:
            most_bytes: After so many it stops for now.
        """
        end = self.position + most_bytes
        while self.position < end and (chunk := self.read(self.position, _CHUNK)):
            block = self._begun.add(chunk)
            self._took(block)
            yield from io.BytesIO(block)

    def begun_line(self) -> Iterator[bytes]:
        """The unfinished line at its end, as a line."""
        block = self._begun.take()
        self._took(block)
        yield from io.BytesIO(block)

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of it; fewer where it ends."""
        self._raw.seek(offset)
        return self._raw.read(size) or b""

    def close(self) -> None:
        """Close it."""
        self._raw.close()

    def _took(self, block: bytes) -> None:
        self.offset += len(block)
        if len(self._head) < HEAD:
            self._head = (self._head + block[:HEAD])[:HEAD]
        self._tail = (self._tail + block[-TAIL:])[-TAIL:]


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()
