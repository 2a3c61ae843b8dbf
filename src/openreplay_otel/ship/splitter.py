"""Puts the lines of a file together to records: which line begins one, and which belong to it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from . import tracebacks
from .formats import access, containers, json_lines, level_first, logfmt, syslog, time_first
from .record import ParsedRecord
from .session_tags import take_tags

if TYPE_CHECKING:
    from collections.abc import Callable

    from .times import TimeReader

_ANSI: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MOST_CHARACTERS: Final = 1024 * 1024
"""Of one record; a document holds less."""
_LINKS: Final = ("The above exception", "During handling of the above")
_NONE, _FRAMES, _TOLD = 0, 1, 2

NOT_TEXT: Final = "not text"
BROKEN_JSON: Final = "broken JSON"
JSON_WITHOUT_TEXT: Final = "JSON without a message"


class Splitter:
    """Takes the lines of one file in order, and gives its records.

    Args:
        times: Reads times.
        encoding: Of the lines.
        emit: Takes each record when it is complete.
        unread: Takes a line that cannot be read, its number, and why.
    """

    def __init__(
        self,
        times: TimeReader,
        *,
        encoding: str,
        emit: Callable[[ParsedRecord], None],
        unread: Callable[[bytes, int, str], None],
    ) -> None:
        self._times = times
        self._encoding = encoding
        self._emit = emit
        self._unread = unread
        self._current: ParsedRecord | None = None
        self._is_headed = False
        self._trace = _NONE
        self._size = 0
        self._partial = ""
        self._partial_raw: list[bytes] = []

    def feed(self, raw: bytes, number: int, offset: int) -> None:
        """Take a line.

        Args:
            raw: With its end.
            number: Its number.
            offset: Where it begins.
        """
        try:
            line = raw.decode(self._encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            self._unread(raw, number, f"{NOT_TEXT} in {self._encoding}")
            return
        if "\0" in line:
            self._unread(raw, number, NOT_TEXT)
            return
        if "\x1b" in line:
            line = _ANSI.sub("", line)
        if not line or line.isspace():
            if self._current is not None:
                self._current.more.append("")
            return
        first = line[0]
        if first == "{" and line[1:2] in '"} ':
            self._json(line, raw, number, offset)
            return
        if first.isdigit() and line[10:11] == "T":
            wrapped = containers.from_cri(line, self._times)
            if wrapped is not None:
                self._unwrapped(wrapped, raw, number, offset)
                return
        self._line(line, None, raw, number, offset)

    def end(self) -> None:
        """The file is at its end: give the last record."""
        if self._partial:
            raw = self._partial_raw.pop()
            self._unwrapped(containers.Unwrapped("", None, is_partial=False), raw, 0, 0)
        self._finish()

    def _json(self, line: str, raw: bytes, number: int, offset: int) -> None:
        try:
            found: Any = orjson.loads(line)
        except orjson.JSONDecodeError:
            self._unread(raw, number, BROKEN_JSON)
            return
        fields = cast("dict[str, Any]", found)
        wrapped = containers.from_docker(fields, self._times)
        if wrapped is not None:
            self._unwrapped(wrapped, raw, number, offset)
            return
        record = json_lines.from_object(fields, self._times)
        if record is None:
            self._unread(raw, number, JSON_WITHOUT_TEXT)
            return
        self._begin(record, raw, number, offset, is_headed=False)
        # A line of JSON is all of its record.
        self._finish()

    def _unwrapped(
        self, wrapped: containers.Unwrapped, raw: bytes, number: int, offset: int
    ) -> None:
        self._partial_raw.append(raw)
        if len(self._partial) < _MOST_CHARACTERS:
            self._partial += wrapped.line
        if wrapped.is_partial:
            return
        line, raw = self._partial, b"".join(self._partial_raw)
        self._partial, self._partial_raw = "", []
        if not line or line.isspace():
            return
        if line.startswith('{"'):
            record = _inner_json(line, self._times)
            if record is not None:
                if record.time_ns is None:
                    record.time_ns = wrapped.time_ns
                self._begin(record, raw, number, offset, is_headed=False)
                self._finish()
                return
        self._line(line, wrapped.time_ns, raw, number, offset)

    def _line(self, line: str, time_ns: int | None, raw: bytes, number: int, offset: int) -> None:
        record = None if line[0] in " \t" else self._recognised(line)
        if record is not None:
            if record.time_ns is None:
                record.time_ns = time_ns
            self._begin(record, raw, number, offset, is_headed=True)
            return
        current = self._current
        if current is None or not (self._is_headed or self._goes_on(line)):
            record = ParsedRecord(line)
            record.time_ns = time_ns
            self._begin(record, raw, number, offset, is_headed=False)
            if tracebacks.is_start(line):
                self._trace = _FRAMES
            return
        self._note_trace(line)
        if self._size > _MOST_CHARACTERS:
            current.is_cut = True
            return
        self._size += len(line) + 1
        current.more.append(line)
        current.raw.append(raw)

    def _goes_on(self, line: str) -> bool:
        """Whether a line without a head of its own belongs to a record that has none either."""
        if line[0] in " \t" or tracebacks.is_start(line):
            return True
        if self._trace == _TOLD:
            return line.startswith(_LINKS)
        return self._trace == _FRAMES

    def _note_trace(self, line: str) -> None:
        if tracebacks.is_start(line):
            self._trace = _FRAMES
        elif self._trace == _FRAMES and line[0] not in " \t":
            self._trace = _TOLD

    def _recognised(self, line: str) -> ParsedRecord | None:  # noqa: PLR0911 - one for each way a line begins
        """The record that a line begins, told apart by its first character: this runs for every line."""
        first = line[0]
        if first.isdigit():
            return time_first.parse(line, self._times) or self._access(line)
        if first == "[":
            if line[1:2].isdigit():
                return time_first.parse(line, self._times)
            return level_first.parse(line, self._times) or self._behind_tags(line)
        if first.isupper():
            return level_first.parse(line, self._times) or self._syslog(line)
        if first == "<":
            return self._syslog(line)
        if first.islower():
            return logfmt.parse(line, self._times) or self._access(line)
        return self._access(line)

    def _access(self, line: str) -> ParsedRecord | None:
        return access.parse(line, self._times) if '] "' in line else None

    def _behind_tags(self, line: str) -> ParsedRecord | None:
        """A line whose tags stand before all else, as a formatter may put them."""
        session_id, rest = take_tags(line)
        if len(rest) == len(line):
            return None
        record = (self._recognised(rest) if rest and rest[0] != "[" else None) or ParsedRecord(rest)
        record.session_id = session_id
        return record

    def _syslog(self, line: str) -> ParsedRecord | None:
        outer = syslog.parse(line, self._times)
        if outer is None or not outer.message:
            return outer
        text = outer.message
        if text.startswith('{"'):
            inner = _inner_json(text, self._times)
        else:
            inner = None if text[0] in " \t<" else self._recognised(text)
        if inner is None:
            return outer
        inner.fields = {**outer.fields, **inner.fields}
        inner.time_ns = outer.time_ns if inner.time_ns is None else inner.time_ns
        inner.level = inner.level or outer.level
        return inner

    def _begin(
        self, record: ParsedRecord, raw: bytes, number: int, offset: int, *, is_headed: bool
    ) -> None:
        if self._current is not None:
            self._finish()
        record.line, record.offset = number, offset
        record.raw.append(raw)
        self._current = record
        self._is_headed = is_headed
        self._trace = _NONE
        self._size = len(record.message)

    def _finish(self) -> None:
        record, self._current = self._current, None
        if record is None:
            return
        if record.more or tracebacks.START in record.message:
            _join(record)
        if record.message[:1] in "[ " and record.session_id is None:
            record.session_id, record.message = take_tags(record.message)
        if record.fields:
            json_lines.cut_long(record)
            said = record.fields.get("error.message")
            if record.session_id is None and said is not None:
                # Some put the tag before the text of exceptions.
                record.session_id, record.fields["error.message"] = take_tags(said)
        self._emit(record)


def _inner_json(text: str, times: TimeReader) -> ParsedRecord | None:
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    # What begins with {" and is JSON, is an object.
    return json_lines.from_object(found, times)


def _join(record: ParsedRecord) -> None:
    lines = [record.message, *record.more]
    while lines and not lines[-1]:
        lines.pop()
    before, found = tracebacks.find(lines)
    record.message = "\n".join(before).rstrip("\n")
    if found is None:
        return
    fields = zip(("error.type", "error.message", "error.stack_trace"), found, strict=True)
    record.fields.update((name, value) for name, value in fields if value is not None)
    if not record.message:
        record.message = ": ".join(part for part in found[:2] if part) or tracebacks.START
