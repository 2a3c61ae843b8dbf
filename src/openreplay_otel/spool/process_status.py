"""What a process tells others of its part of the spool, in a small file that outlives it."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from ..private_files import put_in_place, read_existing
from .folder import make_private

if TYPE_CHECKING:
    from pathlib import Path

    from .counts import DeliveryCounts
    from .folder import SpoolFolder

SUFFIX: Final = ".status.json"
_UNFINISHED: Final = ".unfinished"


def write_status(folder: SpoolFolder, counts: DeliveryCounts) -> None:
    """Tell what this process has done so far.

    Raises:
        OSError: It cannot be written.
    """
    make_private(folder.path)
    path = folder.path / f"{folder.owner}{SUFFIX}"
    program = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"  # noqa: PTH119 - no path, a name
    content = orjson.dumps({"program": program, **asdict(counts)})
    put_in_place(path, path.with_suffix(_UNFINISHED), content)


def remove_status(folder: SpoolFolder) -> None:
    """Take back what was told."""
    with contextlib.suppress(OSError):
        (folder.path / f"{folder.owner}{SUFFIX}").unlink(missing_ok=True)


def remove_outdated(folder: Path, before: float) -> None:
    """Remove what processes told that ended long ago.

    Args:
        folder: The spool's folder.
        before: Unix seconds: what was written later stays.
    """
    for pattern in (f"*{SUFFIX}", f"*{_UNFINISHED}"):
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()


def statuses_in(folder: Path) -> dict[str, dict[str, Any]]:
    """What the processes of a spool told, by owner; files that cannot be read are left out.

    Args:
        folder: The spool's folder.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with contextlib.suppress(OSError, orjson.JSONDecodeError):
            status = orjson.loads(read_existing(path))
            if isinstance(status, dict):
                found[path.name.removesuffix(SUFFIX)] = cast("dict[str, Any]", status)
    return found
