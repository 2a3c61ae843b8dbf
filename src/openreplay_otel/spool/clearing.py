"""Removes what a spool only tells: dead letters, and the counts of processes that ended."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from .listing import dead_letter_files, owner_of, status_files

if TYPE_CHECKING:
    from pathlib import Path

    from .listing import SpoolListing


class Clearing(NamedTuple):
    """What is to be removed, to be asked about before.

    Attributes:
        letters: How many dead letters.
        processes: Of how many ended processes the counts.
        files: The files, with the size at which they were looked at.
    """

    letters: int
    processes: int
    files: dict[Path, int]


def clearing_of(listing: SpoolListing) -> Clearing:
    """Find out what there is to remove; queued records are never among it.

    Raises:
        OSError: The spool cannot be read.
    """
    finished = {one.owner for one in listing.processes if one.state == "ended" and not one.queued}
    statuses = [path for path in status_files(listing.folder) if owner_of(path) in finished]
    files = {path: path.stat().st_size for path in (*dead_letter_files(listing.folder), *statuses)}
    letters = sum(one.dead_letters for one in listing.processes)
    return Clearing(letters, len(statuses), files)


def clear(clearing: Clearing) -> bool:
    """Remove it; False where a running process has added something meanwhile, which stays.

    Raises:
        OSError: A file cannot be removed.
    """
    is_all = True
    for path, size in clearing.files.items():
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size == size:
                path.unlink()
            else:
                is_all = False
    return is_all
