"""Keeps on disk how far followed files were read: a file for each log, in the folder of the store's spool."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from ..errors import SettingsError
from ..private_files import make_folders, open_own, put_in_place, read_existing
from .growing import Print
from .reading import ReadPlace
from .splitter import StreamPlace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .growing import Identity

try:
    import fcntl
except ImportError:  # no such locks there
    fcntl = None

_VERSION: Final = 1
_DAY: Final = 86400


@dataclass(eq=False)
class Known:
    """A file that was seen: a log, or a rotated part of it.

    Attributes:
        identity: Of it on its disk.
        print: By what it is known again.
        place: How far it was read.
        packed_size: Its bytes, where it is packed; such a file is read at once, and then no more.
    """

    identity: Identity
    print: Print = field(default_factory=Print)
    place: ReadPlace = field(default_factory=ReadPlace)
    packed_size: int | None = None


@dataclass
class LogState:
    """What is known of a log.

    Attributes:
        files: The log and its rotated parts.
        numbers: How many files began with a line, by its digest: see :class:`~.content_id.Origin`.
        latest: The contents that came last, see :meth:`~.content_id.ContentIds.latest`.
    """

    files: list[Known] = field(default_factory=list[Known])
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    latest: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class Places:
    """The folder of the states.

    Args:
        folder: Where; made where it is missing.

    Raises:
        SettingsError: It cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: list[int] = []
        try:
            make_folders(folder)
            self._forget_removed()
        except OSError as error:
            raise _unusable(folder, error) from None

    def lock(self, names: Iterable[str]) -> None:
        """Have what is to be followed for this process alone.

        Args:
            names: Absolute paths or patterns.

        Raises:
            SettingsError: Another process follows one of them.
        """
        for name in names:
            try:
                fd = open_own(self._folder / f"{_name_of(name)}.lock", os.O_RDWR)
            except OSError as error:
                raise _unusable(self._folder, error) from None
            self._locks.append(fd)
            try:
                if fcntl is not None:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                message = f"follow: another process follows {name} into this store already"
                raise SettingsError(message) from None

    def load(self, log: Path) -> LogState | None:
        """What is known of a log; None for nothing, or nothing that can be read."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            return _state_of(orjson.loads(read_existing(self._path(log))))
        return None

    def save(self, log: Path, state: LogState) -> None:
        """Keep what is known of a log.

        Raises:
            OSError: It cannot be written.
        """
        path = self._path(log)
        put_in_place(path, path.with_suffix(".new"), orjson.dumps(_document_of(log, state)))

    def forget(self, log: Path) -> None:
        """Remove what is kept of a log that is gone."""
        with contextlib.suppress(OSError):
            self._path(log).unlink(missing_ok=True)

    def _forget_removed(self) -> None:
        """Remove what was kept of logs that are gone for a day: there may be a new name each day."""
        for path in self._folder.glob("*.json"):
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                log = orjson.loads(read_existing(path))["log"]
                is_old = time.time() - path.stat().st_mtime > _DAY
                if log and is_old and not os.path.lexists(log):
                    path.unlink()

    def close(self) -> None:
        """Leave it to the next process."""
        for fd in self._locks:
            os.close(fd)
        self._locks = []

    def _path(self, log: Path) -> Path:
        return self._folder / f"{_name_of(str(log))}.json"


def _unusable(folder: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"spool_dir: places cannot be kept in {folder}: {error.strerror}; name another folder for the spool"
    )


def _name_of(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=10).hexdigest()


def _document_of(log: Path, state: LogState) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "log": str(log) if str(log).isprintable() else "",
        "files": [
            {
                "identity": known.identity,
                "print": [known.print.end, known.print.head, known.print.tail],
                "streams": [list(stream) for stream in known.place.streams],
                "head": known.place.head.hex(),
                "number": known.place.number,
                "last_ns": known.place.last_ns,
                "break_at": known.place.break_at,
                "packed_size": known.packed_size,
            }
            for known in state.files
        ],
        "numbers": state.numbers,
        "latest": state.latest,
    }


def _state_of(found: Any) -> LogState:
    document = cast("dict[str, Any]", found)
    if document["version"] != _VERSION:
        raise ValueError("a later version's")
    files = [
        Known(
            (int(one["identity"][0]), int(one["identity"][1])),
            Print(*one["print"]),
            ReadPlace(
                tuple(StreamPlace(*stream) for stream in one["streams"]),
                bytes.fromhex(one["head"]),
                one["number"],
                one["last_ns"],
                one["break_at"],
            ),
            one["packed_size"],
        )
        for one in document["files"]
    ]
    latest = [(content, first) for content, first in document["latest"]]
    return LogState(files, dict(document["numbers"]), latest)
