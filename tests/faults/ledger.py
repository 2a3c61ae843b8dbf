"""Which log calls have returned, and how long each took: known to the record even after ``kill -9``.

An emitting program logs through :meth:`Ledger.log`, which appends an entry to a file once the call is back.
Entries of several threads and processes stand in one file: each is one ``write`` to its end.
"""

from __future__ import annotations

import logging
import os
import re
import struct
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENTRY: Final = struct.Struct("<III")
_MESSAGE: Final = re.compile(r"record (\S+):(\d+):(\d+)\.")

Key = tuple[str, int, int]
"""A record's run, the number of its thread or process there, and its own."""


class Entry(NamedTuple):
    """A log call that has returned.

    Attributes:
        key: Of the record.
        microseconds: What the call took.
    """

    key: Key
    microseconds: int


class Ledger:
    """Logs numbered records.

    Args:
        path: The file; the runs of several processes may share it.
        run: Names this run among those of the same store.
    """

    def __init__(self, path: str, run: str) -> None:
        self._run = run
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        self._logger = logging.getLogger("shop.checkout")
        self._logger.setLevel(logging.INFO)

    def log(self, thread: int, number: int, **extra: Any) -> None:
        """Log one record, then note that it is done."""
        began = time.perf_counter_ns()
        self._logger.info("record %s:%d:%d.", self._run, thread, number, extra=extra)
        took = min((time.perf_counter_ns() - began) // 1000, 0xFFFFFFFF)
        os.write(self._fd, _ENTRY.pack(thread, number, took))


def entries(path: Path, run: str) -> Iterator[Entry]:
    """What a ledger holds; nothing where there is none."""
    content = path.read_bytes() if path.exists() else b""
    whole = len(content) - len(content) % _ENTRY.size
    for thread, number, microseconds in _ENTRY.iter_unpack(content[:whole]):
        yield Entry((run, thread, number), microseconds)


def noted(path: Path) -> int:
    """How many entries a ledger has now."""
    return path.stat().st_size // _ENTRY.size if path.exists() else 0


def key_of(message: str) -> Key | None:
    """The record that a stored message is of; None for one that is no record of a ledger."""
    found = _MESSAGE.search(message)
    return None if found is None else (found[1], int(found[2]), int(found[3]))
