"""Reads what a dead process left: cuts the torn end, and parts documents from what is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from ..stores.bulk_lines import count_of, is_torn, next_begin, sound_until
from .segment import HEADER_SIZE, checkpoint_of, header

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE: Final = 4 * 1024 * 1024
_MOST_DAMAGE_KEPT: Final = 1024 * 1024


class Recovery(NamedTuple):
    """What is to be sent of a file.

    Attributes:
        checkpoint: Offset of the first document that is not done.
        size: Offset behind the last whole document.
        records: Documents between these.
        damaged: Bytes that were no documents, up to a mebibyte of them, without the torn end.
    """

    checkpoint: int
    size: int
    records: int
    damaged: bytes


def recover(fd: int, replace: Callable[[bytes], None]) -> Recovery:
    """Make a file whole: afterwards it holds its header and sound documents only.

    Args:
        fd: Open for reading and writing, locked.
        replace: Puts a file of this content in the place of the present one, in one step, and makes
            ``fd`` the new one's.

    Raises:
        OSError: It cannot be read or written.
    """
    end = os.fstat(fd).st_size
    checkpoint = checkpoint_of(os.pread(fd, HEADER_SIZE, 0))
    if checkpoint is None:
        # Not even its first line is ours: look for documents from the beginning, and where they ought to begin.
        begin = os.pread(fd, 2 * HEADER_SIZE, 0)
        has_place = next_begin(begin, 0) != 0 and next_begin(begin[HEADER_SIZE:], 0) == 0
        return _rewritten(fd, HEADER_SIZE if has_place else 0, end, replace)
    # One behind the end is wrong, and so all of it is sent: what was stored is known by its id.
    start = position = checkpoint if HEADER_SIZE <= checkpoint <= end else HEADER_SIZE
    records = 0
    size = _PIECE
    while position < end:
        piece = os.pread(fd, size, position)
        sound = sound_until(piece)
        if sound:
            records += count_of(piece if sound == len(piece) else piece[:sound])
            position += sound
            size = _PIECE
        elif position + len(piece) < end and piece.count(b"\n") < 2:
            size *= 2  # a document longer than a piece
        elif position + len(piece) >= end and is_torn(piece):
            os.ftruncate(fd, position)
            break
        else:
            return _rewritten(fd, start, end, replace)
    return Recovery(start, position, records, b"")


def _rewritten(fd: int, start: int, end: int, replace: Callable[[bytes], None]) -> Recovery:
    whole, damaged = parted(os.pread(fd, max(0, end - start), start))
    replace(header(HEADER_SIZE) + whole)
    return Recovery(HEADER_SIZE, HEADER_SIZE + len(whole), count_of(whole), damaged)


def parted(content: bytes) -> tuple[bytes, bytes]:
    """Part documents from what is none; of the latter, a mebibyte at most."""
    kept: list[bytes] = []
    damaged: list[bytes] = []
    position = 0
    while position < len(content):
        sound = sound_until(content, position)
        kept.append(content[position:sound])
        if sound == len(content):
            break
        begin = next_begin(content, sound + 1)
        position = begin if begin >= 0 else len(content)
        damaged.append(content[sound:position])
    return b"".join(kept), b"".join(damaged)[:_MOST_DAMAGE_KEPT]
