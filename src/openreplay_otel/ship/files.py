"""Opens log files: plain, packed, rotated, or standard input; a line at a time in bounded memory."""

from __future__ import annotations

import bz2
import codecs
import errno
import gzip
import io
import lzma
import os
import re
import stat
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from ..errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN: Final = "-"
LONGEST_LINE: Final = 4 * 1024 * 1024
"""Bytes; a longer line is handed out in pieces, and the splitter's caller keeps it aside."""
UNPACKED_FREE: Final = 64 * 1024 * 1024
"""Bytes to which any packed file may unpack."""
UNPACKED_TIMES: Final = 200
"""To how many times its size a larger one may: logs of one line over and over come to a tenth of that."""
_RECODED_BYTES: Final = 64 * 1024
_ROTATION: Final = re.compile(r"[.\-_]\d", re.ASCII)
_IN_ROTATION: Final = "0123456789-_.T:"
_OLD: Final = (".old", "-old", "_old")
_LOGURU: Final = re.compile(
    r"\.\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{6}(?:\.\d{1,4})?(?=\.[^.]{1,40}$)", re.ASCII
)
_BZIP2: Final = (b"1AY&SY", bytes.fromhex("177245385090"))
"""What comes after the four bytes with which a text may begin too: a block, or the end."""
_PACKED: Final = re.compile(r"\.(?:gz|bz2|xz)")
_WIDE: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

ReadErrors: Final = (OSError, EOFError, lzma.LZMAError, zlib.error)
"""What reading a damaged or vanished file raises."""


class NotAFileError(OSError):
    """A rotated file is a link, a pipe or a device."""


class UnpacksTooMuchError(Exception):
    """A packed file unpacks to more than any log does."""


@dataclass(frozen=True)
class LogFile:
    """One file to read.

    Attributes:
        name: As it was given; ``-`` for standard input.
        path: Where it is; None for standard input.
        size: Its bytes as they lie there, packed or not; None where they are not known beforehand.
        modified_ns: When it was written last, Unix nanoseconds; the present for standard input.
        may_be_link: Whether it was named by the caller, who may have meant a link.
    """

    name: str
    path: Path | None
    size: int | None
    modified_ns: int
    may_be_link: bool = True


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
            rotated = rotated_files(path) if with_rotated else []
            for one in [*rotated, path]:
                is_named = one is path
                status = one.stat() if is_named else one.lstat()
                if is_named and not stat.S_ISREG(status.st_mode):
                    raise SettingsError(
                        f"FILE: {name} is no ordinary file but a pipe or a device; pass what it gives to"
                        f" standard input: cat {name} | openreplay-otel ship -"
                    )
                key = one.resolve() if is_named else one.parent.resolve() / one.name
                found[str(key)] = LogFile(
                    str(one), one, status.st_size, status.st_mtime_ns, may_be_link=is_named
                )
        except OSError as error:
            raise SettingsError(f"FILE: {name} cannot be read: {error.strerror}") from None
    return list(found.values())


class OpenFile:
    """A log file while it is read.

    Args:
        file: Which one.
        encoding: Of its text; None for UTF-8, or UTF-16 where its first bytes say so.
        offset: Where to begin, in what it unpacks to.

    Attributes:
        encoding: Of the lines that it gives.
    """

    def __init__(self, file: LogFile, encoding: str | None, offset: int = 0) -> None:
        if file.path is None:
            self._raw: IO[bytes] = sys.stdin.buffer
        else:
            self._raw = open_file(file.path, may_be_link=file.may_be_link)
        try:
            self._packed = _Counting(self._raw)
            self._lines = _unpacked(cast("io.BufferedReader", self._raw), self._packed)
            self._is_packed = self._lines is not self._raw
            wide = _WIDE.get(_peek(self._lines, 2))
        except BaseException:
            self._raw.close()
            raise
        self.encoding = encoding or wide or "utf-8"
        if not _is_ascii_like(self.encoding):
            # Lines end with one byte only in encodings that are like ASCII.
            self._lines = io.BufferedReader(_Recoded(self._lines, self.encoding))
            self.encoding = "utf-8"
        self._offset = offset

    @property
    def position(self) -> int:
        """How many bytes of the file, packed or not, have been read."""
        try:
            return self._raw.tell()
        except (OSError, ValueError):
            return 0

    def lines(self) -> Iterator[bytes]:
        """The lines with their ends; one longer than :data:`LONGEST_LINE` in pieces without.

        Raises:
            UnpacksTooMuchError: It is packed, and unpacks to more than any log does.
        """
        readline = self._lines.readline
        unpacked, checked = 0, UNPACKED_FREE
        while unpacked < self._offset and (
            skipped := self._lines.read(min(_RECODED_BYTES, self._offset - unpacked))
        ):
            unpacked += len(skipped)
        line = readline(LONGEST_LINE)
        while line:
            yield line
            line = readline(LONGEST_LINE)
            unpacked += len(line)
            if unpacked > checked and self._is_packed:
                if unpacked > UNPACKED_TIMES * self._packed.size:
                    raise UnpacksTooMuchError
                checked = unpacked + UNPACKED_FREE

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._raw is not sys.stdin.buffer:
            self._lines.close()
            self._raw.close()


