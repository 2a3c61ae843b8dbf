"""Keeps the lines that cannot be read or stored, as they are, in a file of their own."""

from __future__ import annotations

import os
import threading
from typing import IO, TYPE_CHECKING

from ..errors import SettingsError
from .counts import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from .counts import ShipCounts


class Aside:
    """The file of lines kept aside; made when there is the first one.

    Args:
        path: Where; None to count only.
        counts: Where they are counted.
    """

    def __init__(self, path: Path | None, counts: ShipCounts) -> None:
        self.path = path
        self._counts = counts
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
                self._file.write(raw if raw.endswith(b"\n") else raw + b"\n")
            except OSError as error:
                message = f"unread: {self.path} cannot be written: {error.strerror}"
                raise SettingsError(message) from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()

    @staticmethod
    def _opened(path: Path) -> IO[bytes]:
        # Logs are nobody else's business.
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
