"""Files and folders that belong to this account alone, whatever the process's umask."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, as far as they are missing; what is there stays as it is.

    Raises:
        OSError: One cannot be made.
    """
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file; what is there stays as it is.

    Where it cannot be made, whoever opens it next is told why.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600))
