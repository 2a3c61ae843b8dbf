"""The queue of one process, on disk: the app's threads append, the delivery worker takes.

Two locks, never held together: the write lock for what appending changes, the ship lock for what was handed
out. The app's threads only ever wait for the first one, and that for the length of one ``write``.
"""

from __future__ import annotations

import bisect
import contextlib
from typing import TYPE_CHECKING, Final

from ..stores.bulk_lines import count_of
from ..threads import ReentrantCondition
from .appending import MEMORY_BYTES, MEMORY_SEGMENT, AppendSide
from .segment import HEADER_SIZE, Segment, Slice

if TYPE_CHECKING:
    from collections.abc import Callable

    from .folder import Recovered, SegmentFile

_WORTH_REMOVING: Final = 4 * 1024 * 1024

Mark = tuple[Segment, int]
"""A place in a segment."""


class Spool(AppendSide):
    """A durable queue of documents' lines. Safe for threads, signal handlers and forks.

    What :meth:`append` has taken survives the end of the process at any instant, as long as the disk takes
    it; otherwise it waits in memory, up to 16 MiB.
    """

    def _begin(self) -> None:
        super()._begin()
        # Reentrant, too: a signal handler may flush in the middle of a flush.
        self._ship_lock = ReentrantCondition()
        self._failures = 0

    def take(self, max_bytes: int) -> Slice | None:
        """Hand out the oldest lines that nobody has.

        Raises:
            OSError: They cannot be read.
        """
        with self._ship_lock:
            for segment in tuple(self._segments):
                taken = segment.take(max_bytes)
                if taken is not None:
                    return taken
        return None

    def done(self, taken: Slice) -> None:
        """Note that all of it is stored, or kept elsewhere."""
        with self._ship_lock:
            taken.segment.done(taken)
            self._ship_lock.notify_all()

    def give_back(self, taken: Slice) -> None:
        """Take back what could not be sent."""
        with self._ship_lock:
            taken.segment.give_back(taken)
            self._failures += 1
            self._ship_lock.notify_all()
            if taken.segment.is_given_up:
                self.tally.drop("full", taken.records)

    def append_again(self, taken: Slice) -> bool:
        """Queue what is left of a slice behind all else; False where there is no room, or only in memory."""
        has_session = taken.segment.has_sessions
        with self._write_lock:
            # As none: they were counted when they came, and are not lost where there is no room.
            if not self.append(taken.lines, has_session, 0):
                return False
            segment = self._active[has_session]
            if segment is None:
                return True
            if segment.in_memory and not taken.segment.in_memory:
                # What is on the disk stays there.
                segment.size -= len(taken.lines)
                segment.medium.cut(segment.size)
                return False
            segment.records += count_of(taken.lines)
        return True

    @property
    def waiting_bytes(self) -> int:
        """Bytes that are not on their way."""
        with self._ship_lock:
            return sum(one.waiting_bytes for one in tuple(self._segments))

    @property
    def queued_bytes(self) -> int:
        """Bytes that are not done."""
        with self._ship_lock:
            return sum(one.size - one.checkpoint for one in tuple(self._segments))

    @property
    def queued(self) -> int:
        """Documents that are not done."""
        return sum(one.pending for one in tuple(self._segments))

    def names(self) -> set[str]:
        """The names of all segments."""
        return {one.name for one in tuple(self._segments)}

    @property
    def is_empty(self) -> bool:
        """Whether all that was taken is done."""
        with self._ship_lock:
            return all(one.is_finished for one in tuple(self._segments))

    @property
    def holds_in_memory(self) -> bool:
        """Whether something that is not done would be lost with this process: there was no room on the disk."""
        with self._ship_lock:
            return any(one.in_memory and not one.is_finished for one in tuple(self._segments))

    def oldest_lines(self) -> bytes:
        """The beginning of the oldest document that is not done; empty where there is none."""
        with self._ship_lock:
            for segment in tuple(self._segments):
                if not segment.is_finished:
                    return segment.medium.read(segment.checkpoint, 1024)
        return b""

    @property
    def has_older(self) -> bool:
        """Whether a segment waits to which nothing more comes."""
        with self._ship_lock:
            return any(one.is_sealed and one.waiting_bytes for one in tuple(self._segments))

    def adopt(self, recovered: Recovered) -> None:
        """Take the segment of a dead process in, where it belongs by its time."""
        segment = recovered.segment
        segment.failures_before = self._failures
        with self._ship_lock:
            # Only appending makes new ones, and those are the youngest.
            bisect.insort(self._segments, segment, key=lambda one: one.name)

    def marks(self) -> list[Mark]:
        """Where the queue ends now."""
        return [(one, one.size) for one in tuple(self._segments)]

    def wait_for(self, marks: list[Mark], timeout: float, is_hopeless: Callable[[], bool]) -> bool:
        """Wait until all up to these marks is done.

        Args:
            marks: From :meth:`marks`.
            timeout: Seconds.
            is_hopeless: Asked at each change; True ends the wait.
        """

        def is_past() -> bool:
            return all(one.is_given_up or one.checkpoint >= end for one, end in marks)

        with self._ship_lock:
            self._ship_lock.wait_for(lambda: is_past() or is_hopeless(), timeout)
            return is_past()

    def notify(self) -> None:
        """Let those look again who wait."""
        with self._ship_lock:
            self._ship_lock.notify_all()

    # --- housekeeping, by the delivery worker

    def remove_finished(self, *, is_idle: bool) -> None:
        """Remove segments all of which is done.

        Args:
            is_idle: Whether those being written count too, though they are small.
        """
        for segment in tuple(self._segments):
            if not segment.is_sealed and (is_idle or segment.size >= _WORTH_REMOVING):
                with self._write_lock:
                    if segment.is_finished:
                        self._seal(segment.has_sessions)
            if segment.is_sealed and segment.is_finished:
                self._remove(segment)

    def keep_within_limits(
        self, files: list[SegmentFile], now: float, adopted: Callable[[SegmentFile], Segment | None]
    ) -> None:
        """Give up what is too old, and what there is no room for: of no session first, then the oldest.

        What is too old is tried before: the machine may have been off for a week. Living processes' segments
        count, and are left to them: each comes to the same conclusion.

        Args:
            files: What lies in the folder, in the order in which it is to be given up.
            now: Unix seconds.
            adopted: Takes a file over, where it is a dead process's.
        """
        self._keep_memory_within_limits()
        own = {one.name: one for one in tuple(self._segments)}
        total = sum(file.size for file in files)
        for file in files:
            segment = own.get(file.path.name)
            is_tried = segment is not None and self._failures > segment.failures_before
            is_old = is_tried and file.changed_at < now - self.max_age
            if total <= self._max_bytes - self._segment_bytes and not is_old:
                continue
            total -= file.size
            segment = segment or adopted(file)
            if segment is not None and file.size > HEADER_SIZE:
                self._give_up(segment, "age" if is_old else "full")

    def leave_removed_files(self) -> bool:
        """Go on in new files where somebody removed those being written; True where that was so."""
        found = False
        for segment in tuple(self._segments):
            if not segment.is_sealed and not segment.medium.is_linked():
                found = True
                with self._write_lock:
                    if self._active[segment.has_sessions] is segment:
                        self._seal(segment.has_sessions)
        return found

    def sync(self) -> None:
        """Bring all to the disk itself."""
        for segment in tuple(self._segments):
            if not segment.is_gone:
                segment.medium.sync()

    def close(self) -> None:
        """Leave the files to whoever comes next. What is appended afterwards goes to new files."""
        with self._write_lock:
            for has_session in (True, False):
                self._seal(has_session)
        with self._ship_lock:
            for segment in tuple(self._segments):
                self._segments.remove(segment)
                segment.is_gone = True
                if segment.is_finished:
                    with contextlib.suppress(OSError):
                        segment.medium.remove()
                    continue
                if segment.in_memory:
                    self.tally.drop("memory", segment.pending)
                segment.medium.release()
            self._ship_lock.notify_all()

    def after_fork_in_child(self) -> None:
        """Begin anew: the segments are the parent's."""
        inherited = self._segments
        self._begin()
        self.folder.begin_process()
        for segment in inherited:
            segment.medium.release()

    def _keep_memory_within_limits(self) -> None:
        kept = [one for one in tuple(self._segments) if one.in_memory]
        total = sum(one.size for one in kept)
        for segment in sorted(kept, key=lambda one: (one.has_sessions, one.name)):
            if total <= MEMORY_BYTES - 2 * MEMORY_SEGMENT:
                return
            total -= segment.size
            self._give_up(segment, "memory")

    def _give_up(self, segment: Segment, reason: str) -> None:
        with self._write_lock:
            if self._active[segment.has_sessions] is segment:
                self._seal(segment.has_sessions)
        with self._ship_lock:
            # What is on its way may yet arrive; if not, it is counted when it comes back.
            self.tally.drop(reason, segment.pending - segment.in_flight)
            segment.is_given_up = True
        self._remove(segment)

    def _remove(self, segment: Segment) -> None:
        with self._ship_lock:
            if segment.is_gone:
                return
            segment.is_gone = True
            self._segments.remove(segment)
            segment.medium.remove()
            self._ship_lock.notify_all()
