"""Log entries and sessions as lines of text, for a terminal of some width or for a pipe. Pure.

Lines rather than tables of rich: these can be written while a long session is still being read, and an
exception has the whole width below its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ...lookup.entries import ExceptionInfo, LogEntry
from ...session import Session
from ...settings import Settings
from ...text.harmless import harmless, one_line, one_line_end
from ...text.times import clock_text, offset_text, seconds_text
from ...text.traces import trace_summary
from .wrapping import NARROWEST, cell, fitted, name_end

_GAP: Final = "  "
_WIDE: Final = 110
"""From so many columns on, service and logger have columns of their own."""
_MAX_SERVICE: Final = 18
_MAX_LOGGER: Final = 26
_LEVEL: Final = len("warning")
_LONGEST_ON_TERMINAL: Final = 4000
_EXCEPTION_INDENT: Final = "    "
NO_LINKS: Final = "(give --app-url and --project-id for links to the recording)"
"""Said where links could be shown and are not."""
_STYLES: Final = {"error": "bold red", "warning": "yellow", "info": "green", "debug": "dim"}
_MESSAGE_STYLES: Final = {"error": "bold", "debug": "dim"}
_DIM: Final = "dim"
_HEAD: Final = "bold"


@dataclass(frozen=True, slots=True)
class Layout:
    """Widths of the columns of a timeline.

    Attributes:
        width: Columns of the terminal; None for a pipe, whose lines are as long as they have to be.
        offset: Of the offset.
        service: Of the service; 0 where it stands behind the message.
        logger: Of the logger; likewise.
        common_service: The service of all first entries, which is named once where there is no column
            for it.
    """

    width: int | None
    offset: int
    service: int
    logger: int
    common_service: str | None = None

    @classmethod
    def fitting(cls, entries: Sequence[LogEntry], width: int | None) -> Layout:
        """A layout for a session, judged by its first entries."""
        offset = max((len(offset_text(entry.offset)) for entry in entries), default=0)
        offset = max(offset, len("+00:00.000"))
        if width is not None and width < _WIDE:
            names = {entry.service for entry in entries}
            return cls(width, offset, 0, 0, names.pop() if len(names) == 1 else None)
        # As much of each as decides it: a name may be as long as an app, or its user, made it.
        services = [cell_len(one_line(entry.service or "-", _MAX_SERVICE)) for entry in entries]
        loggers = [cell_len(one_line(entry.logger or "-", _MAX_LOGGER)) for entry in entries]
        service = max(min(_MAX_SERVICE, max(services, default=0)), len("service"))
        logger = max(min(_MAX_LOGGER, max(loggers, default=0)), len("logger"))
        return cls(width, offset, service, logger)


class Timeline:
    """Turns the entries of one session into lines, in the order of their coming.

    Args:
        session: Whose entries they are.
        layout: The columns.
        traces: Whether stack traces are shown in full.
    """

    def __init__(self, session: Session, layout: Layout, *, traces: bool = False) -> None:
        self._layout = layout
        self._traces = traces
        self._day: date = session.started_at.date()
        self.records = 0
        self.errors = 0

    def head(self) -> Text:
        """The names of the columns, for a terminal."""
        layout = self._layout
        parts = [f"{'time (UTC)':<12}", f"{'offset':>{layout.offset}}", f"{'level':<{_LEVEL}}"]
        if layout.service:
            parts += [f"{'service':<{layout.service}}", f"{'logger':<{layout.logger}}"]
        common = layout.common_service
        message = "message" if common is None else f"message (of {one_line(common)})"
        return Text(_GAP.join([*parts, message]), style=_HEAD)

    def lines(self, entries: Iterable[LogEntry]) -> Iterator[Text]:
        """The lines of entries; a date between those of different days."""
        for entry in entries:
            self.records += 1
            self.errors += entry.level == "error" or entry.exception is not None
            day = entry.timestamp.date()
            if day != self._day and self._layout.width is not None:
                self._day = day
                yield Text(f"{day:%Y-%m-%d}", style=_HEAD)
            if self._layout.width is None:
                yield from _piped_row(entry, self._layout)
            else:
                yield from _terminal_row(entry, self._layout, self._layout.width)
            yield from self._below(entry)

    def end(self) -> Text:
        """How many there were, for a terminal."""
        errors = "" if not self.errors else f", {counted(self.errors, 'error')}"
        return Text(f"{counted(self.records, 'record')}{errors}", style=_DIM)

    def _below(self, entry: LogEntry) -> Iterator[Text]:
        if entry.exception is not None:
            below = _exception_lines(entry.exception, traces=self._traces)
            yield from fitted(below, self._layout.width, _EXCEPTION_INDENT)
        if entry.level == "error" and entry.replay_url is not None:
            # Not wrapped: a terminal makes only a whole address one that can be clicked.
            yield Text(f"{_EXCEPTION_INDENT}{one_line(entry.replay_url)}", style=_DIM)


def session_head(session: Session, replay_url: str | None, *, is_terminal: bool) -> Iterator[Text]:
    """Which session, when it began, and the link to its recording."""
    began = f"began {seconds_text(session.started_at)} UTC"
    link = [] if replay_url is None else [one_line(replay_url)]
    if not is_terminal:
        yield Text(_GAP.join([f"Session {session.id}", began, *link]))
        return
    yield Text.assemble(("Session ", _HEAD), (session.id, "bold cyan"), _GAP, began)
    if replay_url is None:
        yield Text(NO_LINKS, style=_DIM)
    for address in link:
        yield Text.assemble(("Recording ", _HEAD), (address, "cyan"))


def recording_link(session: Session, settings: Settings, entry: LogEntry) -> str | None:
    """Link to the whole recording: by the settings, or by what the record's writer knew."""
    if settings.app_url is not None and settings.project_id is not None:
        return session.replay_url(settings.app_url, settings.project_id)
    return None if entry.replay_url is None else entry.replay_url.partition("?")[0]


