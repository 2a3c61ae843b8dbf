"""The one rule for joining lines: which belong to the record before them. Pure.

- Lines of a traceback join: its header, frames, source lines and carets, the exception's own line, chaining
  sentences, the borders and members of a group.
- The header joins the line right before it where that is an error, or nobody's, or has the same tag before it.
- What is behind an exception's own line joins only where a chaining sentence follows: nobody can tell
  the second line of an exception's text, or a note, from a line that somebody else printed.
- A warning's source line joins.
- Everything else begins a record. So does every line with another tag before it.
- An exception with a tag of its own makes a record of that session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ..text.levels import severity_of
from .finishing import finished
from .formats import seen, syslog
from .formats.json_lines import from_text
from .formats.table import recognise
from .record import ParsedRecord
from .session_tags import take_tags
from .trace_lines import TraceLines, is_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from .times import TimeReader

MOST_CHARACTERS: Final = 1024 * 1024
"""Of one record; a document holds less."""
_NEVER_FIRST: Final = " >│╰╭"
"""With what no line of the table begins."""
_MOST_HELD: Final = 200
"""Lines behind an exception that wait for a chaining sentence."""
_MOST_BLANKS: Final = 2
"""Blank lines between an error and its traceback."""
_MOST_BLANKS_KEPT: Final = 100
_ERROR: Final = 17

TOO_MUCH: Final = f"lines of a record beyond {MOST_CHARACTERS:,} characters"


class Place(NamedTuple):
    """Where a line is.

    Attributes:
        raw: The line as it is in the file, with its end.
        number: Its number.
        offset: Where it begins, bytes.
    """

    raw: bytes
    number: int
    offset: int


class Joiner:
    """Takes the lines of one stream in order, and gives its records.

    Args:
        times: Reads times.
        emit: Takes each record when it is complete.
        unread: Takes a line that has no room in its record, its number, and why.
        is_structured: Whether the stream's first line has fields, where it was read before.

    Attributes:
        is_structured: Whether the stream's first line has fields; None before there is one.
    """

    def __init__(
        self,
        times: TimeReader,
        *,
        emit: Callable[[ParsedRecord], None],
        unread: Callable[[bytes, int, str], None],
        is_structured: bool | None = None,
    ) -> None:
        self._times = times
        self._emit = emit
        self._unread = unread
        self._current: ParsedRecord | None = None
        self._line_session: str | None = None
        # Who wrote the present record to syslog, where it came that way, and of whom the tag before its text was.
        self._program: syslog.Program | None = None
        self._next_program: syslog.Program | None = None
        self._inner_session: str | None = None
        self._trace = TraceLines()
        self._held: list[ParsedRecord] = []
        self._blanks = 0
        self._size = 0
        self.is_structured = is_structured

    @property
    def open_at(self) -> tuple[int, int] | None:
        """Offset and number of the first line that is in no finished record; None where there is none."""
        record = self._current or (self._held[0] if self._held else None)
        return None if record is None else (record.offset, record.line)

    def blank(self) -> None:
        """Take a blank line: it belongs to what is around it, if that is one record."""
        if self._blanks < _MOST_BLANKS_KEPT:
            self._blanks += 1

    def add(self, record: ParsedRecord, place: Place) -> None:
        """Take a record that is complete, such as a line of JSON."""
        self._trust_fields(record)
        if record.message[:1] == "[" and record.session_id is None:
            record.session_id, record.message = take_tags(record.message, place.raw)
        self._begin(record, place)
        self.end()

    def line(self, line: str, time_ns: int | None, place: Place) -> None:
        """Take a line of text.

        Args:
            line: Without its end and colours, not blank.
            time_ns: When it was written, where what is around it says that.
            place: Where it is.
        """
        self._next_program = None
        session_id, text = take_tags(line, place.raw) if line[0] == "[" else (None, line)
        if not text:
            self._start(ParsedRecord(""), session_id, time_ns, place)
            return
        outer = None if self._program is None else syslog.parse(text, self._times)
        if outer is not None and syslog.program_of(outer) == self._program:
            # What this program wrote to syslog goes on in the next line of it.
            if not outer.message:
                self.blank()
                return
            tag, inner = take_tags(outer.message, place.raw)
            if inner and self._joins(inner, tag, self._inner_session, place):
                return
        if self._joins(text, session_id, self._line_session, place):
            return
        record = self._recognised(text, outer) if text[0] not in " \t" else None
        if record is None:
            self._unknown(text, session_id, time_ns, place)
        else:
            self._start(record, session_id, time_ns, place)

    def end(self) -> None:
        """The stream is at its end, or what comes next has nothing to do with it: give what is there."""
        record, self._current = self._current, None
        held, self._held = self._held, []
        self._trace.reset()
        self._blanks = 0
        if record is not None:
            held.insert(0, record)
        for one in held:
            for complete in finished(one):
                self._emit(complete)

    def _joins(self, text: str, session_id: str | None, before: str | None, place: Place) -> bool:
        """Take a line that belongs to the record before it; False for any other.

        Args:
            text: Without a tag.
            session_id: The session of the tag before it.
            before: That of the line before it.
            place: Where it is.
        """
        if self._trace.is_open and session_id == before:
            # An exception's own line looks like many others.
            is_known = text[0] not in _NEVER_FIRST and self._recognised(text) is not None
            if not is_known and self._trace.goes_on(text):
                self._join(text, place)
                return True
        current = self._current
        if current is None or not is_start(text) or session_id != before:
            return False
        if not self._takes_trace(current, session_id):
            return False
        current.trace_at = len(current.more) + self._blanks
        self._join(text, place)
        self._trace.begin(text)
        return True

    def _recognised(self, text: str, outer: ParsedRecord | None = None) -> ParsedRecord | None:
        self._next_program = None
        record = outer or recognise(text, self._times)
        if record is None:
            return None
        self._next_program = syslog.program_of(record) if record.is_syslog else None
        if record.is_syslog and record.message:
            # What a program writes to syslog has a format of its own; one syslog in another has not.
            message = record.message
            inner = (
                from_text(message, self._times)
                if message.startswith('{"')
                else None
                if message[0] in " \t<"
                else recognise(message, self._times)
            )
            if inner is not None and not inner.is_syslog:
                record = syslog.around(record, inner)
        return record

    def _trust_fields(self, record: ParsedRecord) -> None:
        """Take a session from a field only in a file whose first line has fields.

        In any other file a line of JSON can be the second line of what a user sent.
        """
        if self.is_structured is None:
            self.is_structured = record.is_structured
        elif record.is_structured and not self.is_structured:
            record.session_id = None

    def _unknown(
        self, text: str, session_id: str | None, time_ns: int | None, place: Place
    ) -> None:
        """Take a line of no known format."""
        record = ParsedRecord(text)
        seen.complete(record)
        begins_trace = is_start(text)
        if (
            self._trace.is_told
            and not begins_trace
            and session_id == self._line_session
            and record.level is None
        ):
            record.session_id = session_id
            self._hold(record, time_ns, place)
            return
        self._start(record, session_id, time_ns, place)
        if begins_trace:
            record.trace_at = -1
            self._trace.begin(text)
        elif record.session_id is None:
            self._trace.begin_bare(text)
            if self._trace.is_open:
                record.trace_at = -1

    def _start(
        self, record: ParsedRecord, session_id: str | None, time_ns: int | None, place: Place
    ) -> None:
        """Begin a record of text; a tag before the line goes before one in it."""
        self._trust_fields(record)
        if record.time_ns is None:
            record.time_ns = time_ns
        if session_id is not None:
            record.session_id = session_id
        elif record.session_id is None and record.message[:1] == "[":
            record.session_id, record.message = take_tags(record.message, place.raw)
        program, self._next_program = self._next_program, None
        self._begin(record, place)
        self._line_session = session_id
        if program is not None:
            self._program, self._inner_session = program, None
            if record.is_syslog and is_start(record.message):
                record.trace_at = -1
                self._trace.begin(record.message)
        if record.has_source_line or record.logger == "py.warnings":
            self._trace.begin_warning()

    def _takes_trace(self, current: ParsedRecord, session_id: str | None) -> bool:
        """Whether a traceback that begins now is that of the line before it."""
        if self._blanks > _MOST_BLANKS:
            return False
        if current.trace_at is not None or current.has_source_line or self._held:
            return False
        severity = severity_of(current.level)
        if severity >= _ERROR or current.session_id is None:
            return True
        # A line without a level, but with the tag before it that each line of the traceback has too.
        return severity == 0 and session_id is not None

    def _begin(self, record: ParsedRecord, place: Place) -> None:
        if self._current is not None or self._held:
            self.end()
        record.line, record.offset = place.number, place.offset
        record.raw.append(place.raw)
        self._current = record
        self._line_session = self._program = None
        self._trace.reset()
        self._blanks = 0
        self._size = len(record.message)

    def _join(self, text: str, place: Place) -> None:
        for held in self._held:
            self._append(held.message, held.raw[0], held.line)
        self._held = []
        for _ in range(self._blanks):
            self._append("", b"\n", place.number)
        self._blanks = 0
        self._append(text, place.raw, place.number)

    def _append(self, text: str, raw: bytes, number: int) -> None:
        current = self._current
        if current is None:
            return
        self._size += len(text) + 1
        if self._size > MOST_CHARACTERS:
            current.is_cut = True
            if text:
                self._unread(raw, number, TOO_MUCH)
            return
        current.more.append(text)
        current.raw.append(raw)

    def _hold(self, record: ParsedRecord, time_ns: int | None, place: Place) -> None:
        record.time_ns = time_ns
        record.line, record.offset = place.number, place.offset
        record.raw.append(place.raw)
        self._held.append(record)
        self._size += len(record.message)
        if len(self._held) > _MOST_HELD or self._size > MOST_CHARACTERS:
            self.end()
