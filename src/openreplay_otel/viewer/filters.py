"""Reads what an address asks for, and writes addresses. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from ..errors import SettingsError
from ..lookup.queries import level_of
from ..stores.base import Position
from ..stores.timestamps import from_text
from ..text.times import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..session import Session

LONGEST_TEXT: Final = 300
MOST_WORDS: Final = 12
TIMES: Final = {
    "": "any time",
    "15m": "last 15 minutes",
    "1h": "last hour",
    "24h": "last 24 hours",
    "7d": "last 7 days",
    "30d": "last 30 days",
}
LEVEL_CHOICES: Final = {
    "": "any level",
    "info": "info or graver",
    "warning": "warning or graver",
    "error": "error",
}
_ZONE: Final = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)\s*$")
_CLOCK_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].*)?", re.ASCII)
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True)
class SessionsFilter:
    """What the list of sessions shows.

    Attributes:
        errors_only: Only sessions with an error.
        since: As it was given.
        until: As it was given.
        service: Only sessions that this service logged in.
        level: Only sessions with a record of this level or a graver one.
        text: Only sessions with a record that holds these words.
        before_id: Only sessions behind this one.
    """

    errors_only: bool = True
    since: str = ""
    until: str = ""
    service: str = ""
    level: str = ""
    text: str = ""
    before_id: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> SessionsFilter:
        """Read the part of an address behind its question mark.

        Raises:
            SettingsError: A value cannot be used.
        """
        before_id = query.get("before", "")
        if not (before_id == "" or (before_id.isascii() and before_id.isdigit())):
            raise SettingsError("before: expected the id of a session")
        return cls(
            errors_only=query.get("show", "errors") != "all",
            since=query.get("from", "").strip() or query.get("since", "").strip(),
            until=query.get("until", "").strip(),
            service=query.get("service", "").strip()[:LONGEST_TEXT],
            level=_level(query),
            text=_text(query),
            before_id=before_id[:20],
        )

    def moments(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """The times asked for.

        Raises:
            SettingsError: One is no time.
        """
        return _moment(self.since, "since", now), _moment(self.until, "until", now)

    @property
    def is_narrow(self) -> bool:
        """Whether more is asked for than sessions with errors."""
        return bool(self.since or self.until or self.service or self.level or self.text)

    def address(self, **changes: object) -> str:
        """The list's address, with some values changed; it then begins with the newest session."""
        values: dict[str, object] = {
            "show": "" if self.errors_only else "all", "since": self.since, "until": self.until,
            "service": self.service, "level": self.level, "text": self.text,
        }  # fmt: skip
        return _address("/", values | changes)


@dataclass(frozen=True)
class RecordsFilter:
    """What the page of a session shows.

    Attributes:
        session: Whose page it is.
        errors_only: Only errors and exceptions.
        service: Only records of this service.
        level: Only records of this level and graver ones.
        text: Only records that hold these words.
        trace_id: Only records of this trace.
        at: From so long after the session's begin on.
        after: Only records behind this place.
        before: Only the last records before this place.
        last: The last records.
        live: The last records, and those that come.
    """

    session: Session
    errors_only: bool = False
    service: str = ""
    level: str = ""
    text: str = ""
    trace_id: str = ""
    at: timedelta | None = None
    after: Position | None = None
    before: Position | None = None
    last: bool = False
    live: bool = False

    @classmethod
    def read(cls, session: Session, query: Mapping[str, str]) -> RecordsFilter:
        """Read the part of an address behind its question mark.

        Raises:
            SettingsError: A value cannot be used.
        """
        trace_id = query.get("trace", "").strip().lower()
        if trace_id and not _TRACE_ID.fullmatch(trace_id):
            raise SettingsError("trace: expected a trace's id, 32 hexadecimal digits")
        return cls(
            session=session,
            errors_only=query.get("show") == "errors",
            service=query.get("service", "").strip()[:LONGEST_TEXT],
            level=_level(query),
            text=_text(query),
            trace_id=trace_id,
            at=_offset(query.get("at", "").strip()),
            after=_place(query, "after"),
            before=_place(query, "before"),
            last=query.get("last") == "1",
            live=query.get("live") == "1",
        )

    @property
    def is_narrow(self) -> bool:
        """Whether records of the session are left out."""
        return bool(self.errors_only or self.service or self.level or self.text or self.trace_id)

    def address(self, path: str = "", **changes: object) -> str:
        """The page's address with some values changed; it then begins with the first record."""
        values: dict[str, object] = {
            "show": "errors" if self.errors_only else "", "service": self.service,
            "level": self.level, "text": self.text, "trace": self.trace_id,
        }  # fmt: skip
        return _address(f"/session/{self.session.id}{path}", values | changes)


def place_text(place: Position) -> str:
    """A place as it stands in an address."""
    return f"{place.timestamp}~{place.id}"


def offset_parameter(offset: timedelta) -> str:
    """An offset as it stands in an address, in seconds."""
    return f"+{max(0.0, offset.total_seconds()):.3f}s"


def _address(path: str, values: Mapping[str, object]) -> str:
    query = urlencode([(name, value) for name, value in values.items() if value not in {"", None}])
    return f"{path}?{query}" if query else path


def _place(query: Mapping[str, str], name: str) -> Position | None:
    text = query.get(name, "")
    if not text:
        return None
    timestamp, _, document_id = text.partition("~")
    try:
        from_text(timestamp)
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{name}: expected the place of a record, as this page's own links have it"
        ) from None
    return Position(timestamp, document_id)


def _level(query: Mapping[str, str]) -> str:
    level = query.get("level", "").strip()
    return level_of(level) if level else ""


def _text(query: Mapping[str, str]) -> str:
    text = query.get("text", "").strip()
    if len(text) > LONGEST_TEXT or len(text.split()) > MOST_WORDS:
        raise SettingsError(
            f"text: expected {MOST_WORDS} words at most, {LONGEST_TEXT} characters in all"
        )
    return text


def _offset(text: str) -> timedelta | None:
    if not text:
        return None
    # In an address typed by hand, "+" is a blank.
    found = parse_moment(
        f"+{text.lstrip('+ ')}", "at", now=datetime.now(timezone.utc), has_session=True
    )
    return found if isinstance(found, timedelta) else None


def _moment(text: str, name: str, now: datetime) -> datetime | None:
    if not text:
        return None
    if _CLOCK_TIME.fullmatch(text) and (len(text) == len("2024-01-24") or not _ZONE.search(text)):
        # The server's own zone is nobody's business here.
        text = f"{text if len(text) > len('2024-01-24') else text + 'T00:00'}Z"
    found = parse_moment(text, name, now=now)
    return found if isinstance(found, datetime) else None
