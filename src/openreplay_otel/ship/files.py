"""Opens log files: plain, packed, rotated, or standard input; a line at a time in bounded memory."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

from ..errors import SettingsError

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Sequence

STDIN: Final = "-"
LONGEST_LINE: Final = 4 * 1024 * 1024
"""Bytes; a longer line is handed out in pieces, and the splitter's caller keeps it aside."""
_ROTATED: Final = re.compile(r"[.\-_](?:\d[\d\-_.T:]*|old)(?:\.(?:gz|bz2|xz))?", re.ASCII)
_PACKED: Final = re.compile(r"\.(?:gz|bz2|xz)")
_WIDE: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

ReadErrors: Final = (OSError, EOFError, lzma.LZMAError, zlib.error)
"""What reading a damaged or vanished file raises."""


@dataclass(frozen=True)
class LogFile:
    """One file to read.

    Attributes:
        name: As it was given; ``-`` for standard input.
        path: Where it is; None for standard input.
        size: Its bytes as they lie there, packed or not; None where they are not known beforehand.
        modified_ns: When it was written last, Unix nanoseconds; the present for standard input.
    """

    name: str
    path: Path | None
    size: int | None
    modified_ns: int


def log_files(names: Sequence[str], *, with_rotated: bool) -> list[LogFile]:
    """The files of a command line, each once, in the order in which they are to be read.

    Args:
        names: Paths, or ``-``.
        with_rotated: Whether ``app.log`` also means ``app.log.1``, ``app.log.2.gz`` and the like,
            which come before it, the oldest first.

    Raises:
        SettingsError: There is no such file, or it cannot be read.
    """
    found: dict[str, LogFile] = {}
    for name in names:
        if name == STDIN:
            found[STDIN] = LogFile(STDIN, None, None, time.time_ns())
            continue
        path = Path(name)
        try:
            if path.is_dir():
                raise SettingsError(
                    f"FILE: {name} is a folder; name the files in it, such as {name}/*.log"
                )
            rotated = _rotated(path) if with_rotated else []
            for one in [*rotated, path]:
                shown = str(one)
                status = one.stat()
                found[str(one.resolve())] = LogFile(shown, one, status.st_size, status.st_mtime_ns)
        except OSError as error:
            raise SettingsError(f"FILE: {name} cannot be read: {error.strerror}") from None
    return list(found.values())


class OpenFile:
    """A log file while it is read.

    Args:
        file: Which one.
        encoding: Of its text; None for UTF-8, or UTF-16 where its first bytes say so.

    Attributes:
        encoding: Of the lines that it gives.
    """

    def __init__(self, file: LogFile, encoding: str | None) -> None:
        if file.path is None:
            self._raw: IO[bytes] = sys.stdin.buffer
        else:
            self._raw = file.path.open("rb")
        try:
            self._lines = _unpacked(cast("io.BufferedReader", self._raw))
            wide = _WIDE.get(_peek(self._lines, 2))
        except BaseException:
            self._raw.close()
            raise
        self.encoding = encoding or wide or "utf-8"
        if not _is_ascii_like(self.encoding):
            # Lines end with one byte only in encodings that are like ASCII.
            recoded = codecs.EncodedFile(self._lines, "utf-8", self.encoding, "replace")
            self._lines = cast("IO[bytes]", recoded)
            self.encoding = "utf-8"

    @property
    def position(self) -> int:
        """How many bytes of the file, packed or not, have been read."""
        try:
            return self._raw.tell()
        except (OSError, ValueError):
            return 0

    def lines(self) -> Iterator[bytes]:
        """The lines with their ends; one longer than :data:`LONGEST_LINE` in pieces without."""
        readline = self._lines.readline
        first = readline(LONGEST_LINE)
        if first:
            yield first.removeprefix(codecs.BOM_UTF8)
        while line := readline(LONGEST_LINE):
            yield line

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._raw is not sys.stdin.buffer:
            self._lines.close()
            self._raw.close()


def _rotated(path: Path) -> list[Path]:
    if not path.parent.is_dir():
        return []
    siblings = [
        one
        for one in path.parent.iterdir()
        if one.name.startswith(path.name)
        and (
            _ROTATED.fullmatch(one.name[len(path.name) :])
            or _PACKED.fullmatch(one.name[len(path.name) :])
        )
    ]
    return sorted(siblings, key=lambda one: (one.stat().st_mtime_ns, one.name))


def _unpacked(raw: io.BufferedReader) -> IO[bytes]:
    head = _peek(raw, 6)
    if head.startswith(b"\x1f\x8b"):
        # Not behind a buffer of ours, which would lose what a damaged file holds before its damage.
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if head.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(raw))
    if head.startswith(b"\xfd7zXZ\x00"):
        return cast("IO[bytes]", lzma.LZMAFile(raw))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        message = (
            "FILE: packed by zstd, which is not read here: zstdcat FILE | openreplay-otel ship -"
        )
        raise SettingsError(message)
    return raw


def _peek(lines: IO[bytes], size: int) -> bytes:
    return cast("io.BufferedReader", lines).peek(size)[:size]


def _is_ascii_like(encoding: str) -> bool:
    return "\n".encode(encoding) == b"\n"
