"""Sessions and records as the templates show them: every text harmless, every link of our own making. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from ..stores.timestamps import to_text
from ..text.harmless import harmless, harmless_end, one_line
from ..text.times import offset_text
from ..text.traces import group_members, trace_summary
from .filters import LONGEST_TEXT, place_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ..lookup.entries import ExceptionInfo, LogEntry, SessionSummary
    from ..session import Session
    from ..settings import Settings
    from ..text.traces import GroupMember

LONGEST_IN_LIST: Final = 4_000
"""Characters of a message, or of a stack trace, in the list; the record's own page has all of them."""
_LONGEST_LINE: Final = 300
_LONGEST_NAME: Final = 120
_MOST_SERVICES: Final = 50
_MOST_CHOICES: Final = 500
_MOST_CAUSES: Final = 20
_READ_FOR_SHOWN: Final = 4
"""So many times as much of a stack trace is read for its frame, causes and members as is shown of it."""
_LEVELS: Final = frozenset({"error", "warning", "info", "debug"})


@dataclass(frozen=True)
class Moment:
    """A time: for programs, for people in UTC, and the time of day alone."""

    at: datetime
    iso: str
    text: str
    clock: str

    @classmethod
    def of(cls, moment: datetime) -> Moment:
        """A moment's texts, cut from one: to format each takes longer than all else of a row."""
        iso = to_text(moment)
        return cls(moment, iso, f"{iso[:10]} {iso[11:19]} UTC", iso[11:23])


@dataclass(frozen=True)
class ExceptionView:
    """An exception: what it was, what led to it, what it holds."""

    title: str
    frame: str | None
    causes: tuple[str, ...]
    members: tuple[GroupMember, ...]
    trace: str
    is_cut: bool


@dataclass(frozen=True)
class RecordRow:
    """One record.

    Attributes:
        key: Its id in the store.
        place: Its place, for addresses.
        moment: When.
        offset: Its place in the recording.
        level: One of the four levels, or what stands there.
        kind: The level's class in the style sheet.
        service: Empty where unknown.
        logger: Likewise.
        line: The first line of the message, for the list.
        message: The message, where the line does not say all of it.
        is_cut: Whether the message goes on.
        exception: What was raised, or None.
        trace_id: Empty where unknown.
        recording: Link into the recording, or None.
    """

    key: str
    place: str
    moment: Moment
    offset: str
    level: str
    kind: str
    service: str
    logger: str
    line: str
    message: str
    is_cut: bool
    exception: ExceptionView | None
    trace_id: str
    recording: str | None


@dataclass(frozen=True)
class SessionRow:
    """One session of the list."""

    id: str
    began: Moment
    duration: str
    records: str
    errors: int
    services: tuple[str, ...]
    recording: str | None


def record_row(
    entry: LogEntry, session: Session, settings: Settings, *, longest: int | None = LONGEST_IN_LIST
) -> RecordRow:
    """A record for the list, or with ``longest=None`` for its own page."""
    # One more than is shown tells whether there is more. What is not shown costs nothing: see harmless().
    message = harmless(entry.message, None if longest is None else longest + 1)
    first = message.partition("\n")[0]
    is_whole = first == message and len(first) <= _LONGEST_LINE
    is_cut = longest is not None and len(message) > longest
    level = one_line(entry.level, _LONGEST_NAME)
    return RecordRow(
        key=entry.document_id,
        place=place_text(entry.position),
        moment=Moment.of(entry.timestamp),
        offset=offset_text(entry.offset),
        level=level,
        kind=level if level in _LEVELS else "other",
        service=one_line(entry.service or "", _LONGEST_NAME),
        logger=one_line(entry.logger or "", _LONGEST_NAME),
        line=first if len(first) <= _LONGEST_LINE else first[:_LONGEST_LINE] + "…",
        message="" if is_whole else message[:longest],
        is_cut=is_cut,
        exception=None if entry.exception is None else _exception(entry.exception, longest),
        trace_id=one_line(entry.trace_id or "", _LONGEST_NAME),
        recording=recording_link(session, settings, entry.timestamp),
    )


def session_row(summary: SessionSummary, session: Session, settings: Settings) -> SessionRow:
    """A session for the list."""
    return SessionRow(
        id=summary.session_id,
        began=Moment.of(summary.started_at),
        duration=duration_text(summary.last - summary.first),
        records=f"{summary.records:,}",
        errors=summary.errors,
        services=shown_services(summary.services),
        recording=recording_link(session, settings, None),
    )


def recording_link(session: Session, settings: Settings, at: datetime | None) -> str | None:
    """Link into the recording: by the settings alone, since a stored link is what somebody wrote there."""
    if settings.app_url is None or settings.project_id is None:
        return None
    if at is not None:
        at -= timedelta(seconds=settings.replay_lead)
    return session.replay_url(settings.app_url, settings.project_id, at)


def duration_text(duration: timedelta) -> str:
    """How long something took, in its two largest units: ``3 min 12 s``."""
    seconds = duration.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days:,} d {hours} h"


def shown_services(names: Iterable[str]) -> tuple[str, ...]:
    """Names of services, cut; of very many the first ones."""
    return tuple(one_line(name, _LONGEST_NAME) for name in islice(names, _MOST_SERVICES))


def service_choices(names: Iterable[str], chosen: str) -> tuple[tuple[str, str], ...]:
    """Services to choose from, as an address names them and as they are shown.

    Args:
        names: The services that are known; of very many the first ones are offered.
        chosen: The one that was chosen, which is offered in any case; empty for none.
    """
    # No longer ones: an address is cut there when it is read.
    found = list(islice((name for name in names if 0 < len(name) <= LONGEST_TEXT), _MOST_CHOICES))
    if chosen and chosen not in found:
        found.append(chosen)
    return tuple((name, one_line(name, _LONGEST_NAME)) for name in found)


def _exception(exception: ExceptionInfo, longest: int | None) -> ExceptionView:
    trace = (exception.stack_trace or "").rstrip("\n")
    read = trace if longest is None else trace[-longest * _READ_FOR_SHOWN :]
    summary = trace_summary(read)
    names = [harmless(part, longest) for part in (exception.type, exception.message) if part]
    shown, is_cut = _end(trace, longest)
    return ExceptionView(
        title=(": ".join(names) or "exception")[:longest],
        frame=None if summary.frame is None else one_line(summary.frame, _LONGEST_LINE),
        causes=tuple(one_line(cause, _LONGEST_LINE) for cause in summary.causes[:_MOST_CAUSES]),
        members=tuple(
            member._replace(text=one_line(member.text, _LONGEST_LINE))
            for member in group_members(read)
        ),
        trace=shown,
        is_cut=is_cut,
    )


def _end(trace: str, longest: int | None) -> tuple[str, bool]:
    """The end of a stack trace, from the beginning of a line on; whether that is not all of it."""
    if longest is None:
        return harmless(trace), False
    shown = harmless_end(trace, longest + 1)
    if len(shown) <= longest:
        return shown, False
    return shown.partition("\n")[2] or shown[1:], True
