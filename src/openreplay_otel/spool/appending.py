"""The app's side of the queue: documents come in, to disk, or to memory as long as the disk takes nothing."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

from .counts import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from .folder import SpoolFolder
    from .segment import Segment

_LARGEST_SEGMENT: Final = 16 * 1024 * 1024
_SEGMENTS: Final = 16
"""Into how many parts the room on disk is divided at least: whole parts are given up when it is full."""
MEMORY_BYTES: Final = 16 * 1024 * 1024
MEMORY_SEGMENT: Final = 1024 * 1024
_DISK_AGAIN_AFTER: Final = 5.0
_FORK_WAITS: Final = 1.0
_NEVER: Final = 1 << 62


class AppendSide:
    """What :class:`~.spool.Spool` does in the app's threads, and its arguments.

    Args:
        folder: Where the segments lie.
        max_bytes: How much may lie there, all processes together.
        max_age: Seconds after which what could not be delivered is given up.
        syncs_always: Whether each record is brought to the disk itself, where it outlives the machine.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        folder: SpoolFolder,
        *,
        max_bytes: int,
        max_age: float,
        syncs_always: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self.max_age = max_age
        self._syncs_always = syncs_always
        self._clock = clock
        self._segment_bytes = min(_LARGEST_SEGMENT, max_bytes // _SEGMENTS)
        self.on_first: Callable[[], object] = _nothing
        self.on_data: Callable[[], None] = _nothing
        self._begin()

    def _begin(self) -> None:
        # Reentrant: a signal handler may log while this thread is in the middle of a log call.
        self._write_lock = threading.RLock()
        self.tally = Tally()
        self.accepted = 0
        self.troubles: list[OSError] = []
        self._segments: list[Segment] = []
        self._active: dict[bool, Segment | None] = {True: None, False: None}
        self._is_appending = False
        self._is_miscounted = False
        self._unseen = 0
        self._wake_at = _NEVER
        self._disk_again_at = 0.0

    def append(self, lines: bytes, has_session: bool, records: int = 1) -> bool:  # noqa: C901, FBT001 - in one piece and by position, since it runs for each record of the app
        """Take documents of one kind.

        Args:
            lines: Their lines.
            has_session: Whether they belong to sessions.
            records: How many they are.

        Returns:
            False where there was no room left; that is counted.
        """
        with self._write_lock:
            is_inner, self._is_appending = self._is_appending, True
            try:
                segment = self._active[has_session]
                is_new = False
                # A log call that interrupts another one in this thread leaves that one its segment.
                if segment is None or (segment.size >= segment.max_size and not is_inner):
                    is_new = True
                    segment = self._next_segment(has_session, lines)
                    if segment is None:
                        return self._no_room(records)
                size = len(lines)
                try:
                    written = segment.medium.write(lines)
                except OSError as error:
                    segment, written = self._write_elsewhere(segment, has_session, lines, error)
                else:
                    if written != size:
                        error = OSError("the disk is full")
                        segment, written = self._write_elsewhere(segment, has_session, lines, error)
                if written != size:
                    return self._no_room(records)
                segment.size += size
                segment.records += records
                self.accepted += records
                self._unseen += size
                is_awaited = self._unseen >= self._wake_at
                if self._syncs_always:
                    self._sync_or_note(segment)
            except BaseException:
                # A signal handler raised: nobody knows yet whether the lines were written before.
                self._is_miscounted = True
                raise
            finally:
                self._is_appending = is_inner
                if self._is_miscounted and not is_inner:
                    self._is_miscounted = False
                    self._count_from_files()
        if is_new:
            # Not under the lock: where threads are greenlets, the delivery worker's begins to run within this call.
            self.on_first()
        if is_awaited:
            self.on_data()
        return True

    def _count_from_files(self) -> None:
        for segment in self._active.values():
            if segment is not None:
                self._count_from_file(segment)

    def _count_from_file(self, segment: Segment) -> None:
        # What cannot be read now is read when it is sent.
        with contextlib.suppress(OSError):
            self.accepted += segment.count_from_file()

    def _sync_or_note(self, segment: Segment) -> None:
        try:
            segment.medium.sync()
        except OSError as error:
            self.troubles.append(error)

    def _no_room(self, records: int) -> bool:
        self.accepted += records
        self.tally.drop("full", records)
        return False

    def _next_segment(self, has_session: bool, lines: bytes) -> Segment | None:  # noqa: FBT001 - as above
        self._seal(has_session)
        waiting = [one for one in tuple(self._segments) if not one.in_memory]
        if sum(one.size for one in waiting) >= self._max_bytes:
            return None
        if self._clock() >= self._disk_again_at:
            try:
                segment = self.folder.make_segment(has_sessions=has_session)
                segment.max_size = self._segment_bytes
                return self._begun(segment)
            except OSError as error:
                self._note_trouble(error)
        return self._memory_segment(has_session)

    def _memory_segment(self, has_session: bool) -> Segment | None:  # noqa: FBT001 - as above
        waiting = [one for one in tuple(self._segments) if one.in_memory]
        if sum(one.size for one in waiting) >= MEMORY_BYTES:
            return None
        segment = self.folder.make_segment_in_memory(has_sessions=has_session)
        segment.max_size = MEMORY_SEGMENT
        return self._begun(segment)

    def _begun(self, segment: Segment) -> Segment:
        # A log call that interrupted this one may have begun one, too.
        self._seal(segment.has_sessions)
        self._active[segment.has_sessions] = segment
        self._segments.append(segment)
        return segment

    def _write_elsewhere(
        self,
        segment: Segment,
        has_session: bool,  # noqa: FBT001 - as above
        lines: bytes,
        error: OSError,
    ) -> tuple[Segment, int]:
        """Take what the disk would not, into memory."""
        # Where even that fails, the reader finds a torn end.
        with contextlib.suppress(OSError):
            segment.medium.cut(segment.size)
        self._note_trouble(error)
        self._seal(has_session)
        other = self._memory_segment(has_session)
        return (segment, -1) if other is None else (other, other.medium.write(lines))

    def _seal(self, has_session: bool) -> None:  # noqa: FBT001 - as above
        segment = self._active[has_session]
        if segment is not None:
            self._count_from_file(segment)
            segment.is_sealed = True
            self._active[has_session] = None

    def _note_trouble(self, error: OSError) -> None:
        # Not logged here, in the middle of a log call: the delivery worker tells of it.
        self._disk_again_at = self._clock() + _DISK_AGAIN_AFTER
        self.troubles.append(error)
        del self.troubles[:-1]

    def await_data(self, size: int) -> bool:
        """Have ``on_data`` called once so many bytes have come that :meth:`saw_data` did not see.

        Returns:
            False where they are there already.
        """
        with self._write_lock:
            self._wake_at = size
            return self._unseen < size

    def saw_data(self) -> None:
        """Note that what has come so far is looked at now; ``on_data`` is not called before it is awaited."""
        with self._write_lock:
            self._unseen, self._wake_at = 0, _NEVER

    def use_disk_again(self) -> None:
        """Let the next record try the disk, where the last ones had to stay in memory."""
        with self._write_lock:
            if self._clock() >= self._disk_again_at:
                for has_session, segment in self._active.items():
                    if segment is not None and segment.in_memory and segment.records:
                        self._seal(has_session)

    def before_fork(self) -> None:
        """Let no append be going on in another thread while this one forks: a child would hold its new file.

        Raises:
            TimeoutError: One took too long, and is not waited for.
        """
        if not self._write_lock.acquire(timeout=_FORK_WAITS):
            raise TimeoutError

    def after_fork_in_parent(self) -> None:
        """Let appends go on."""
        self._write_lock.release()


def _nothing() -> None:
    pass
