"""Gives records without a time the time of their neighbours. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from .record import ParsedRecord

_WAITING: Final = 1000
"""Records at a file's beginning that wait for the first one with a time."""
_WAITING_BYTES: Final = 8 * 1024 * 1024
"""Of their lines."""


class TimeContext:
    """Passes the records of one file on, each with a time.

    A record without one gets that of the record before it; at the beginning of a file that of the first
    one that has one; in a file without any the file's own.

    Args:
        file_time_ns: When the file was written last, Unix nanoseconds.
        emit: Takes each record, and the time that the file's text says for it, None where it says none.
        last_ns: The time of the last record that was read before, where the beginning of the file was.
        is_beginning: Whether it was not.

    Attributes:
        last_ns: The time of the last record that has one.
    """

    def __init__(
        self,
        file_time_ns: int,
        emit: Callable[[ParsedRecord, int | None], None],
        *,
        last_ns: int | None = None,
        is_beginning: bool = True,
    ) -> None:
        self._file_time_ns = file_time_ns
        self._emit = emit
        self.last_ns = last_ns
        self._waiting: list[ParsedRecord] | None = [] if is_beginning else None
        self._bytes = 0

    @property
    def holds_records(self) -> bool:
        """Whether records wait for the first time in the file."""
        return bool(self._waiting)

    def add(self, record: ParsedRecord) -> None:
        """Take a record, in the order of the file."""
        time_ns = record.time_ns
        if time_ns is not None:
            self.last_ns = time_ns
            if self._waiting:
                self._release(time_ns)
            self._waiting = None
            self._emit(record, time_ns)
            return
        record.is_time_assumed = True
        if self.last_ns is not None:
            record.time_ns = self.last_ns
            self._emit(record, self.last_ns)
        elif self._waiting is None:
            record.time_ns = self._file_time_ns
            self._emit(record, None)
        else:
            self._waiting.append(record)
            self._bytes += sum(map(len, record.raw))
            if len(self._waiting) >= _WAITING or self._bytes >= _WAITING_BYTES:
                self._release(None)

    def end(self) -> None:
        """The file is at its end."""
        if self._waiting:
            self._release(None)

    def _release(self, time_ns: int | None) -> None:
        waiting, self._waiting = self._waiting or [], None
        for record in waiting:
            record.time_ns = self._file_time_ns if time_ns is None else time_ns
            self._emit(record, time_ns)
