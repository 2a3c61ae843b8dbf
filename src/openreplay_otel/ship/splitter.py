"""Takes the lines of a file apart: bytes, containers, JSON; what is text goes to be joined. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import orjson

from .formats import containers, json_lines
from .joining import MOST_CHARACTERS, Joiner, Place
from .session_tags import without_colours

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .record import ParsedRecord
    from .times import TimeReader


NOT_TEXT: Final = "not text"
BROKEN_JSON: Final = "broken JSON"
JSON_WITHOUT_TEXT: Final = "JSON without a message"
TOO_LONG_IN_PARTS: Final = f"lines in parts of more than {MOST_CHARACTERS:,} characters"


class StreamPlace(NamedTuple):
    """How far a stream was read.

    Attributes:
        offset: Where the first line begins that is in no finished record.
        line: Its number.
        is_structured: Whether the first line of the stream has fields; None before there was one.
    """

    offset: int = 0
    line: int = 1
    is_structured: bool | None = None


BEGINNING: Final = (StreamPlace(),) * 3
"""The places of the streams of a file that was not read before."""


class _Stream:
    """One of the streams that a container's file holds; a file without containers is one."""

    __slots__ = ("is_left_out", "joiner", "line", "offset", "parts", "raw", "since", "size")

    def __init__(self, joiner: Joiner, since: int) -> None:
        self.joiner = joiner
        # What is before was read by an earlier process.
        self.since = since
        # A line of which parts came so far.
        self.parts: list[str] = []
        self.raw: list[bytes] = []
        self.size = 0
        self.line = 0
        self.offset = 0
        self.is_left_out = False

    def place(self, offset: int, line: int) -> StreamPlace:
        """How far it was read, being asked before a line."""
        place = self.joiner.open_at
        if self.parts:
            place = min(place or (self.offset, self.line), (self.offset, self.line))
        return StreamPlace(*(place or (offset, line)), self.joiner.is_structured)

    def clear(self) -> None:
        """Forget the parts."""
        self.parts, self.raw, self.size = [], [], 0


class Splitter:
    """Takes the lines of one file in order, and gives its records.

    Args:
        times: Reads times.
        encoding: Of the lines.
        emit: Takes each record when it is complete.
        unread: Takes a line that cannot be read, its number, and why.
        places: How far the streams were read before, as :meth:`places` says.
    """

    def __init__(
        self,
        times: TimeReader,
        *,
        encoding: str,
        emit: Callable[[ParsedRecord], None],
        unread: Callable[[bytes, int, str], None],
        places: Sequence[StreamPlace] = BEGINNING,
    ) -> None:
        self._times = times
        self._encoding = encoding
        self._unread = unread
        # What an app writes to stdout and to stderr is mixed in a container's file, line by line.
        self._streams = [
            _Stream(
                Joiner(times, emit=emit, unread=unread, is_structured=one.is_structured), one.offset
            )
            for one in places
        ]
        self._plain, self._out, self._err = self._streams

    def places(self, offset: int, line: int) -> tuple[StreamPlace, ...]:
        """How far the streams were read.

        Args:
            offset: Where the next line begins.
            line: Its number.
        """
        return tuple(stream.place(offset, line) for stream in self._streams)

    @property
    def holds_lines(self) -> bool:
        """Whether there are lines that are in no finished record."""
        return any(one.parts or one.joiner.open_at is not None for one in self._streams)

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
            line = without_colours(line)
        if line[:1] == "{" and line[1:2] in '"} ':
            self._json(line, raw, number, offset)
            return
        if line[10:11] == "T" and line[0].isdigit():
            wrapped = containers.from_cri(line, self._times)
            if wrapped is not None:
                self._unwrapped(wrapped, raw, number, offset)
                return
        if offset >= self._plain.since:
            self._line(self._plain, line, None, Place(raw, number, offset))

    def end(self) -> None:
        """The file is at its end: give the last records."""
        for stream in self._streams:
            if stream.parts:
                self._whole(stream, None)
            stream.joiner.end()

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
        if offset >= self._plain.since:
            self._plain.joiner.add(record, Place(raw, number, offset))

    def _unwrapped(
        self, wrapped: containers.Unwrapped, raw: bytes, number: int, offset: int
    ) -> None:
        stream = self._err if wrapped.is_error_stream else self._out
        if offset < stream.since:
            return
        if stream.is_left_out:
            self._unread(raw, number, TOO_LONG_IN_PARTS)
            stream.is_left_out = wrapped.is_partial
            return
        if not stream.parts and not wrapped.is_partial:
            self._inner(stream, wrapped.line, wrapped.time_ns, Place(raw, number, offset))
            return
        if not stream.parts:
            stream.line, stream.offset = number, offset
        stream.parts.append(wrapped.line)
        stream.raw.append(raw)
        # What is around a part counts too: parts may be empty, and nothing says that there is a last one.
        stream.size += len(raw)
        if stream.size > MOST_CHARACTERS:
            for one in stream.raw:
                self._unread(one, stream.line, TOO_LONG_IN_PARTS)
            stream.is_left_out = wrapped.is_partial
            stream.clear()
        elif not wrapped.is_partial:
            self._whole(stream, wrapped.time_ns)

    def _whole(self, stream: _Stream, time_ns: int | None) -> None:
        """A line in parts is at its end: it counts as the app wrote it, as the parts' ends may be inside of a tag."""
        line = "".join(stream.parts)
        place = Place(f"{line}\n".encode("utf-8", "replace"), stream.line, stream.offset)
        stream.clear()
        self._inner(stream, line, time_ns, place)

    def _inner(self, stream: _Stream, line: str, time_ns: int | None, place: Place) -> None:
        if line.startswith('{"'):
            record = json_lines.from_text(line, self._times)
            if record is not None:
                if record.time_ns is None:
                    record.time_ns = time_ns
                stream.joiner.add(record, place)
                return
        self._line(stream, line, time_ns, place)

    @staticmethod
    def _line(stream: _Stream, line: str, time_ns: int | None, place: Place) -> None:
        if "\x1b" in line:
            line = without_colours(line)
        if not line or line.isspace():
            stream.joiner.blank()
        else:
            stream.joiner.line(line, time_ns, place)
