"""What is in a log's folder: the log and its rotated parts, and whether each is a file that is known."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .files import is_packed_name, rotated_files
from .growing import GrowingFile, identity_of
from .packed import PackedFile

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from .growing import Identity, Print
    from .places import Known

REST_SECONDS: Final = 60.0
"""After so long without a line a log is closed; it is looked at as before."""
YOUNG_SECONDS: Final = 5.0
"""For so long after its last change a copy, or a packed file, may be in the making."""


@dataclass
class Sighting:
    """A file in a log's folder.

    Attributes:
        path: Where it is.
        status: As it was when it was looked at.
        file: To look into.
    """

    path: Path
    status: os.stat_result
    file: GrowingFile | PackedFile

    @property
    def identity(self) -> Identity:
        """Device and inode."""
        return identity_of(self.status)

    @property
    def is_packed(self) -> bool:
        """Whether it is packed."""
        return isinstance(self.file, PackedFile)

    @property
    def is_young(self) -> bool:
        """Whether it was changed just now."""
        return time.time() - self.status.st_mtime < YOUNG_SECONDS

    @property
    def is_old(self) -> bool:
        """Whether nothing was written to it for some time."""
        return time.time() - self.status.st_mtime > REST_SECONDS

    def goes_on(self, known: Known) -> bool:
        """Whether it is the known file that has this identity."""
        if self.is_packed and known.packed_size is not None:
            return known.packed_size == self.status.st_size
        return known.packed_size is None and self._holds(known)

    def is_copy_of(self, known: Known) -> bool:
        """Whether it holds all that was read of a known file."""
        return known.packed_size is None and self._holds(known)

    def begins_with(self, other: Print) -> bool:
        """Whether all of another file is at its beginning."""
        return self.status.st_size >= other.end and other.fits(self.file.read)

    def print_at_end(self) -> Print:
        """By what all of it is known again."""
        return self.file.print_at_end()

    def _holds(self, known: Known) -> bool:
        is_long_enough = self.is_packed or self.status.st_size >= known.print.end
        return is_long_enough and known.print.fits(self.file.read)


def sightings_of(log: Path) -> list[Sighting]:
    """The log and its rotated parts, the oldest first; whoever asks closes them.

    Raises:
        OSError: The log is there, and cannot be opened.
    """
    found: list[Sighting] = []
    paths = rotated_files(log) if log.parent.is_dir() else []
    for path in [*paths, log]:
        is_log = path == log
        try:
            status = path.stat() if is_log else path.lstat()
            is_packed = is_packed_name(path)
            file = PackedFile(path) if is_packed else GrowingFile(path, 0, may_be_link=is_log)
        except OSError:
            # Renamed or removed meanwhile, a link, or not ours to read: the log itself is told of.
            if is_log and path.exists():
                raise
            continue
        found.append(Sighting(path, status, file))
    return found