class _Counting:
    """A file that counts what is read of it: a pipe does not say where it is."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        found = self._raw.read(size)
        self.size += len(found)
        return found


class _Recoded(io.RawIOBase):
    """A file of another encoding in UTF-8. Its lines end with line feeds only, as those of any other file."""

    def __init__(self, source: IO[bytes], encoding: str) -> None:
        super().__init__()
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            packed = self._source.read(_RECODED_BYTES)
            self._rest = self._decoder.decode(packed, not packed).encode("utf-8", "replace")
            if not packed:
                break
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def open_file(path: Path, *, may_be_link: bool, buffering: int = -1) -> IO[bytes]:
    """Open an ordinary file for reading.

    Args:
        path: Where it is.
        may_be_link: Whether a link is followed.
        buffering: As for :func:`open`.

    Raises:
        NotAFileError: It is a link, a pipe or a device.
        OSError: It cannot be opened.
    """
    # What is opened may have come in place of what was looked at: a pipe must not make us wait.
    extra = getattr(os, "O_NONBLOCK", 0) | (0 if may_be_link else getattr(os, "O_NOFOLLOW", 0))
    try:
        raw = open(path, "rb", buffering, opener=lambda name, flags: os.open(name, flags | extra))  # noqa: SIM115 - the caller closes it
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotAFileError(*error.args) from None
        raise
    if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
        raw.close()
        raise NotAFileError(errno.EINVAL, "no ordinary file")
    return raw


def stdin_chunk(most_bytes: int) -> bytes:
    """What has come by standard input, as soon as there is anything; empty at its end."""
    return os.read(sys.stdin.fileno(), most_bytes)


def is_packed_name(path: Path) -> bool:
    """Whether a file's name says that it is packed."""
    return _PACKED.fullmatch(path.suffix) is not None


def without_rotation(path: Path) -> Path:
    """The path of the log of which this may be a rotated part: ``app.log`` for ``app.log.2.gz``."""
    name = path.with_suffix("").name if is_packed_name(path) else path.name
    log = _LOGURU.sub("", name, count=1)
    if log == name and name.endswith(_OLD):
        log = name[: -len(_OLD[0])]
    elif log == name:
        match = _ROTATION.search(name, len(name.rstrip(_IN_ROTATION)))
        log = name if match is None else name[: match.start()]
    return path.with_name(log) if log else path


def rotated_files(path: Path) -> list[Path]:
    """The rotated parts of a log, the oldest first.

    Raises:
        OSError: The folder cannot be read.
    """
    if not path.parent.is_dir():
        return []
    siblings = [
        one
        for one in path.parent.iterdir()
        if one.name.startswith(path.stem) and one != path and without_rotation(one) == path
    ]
    return sorted(siblings, key=_age)


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.lstat().st_mtime_ns, path.name
    except FileNotFoundError:
        # Renamed meanwhile.
        return 0, path.name


def _unpacked(raw: io.BufferedReader, counting: _Counting) -> IO[bytes]:
    head = _peek(raw, 10)
    packed = cast("IO[bytes]", counting)
    if head.startswith(b"\x1f\x8b"):
        # Not behind a buffer of ours, which would lose what a damaged file holds before its damage.
        return cast("IO[bytes]", gzip.GzipFile(fileobj=packed))
    if head.startswith(b"BZh") and head[4:] in _BZIP2:
        return cast("IO[bytes]", bz2.BZ2File(packed))
    if head.startswith(b"\xfd7zXZ\x00"):
        return cast("IO[bytes]", lzma.LZMAFile(packed))
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
