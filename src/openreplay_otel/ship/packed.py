"""A rotated file that is packed, looked into to know it again. Its lines are read as those of any packed file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from .files import LogFile, OpenFile, ReadErrors, UnpacksTooMuchError
from .growing import HEAD, TAIL, Print

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMED: Final = "utf-8"


class PackedFile:
    """A packed file.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of what is in it; fewer where it ends, or is damaged there."""
        found = bytearray()
        position = 0
        for block in self._blocks():
            end = position + len(block)
            if end > offset:
                found += block[max(0, offset - position) : offset + size - position]
            position = end
            if end >= offset + size:
                break
        return bytes(found)

    def print_at_end(self) -> Print:
        """By what it is known again, as one that was read to its end."""
        head = tail = b""
        size = 0
        for block in self._blocks():
            head = head if len(head) >= HEAD else (head + block)[:HEAD]
            tail = (tail + block[-TAIL:])[-TAIL:]
            size += len(block)
        return Print.of(size, head, tail)

    def close(self) -> None:
        """Nothing is open between calls."""

    def _blocks(self) -> Iterator[bytes]:
        status = os.lstat(self._path)
        file = LogFile(
            str(self._path), self._path, status.st_size, status.st_mtime_ns, may_be_link=False
        )
        try:
            opened = OpenFile(file, _NAMED)
        except ReadErrors:
            return
        try:
            yield from opened.lines()
        except (UnpacksTooMuchError, *ReadErrors):
            return
        finally:
            opened.close()