def _piped_row(entry: LogEntry, layout: Layout) -> Iterator[Text]:
    moment = entry.timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    first, *more = harmless(entry.message).split("\n")
    fields = (
        moment,
        f"{offset_text(entry.offset):>{layout.offset}}",
        f"{one_line(entry.level):<{_LEVEL}}",
        f"{one_line(entry.service or '-'):<{layout.service}}",
        f"{one_line(entry.logger or '-'):<{layout.logger}}",
        first,
    )
    yield Text(_GAP.join(fields))
    for line in more:
        yield Text(_EXCEPTION_INDENT + line)


def _terminal_row(entry: LogEntry, layout: Layout, width: int) -> Iterator[Text]:
    level = one_line(entry.level, _LEVEL)
    row = Text.assemble(
        (clock_text(entry.timestamp), _DIM), _GAP,
        (f"{offset_text(entry.offset):>{layout.offset}}", "cyan"), _GAP,
        (set_cell_size(level, _LEVEL), _STYLES.get(level, "")), _GAP,
    )  # fmt: skip
    message = Text(_shortened(entry.message), style=_MESSAGE_STYLES.get(level, ""))
    if layout.service:
        row.append(cell(entry.service, layout.service) + _GAP, style="blue")
        row.append(cell(entry.logger, layout.logger) + _GAP, style=_DIM)
    room = max(NARROWEST, width - row.cell_len)
    lines = list(fitted([message], room, ""))
    if not layout.service:
        _append_source(lines, entry, layout, room)
    indent = " " * row.cell_len
    for number, line in enumerate(lines):
        yield (Text(indent) if number else row).append_text(line)


def _append_source(lines: list[Text], entry: LogEntry, layout: Layout, room: int) -> None:
    """Put logger and service behind the message, below it where they do not fit."""
    service = None if entry.service == layout.common_service else entry.service
    source = " · ".join(one_line_end(name, room + 1) for name in (entry.logger, service) if name)
    if lines[-1].cell_len + len(_GAP) + cell_len(source) <= room:
        lines[-1].append(_GAP + source, style="not bold dim")
    else:
        lines.append(Text(name_end(source, room), style=_DIM))


def _exception_lines(exception: ExceptionInfo, *, traces: bool) -> Iterator[Text]:
    trace = exception.stack_trace
    if traces and trace:
        yield Text(harmless(trace.rstrip("\n")), style="red")
        return
    names = [harmless(part) for part in (exception.type, exception.message) if part]
    if names:
        yield Text(": ".join(names), style="red")
    if not trace:
        return
    summary = trace_summary(trace)
    if summary.frame is not None:
        yield Text(f"  at {one_line(summary.frame)}", style=_DIM)
    for cause in summary.causes:
        yield Text(f"  caused by {one_line(cause)}", style=_DIM)


def counted(number: int, thing: str) -> str:
    """A number and what it counts, ``2 errors``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _shortened(text: str) -> str:
    shown = harmless(text, _LONGEST_ON_TERMINAL + 1)
    if len(shown) <= _LONGEST_ON_TERMINAL:
        return shown
    rest = max(1, len(text) - _LONGEST_ON_TERMINAL)
    return f"{shown[:_LONGEST_ON_TERMINAL]}… ({rest} more characters: see --json)"
