"""Checks what a lookup is asked, and makes a store's query of it. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ..errors import SettingsError
from ..session import Session
from ..stores.base import MAX_FROM_END, LogQuery, SessionQuery
from ..text.levels import severity_of

if TYPE_CHECKING:
    from ..stores.base import Position

LEVELS: Final = ("debug", "info", "warning", "error")
"""Levels of a log entry, the lowest first."""

_PHRASE: Final = re.compile(r'"([^"]*)"|(\S+)')


def log_query(
    session: Session | str,
    *,
    errors_only: bool = False,
    level: str | None = None,
    since: datetime | timedelta | None = None,
    until: datetime | timedelta | None = None,
    text: str | None = None,
    limit: int | None = None,
    service: str | None = None,
    trace_id: str | None = None,
    document_id: str | None = None,
    after: Position | None = None,
    before: Position | None = None,
    from_end: bool = False,
) -> LogQuery:
    """Check the filters of a lookup, which ``SessionLogs.logs`` describes.

    Raises:
        InvalidSessionError: The text is no session.
        SettingsError: A filter cannot be used.
    """
    if from_end and not 0 < (limit or 0) <= MAX_FROM_END:
        raise SettingsError(f"limit: from the end 1 to {MAX_FROM_END} records, got {limit}")
    if not isinstance(session, Session):
        session = Session.parse(session)
    return LogQuery(
        session_id=session.id,
        errors_only=errors_only,
        levels=_levels(level),
        since=_moment(since, session, "since"),
        until=_moment(until, session, "until"),
        phrases=phrases_of(text or ""),
        limit=_limit(limit),
        service=service,
        trace_id=trace_id,
        document_id=document_id,
        after=after,
        before=before,
        from_end=from_end,
    )


def session_query(
    *,
    errors_only: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    service: str | None = None,
    level: str | None = None,
    text: str | None = None,
    before_id: str | None = None,
    limit: int | None = None,
) -> SessionQuery:
    """Check the filters of a list, which ``SessionLogs.sessions`` describes.

    Raises:
        SettingsError: A filter cannot be used.
    """
    return SessionQuery(
        errors_only=errors_only,
        since=_aware(since, "since"),
        until=_aware(until, "until"),
        service=service,
        levels=_levels(level),
        phrases=phrases_of(text or ""),
        before_id=before_id,
        limit=_limit(limit),
    )


def phrases_of(text: str) -> tuple[str, ...]:
    """The words of a search; what stands in double quotes is one phrase. What has no word is left out."""
    # A lone surrogate (a byte of a command line that is no UTF-8) and NUL are in no stored text.
    text = text.replace("\0", " ").encode("utf-8", "replace").decode()
    found = (match[1] if match[1] is not None else match[2] for match in _PHRASE.finditer(text))
    return tuple(phrase.strip() for phrase in found if any(c.isalnum() for c in phrase))


def level_of(name: str) -> str:
    """The level of an entry that somebody means: ``warning`` for ``WARN``, ``error`` for ``CRITICAL``.

    Raises:
        SettingsError: No logging library has a level of that name.
    """
    severity = severity_of(name)
    if not severity:
        raise SettingsError(f"level: expected one of {', '.join(LEVELS)}, got {name[:40]!r}")
    # OpenTelemetry has four numbers for each of trace, debug, info, warn, error and fatal.
    return LEVELS[min(max((severity - 1) // 4 - 1, 0), 3)]


def _levels(lowest: str | None) -> tuple[str, ...]:
    """A level and all that are more severe; none for all of them."""
    level = LEVELS[0] if lowest is None else level_of(lowest)
    return () if level == LEVELS[0] else LEVELS[LEVELS.index(level) :]


def _limit(limit: int | None) -> int | None:
    if limit is not None and limit < 0:
        raise SettingsError(f"limit: expected a number of records, got {limit}")
    return limit


def _moment(value: datetime | timedelta | None, session: Session, name: str) -> datetime | None:
    if not isinstance(value, timedelta):
        return _aware(value, name)
    try:
        return session.started_at + value
    except OverflowError:
        raise SettingsError(f"{name}: {value} after the session's start is no date") from None


def _aware(value: datetime | None, name: str) -> datetime | None:
    if value is not None and value.tzinfo is None:
        message = (
            f"{name}: a time with a zone was expected, for instance datetime.now(timezone.utc)"
        )
        raise SettingsError(message)
    return value
