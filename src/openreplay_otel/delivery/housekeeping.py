"""What a spool needs from time to time: dead processes' segments, limits, sync, a word for others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from .. import forks
from ..spool.process_status import remove_outdated, remove_status, write_status
from ..spool.recovery import parted

if TYPE_CHECKING:
    from ..spool import Spool
    from ..spool.counts import DeliveryCounts
    from ..spool.dead_letters import DeadLetters
    from ..spool.folder import SegmentFile, SpoolFolder
    from ..spool.segment import Segment, Slice
    from .rate_limited_log import QuietLog

_LOOK_AROUND_AFTER: Final = 5.0
_LOOK_AROUND_WHILE_QUEUED: Final = 1.0
_SYNC_AFTER: Final = 1.0
_TELL_AFTER: Final = 2.0
_IDLE_AFTER: Final = 5.0
_ADOPTING_SECONDS: Final = 1.0
_MOST_ADOPTED: Final = 64
_MOST_ADOPTED_BYTES: Final = 16 * 1024 * 1024
"""A process has so much of what dead ones left at a time: others may take the rest."""


class Upkeep:
    """Looks after one spool; called by the thread that ships, however often it likes.

    Args:
        spool: The spool.
        dead_letters: Where what was damaged is kept.
        log: Where problems are told.
        syncs: Whether the spool is brought to the disk itself each second.
    """

    def __init__(
        self, spool: Spool, dead_letters: DeadLetters, log: QuietLog, *, syncs: bool
    ) -> None:
        self._spool = spool
        self._folder: SpoolFolder = spool.folder
        self._dead_letters = dead_letters
        self._log = log
        self._syncs = syncs
        self._look_around_at = self._sync_at = self._tell_at = 0.0
        self._idle_since = (0, 0.0)
        self._is_more_left = False
        self._told: DeliveryCounts | None = None

    def run(self, *, now: float) -> None:
        """Do what is due.

        Args:
            now: Monotonic seconds.
        """
        self._tell_troubles()
        self._spool.use_disk_again()
        seen, since = self._idle_since
        if seen != self._spool.accepted:
            self._idle_since = (self._spool.accepted, now)
            since = now
        try:
            self._spool.remove_finished(is_idle=now - since >= _IDLE_AFTER)
            if now >= self._look_around_at or (self._is_more_left and not self._spool.queued):
                self._look_around_at = now + _LOOK_AROUND_AFTER
                self._look_around()
                is_queued = self._spool.queued > 0
                after = _LOOK_AROUND_WHILE_QUEUED if is_queued else _LOOK_AROUND_AFTER
                self._look_around_at = now + after
            if self._syncs and now >= self._sync_at:
                self._sync_at = now + _SYNC_AFTER
                self._spool.sync()
            if now >= self._tell_at:
                self._tell_at = now + _TELL_AFTER
                self.tell()
        except OSError as error:
            self._log.warning("spool", "the spool in %s: %s", self._folder.path, error)

    def next_due(self, *, now: float) -> float:
        """Seconds until there is something to do."""
        return max(0.05, min(self._look_around_at - now, 1.0 if self._spool.queued else 5.0))

    def tell(self) -> None:
        """Write the counts where other processes find them.

        Raises:
            OSError: They cannot be written.
        """
        counts = self._spool.tally.counts(self._spool.accepted)
        if counts != self._told and counts.accepted + counts.delivered:
            write_status(self._folder, counts)
            self._told = counts

    def take_out_damage(self, taken: Slice) -> bool:
        """Leave only documents in a slice, where somebody wrote into its file; False where nobody did."""
        kept, damaged = parted(taken.lines)
        if damaged:
            taken.lines = kept
            self._keep_damaged(damaged, taken.segment.name)
        return bool(damaged)

    def close(self) -> None:
        """Leave a last word, or none where there is nothing to tell."""
        counts = self._spool.tally.counts(self._spool.accepted)
        try:
            if counts.dropped or counts.refused or self._spool.queued:
                self.tell()
            elif self._told is not None:
                remove_status(self._folder)
        except OSError as error:
            self._log.warning("spool", "the spool in %s: %s", self._folder.path, error)

    def _look_around(self) -> None:
        if self._spool.leave_removed_files():
            self._log.warning(
                "removed",
                "somebody removed files in %s that were being written; what they hold is delivered, but is lost"
                " if this process ends before",
                self._folder.path,
            )
        files = self._adopt_ended()
        with forks.postponed(_ADOPTING_SECONDS):
            self._folder.clear_unfinished()
        remove_outdated(self._folder.path, time.time() - self._spool.max_age)
        dropped = self._spool.tally.dropped()
        self._spool.keep_within_limits(files, time.time(), self._adopt)
        if self._spool.tally.dropped() > dropped:
            self._log.warning(
                "dropped",
                "%d records were given up, the oldest without a session first: the spool in %s is full or they"
                " are too old (settings spool_max_bytes and spool_max_age)",
                self._spool.tally.dropped() - dropped, self._folder.path,
            )  # fmt: skip

    def adopt_ended(self) -> None:
        """Take over segments of ended processes, a few at a time."""
        try:
            self._adopt_ended()
        except OSError as error:
            self._log.warning("spool", "the spool in %s: %s", self._folder.path, error)

    def _adopt_ended(self) -> list[SegmentFile]:
        files = self._folder.files()
        own = self._spool.names()
        held = [f for f in files if f.path.name in own and f.owner != self._folder.owner]
        adopted, size = len(held), sum(file.size for file in held)
        self._is_more_left = False
        for file in sorted(files, key=lambda one: one.path.name):
            if adopted >= _MOST_ADOPTED or size >= _MOST_ADOPTED_BYTES:
                self._is_more_left = True
                break
            segment = None if file.path.name in own else self._adopt(file)
            if segment is not None and segment.pending:
                adopted += 1
                size += segment.size
        return files

    def _adopt(self, file: SegmentFile) -> Segment | None:
        try:
            # A child would inherit the file, locked, and hold it after this process is gone.
            with forks.postponed(_ADOPTING_SECONDS):
                recovered = self._folder.adopt(file)
        except OSError as error:
            self._log.warning(
                "adopt", "%s, left by another process, cannot be read: %s", file.path, error
            )
            return None
        if recovered is None:
            return None
        self._spool.adopt(recovered)
        if recovered.damaged:
            self._keep_damaged(recovered.damaged, file.path.name)
        return recovered.segment

    def _keep_damaged(self, content: bytes, name: str) -> None:
        try:
            self._dead_letters.keep_damaged(content, name)
        except OSError as error:
            self._log.warning("dead", "dead letters cannot be kept: %s", error)
        self._log.warning(
            "damaged",
            "%s held %d bytes that are no documents; they lie among the dead letters (openreplay-otel spool)",
            self._folder.path / name, len(content),
        )  # fmt: skip

    def _tell_troubles(self) -> None:
        while self._spool.troubles:
            error = self._spool.troubles.pop()
            self._log.warning(
                "disk",
                "%s cannot be written (%s): records wait in memory, up to 16 MiB, and are lost if this process"
                " ends before the store has them (setting spool_dir)",
                self._folder.path, error.strerror or error,
            )  # fmt: skip
