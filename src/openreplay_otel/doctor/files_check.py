"""Looks whether others may read or change what the package keeps on this machine; changes nothing itself."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..settings import default_store_url
from ..spool.folder import SpoolFolder, default_spool_dir
from ..store_url import sqlite_path_of
from .result import Result, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..settings import Settings

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def check_files(settings: Settings, store_name: str) -> Iterator[Result]:
    """The SQLite file, the spool and the state folder; nothing where there is none of them.

    Args:
        settings: Where spools lie.
        store_name: The store, without credentials.
    """
    there = [path for path in _kept_by_us(settings, store_name) if path.exists()]
    wide = [path for path in there if _mode_of(path) & _OTHERS]
    if wide:
        yield found(
            "files.wide",
            paths=", ".join(f"{path} ({_mode_of(path):o})" for path in wide),
            command=f"chmod go= {' '.join(shlex.quote(str(path)) for path in wide)}",
        )
    elif there:
        yield found("files.ok", paths=", ".join(map(str, there)))


def _kept_by_us(settings: Settings, store_name: str) -> list[Path]:
    """Files and folders that are the package's own; a folder that somebody named may hold other things too."""
    state = sqlite_path_of(default_store_url())
    paths = [] if state is None else [Path(state).parent]
    if settings.spool_dir is None:
        paths.append(default_spool_dir())
    paths.append(SpoolFolder.of(settings.spool_dir, store_name).path)
    file = sqlite_path_of(store_name) if store_name.startswith("sqlite:") else None
    if file is not None:
        paths += [Path(file + end).absolute() for end in ("", "-wal", "-shm")]
    return list(dict.fromkeys(paths))


def _mode_of(path: Path) -> int:
    # Windows knows no such permissions, and shows made-up ones.
    return stat.S_IMODE(path.stat().st_mode) if os.name == "posix" else 0
