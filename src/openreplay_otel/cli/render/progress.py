"""The progress bar of ``ship``, on stderr, where that is a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from ...ship.counts import ShipCounts
from ...ship.files import LogFile
from ..output import progress_bar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ShipProgress:
    """Told by the bytes of the present file, shows those of all files.

    Args:
        counts: Says how many records there are.
        bar: The bar, and its task; None to show nothing.
        files: In the order of their reading.
    """

    def __init__(
        self, counts: ShipCounts, bar: tuple[Progress, TaskID] | None, files: Sequence[LogFile]
    ) -> None:
        self._counts = counts
        self._bar = bar
        self._sizes = [file.size or 0 for file in files]
        self._before = 0
        self._read = 0

    def __call__(self, position: int) -> None:
        """Show that so many bytes of the present file were read."""
        self._read = position
        if self._bar is not None:
            progress, task = self._bar
            progress.update(
                task, completed=self._before + position, records=f"{self._counts.records:,} records"
            )

    def next_file(self) -> None:
        """The present file is read."""
        self._before += max(self._sizes.pop(0), self._read)
        self._read = 0


@contextlib.contextmanager
def ship_progress(files: Sequence[LogFile], counts: ShipCounts) -> Generator[ShipProgress]:
    """Show a bar while files are read."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    sizes = [file.size for file in files]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    columns = (
        BarColumn(), DownloadColumn(), TransferSpeedColumn(), TextColumn("{task.fields[records]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with progress_bar(*columns) as progress:
        if progress is None:
            yield ShipProgress(counts, None, files)
            return
        task = progress.add_task("", total=total, records="")
        yield ShipProgress(counts, (progress, task), files)
