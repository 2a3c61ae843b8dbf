"""The lines of one file on their way to records: read whole, or piece by piece while it grows. Pure."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from .content_id import Origin
from .context import TimeContext
from .files import LONGEST_LINE
from .splitter import BEGINNING, Splitter, StreamPlace
from .times import TimeReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import tzinfo

    from .record import ParsedRecord

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LONGEST_HEAD: Final = 1024
_PROGRESS_LINES: Final = 2000

TOO_LONG: Final = f"lines longer than {LONGEST_LINE // 1024 // 1024} MiB"


@dataclass(frozen=True)
class ReadPlace:
    """How far a file was read: what another process needs to go on as this one would have.

    Attributes:
        streams: The places of the streams in it; it is read from the first of them on.
        head: Its first line; empty where none was read.
        number: Which one it is of the files with this first line.
        last_ns: The time of the last record that has one.
        break_at: Where what was held was given, though the file went on later; None for nowhere.
    """

    streams: tuple[StreamPlace, ...] = BEGINNING
    head: bytes = b""
    number: int = 0
    last_ns: int | None = None
    break_at: int | None = None

    @property
    def offset(self) -> int:
        """Where to go on."""
        return min(stream.offset for stream in self.streams)

    def skipped_to(self, offset: int) -> ReadPlace:
        """The place behind what is not to be read; nothing is known of the lines before it."""
        return replace(
            self, streams=(StreamPlace(offset, 1, is_structured=False),) * len(BEGINNING)
        )


class FileReading:
    """Takes the lines of a file in order.

    Args:
        modified_ns: When the file was written last, Unix nanoseconds.
        zone: Where times without a zone were written.
        encoding: Of the lines.
        emit: Takes each record, its origin, and the time that the file says for it, None where it says none.
        unread: Takes a line that cannot be read, its number, and why.
        number_of: Tells which one the file is of those with its first line.
        place: How far it was read before.
        keeps_number: Whether the number is kept with the file.

    Attributes:
        offset: Where the next line begins.
        number: Lines taken.
        size: Bytes taken.
    """

    def __init__(
        self,
        modified_ns: int,
        zone: tzinfo,
        *,
        encoding: str,
        emit: Callable[[ParsedRecord, Origin, int | None], None],
        unread: Callable[[bytes, int, str], None],
        number_of: Callable[[bytes], int],
        place: ReadPlace | None = None,
        keeps_number: bool = False,
    ) -> None:
        place = place or ReadPlace()
        first = min(place.streams, key=lambda stream: stream.offset)
        self.offset = first.offset
        self.number = self.size = 0
        self._lines_before = first.line - 1
        self._head, self._file_number = place.head, place.number
        self._has_begun = self.offset > 0
        self._break_at = place.break_at
        self._keeps_number = keeps_number
        self._number_of = number_of
        self._unread = unread
        self._is_rest = False
        self._make_origin()
        self._context = TimeContext(
            modified_ns,
            lambda record, own_ns: emit(record, self._origin, own_ns),
            last_ns=place.last_ns,
            is_beginning=self.offset == 0,
        )
        modified = _EPOCH + timedelta(microseconds=modified_ns // 1000)
        self._splitter = Splitter(
            TimeReader(zone, modified),
            encoding=encoding,
            emit=self._context.add,
            unread=unread,
            places=place.streams,
        )

    @property
    def line(self) -> int:
        """The number of the line that was taken last."""
        return self._lines_before + self.number

    @property
    def holds_lines(self) -> bool:
        """Whether there are lines of which no record was given yet."""
        return self._splitter.holds_lines or self._context.holds_records

    @property
    def waits_for_time(self) -> bool:
        """Whether there are records that wait for the first time in the file."""
        return self._context.holds_records

    @property
    def place(self) -> ReadPlace:
        """How far it is read."""
        streams = self._splitter.places(self.offset, self.line + 1)
        if self._context.holds_records:
            streams = tuple(StreamPlace(0, 1, None) for _ in streams)
        place = ReadPlace(streams, self._head, self._file_number, self._context.last_ns)
        is_before = self._break_at is not None and place.offset < self._break_at
        return replace(place, break_at=self._break_at) if is_before else place

    def take(self, lines: Iterable[bytes], progress: Callable[[], None] = lambda: None) -> None:
        """Take lines.

        Args:
            lines: With their ends; one that is too long in pieces without.
            progress: Called now and then.
        """
        feed, number = self._splitter.feed, self.line
        offset, before = self.offset, self.offset
        if self._break_at is not None and offset <= self._break_at:
            lines = self._with_break(lines, self._break_at)
        try:
            for line in lines:
                raw = line
                if not self._has_begun or line[0] == 0:
                    raw = self._text_of(line)
                    offset += len(line) - len(raw)
                    if not raw:
                        continue
                if self._is_rest or len(raw) >= LONGEST_LINE:
                    number += not self._is_rest
                    self._unread(raw, number, TOO_LONG)
                    self._is_rest = not raw.endswith(b"\n")
                else:
                    number += 1
                    feed(raw, number, offset)
                offset += len(raw)
                if number % _PROGRESS_LINES == 0:
                    progress()
        finally:
            self.offset, self.number = offset, number - self._lines_before
            self.size += offset - before

    def end(self) -> None:
        """Nothing more comes, at least for some time: give the last records."""
        self._splitter.end()
        self._context.end()
        self._break_at = None

    def mark_break(self) -> None:
        """Note in the place that :meth:`end` comes here, before it is called: for a process that goes on instead."""
        self._break_at = self.offset

    def _text_of(self, line: bytes) -> bytes:
        """A line without a mark at the file's beginning, and without a hole.

        A program that goes on writing where it was, though its file was cut, leaves zeros before its next line.
        """
        if self._is_rest:
            return line
        text = line.lstrip(b"\0")
        text = line if b"\0" in text else text
        if self._has_begun:
            return text
        text = text.removeprefix(codecs.BOM_UTF8)
        if text:
            self._has_begun = True
            self._head = text[:_LONGEST_HEAD].rstrip(b"\r\n")
            self._file_number = self._number_of(self._head)
            self._make_origin()
        return text

    def _make_origin(self) -> None:
        self._origin = Origin(self._head, self._file_number, is_kept=self._keeps_number)

    def _with_break(self, lines: Iterable[bytes], break_at: int) -> Iterable[bytes]:
        """Give what was held where an earlier process did: its records have ids that are made of their lines."""
        offset = self.offset
        for raw in lines:
            if offset == break_at:
                self.end()
            yield raw
            offset += len(raw)
