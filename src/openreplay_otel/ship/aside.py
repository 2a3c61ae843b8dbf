"""Keeps the lines that cannot be read or stored, as they are, in a file of their own.

The folder may be others': a file that is there already, or a link, is never written to.
"""

from __future__ import annotations

import errno
import os
import threading
from typing import IO, TYPE_CHECKING, Final

from ..errors import SettingsError
from ..private_files import make_new, open_own
from .counts import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from .counts import ShipCounts


_MOST_NAMES: Final = 10_000


class Aside:
    """The file of lines kept aside; made when there is the first one.

    Args:
        path: Where; where that is taken, the same with ``.2``, ``.3`` and so on. None to count only.
        counts: Where they are counted.
        most_bytes: How many of them are kept, where the folder is our own: what is there already goes on, and
            counts. None for a file of its own, without a limit.

    Attributes:
        path: Where they are, once there is one.
    """

    def __init__(
        self, path: Path | None, counts: ShipCounts, most_bytes: int | None = None
    ) -> None:
        self.path = path
        self._counts = counts
        self._most_bytes = most_bytes
        self._file: IO[bytes] | None = None
        # Refusals come from the thread that sends.
        self._lock = threading.Lock()

    def keep(self, raw: bytes, place: str, kind: str, *, example: str = "") -> None:
        """Keep a line, or the lines of a record.

        Args:
            raw: As it stands in its file.
            place: Where it stands, ``app.log:12``.
            kind: Why.
            example: What the store said.

        Raises:
            SettingsError: The file cannot be written: nothing is dropped silently.
        """
        with self._lock:
            problem = self._counts.problems.setdefault(kind, Problem(first=place, example=example))
            problem.lines += max(1, raw.count(b"\n") + (not raw.endswith(b"\n")))
            if self.path is None:
                return
            try:
                if self._file is None:
                    self._file = self._opened(self.path)
                if self._most_bytes is None or self._file.tell() + len(raw) < self._most_bytes:
                    self._file.write(raw if raw.endswith(b"\n") else raw + b"\n")
                if self._most_bytes is not None:
                    self._file.flush()
            except OSError as error:
                message = f"unread: {self.path} cannot be written: {error.strerror}"
                raise SettingsError(message) from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()

    def _opened(self, path: Path) -> IO[bytes]:
        if self._most_bytes is not None:
            return os.fdopen(open_own(path, os.O_WRONLY | os.O_APPEND), "ab")
        for number in range(1, _MOST_NAMES):
            free = path if number == 1 else path.with_name(f"{path.name}.{number}")
            try:
                # Made anew: what is there, a link too, is somebody's, or another call's. Logs are nobody else's
                # business.
                file = make_new(free)
            except FileExistsError:
                continue
            self.path = free
            return os.fdopen(file, "wb")
        raise FileExistsError(errno.EEXIST, f"{_MOST_NAMES:,} of its names are taken")
