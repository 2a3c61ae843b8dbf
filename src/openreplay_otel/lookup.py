"""Looks up the logs of a session, and the sessions that have logs; the same for every store."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

from .errors import SettingsError, StoreLayoutError
from .session import Session
from .settings import Settings
from .stamp.message_tag import without_prefix
from .stores import Store, open_store
from .stores.base import Hit, LogQuery, SessionFigures, SessionQuery
from .stores.times import from_text

LEVELS: Final = ("debug", "info", "warning", "error")
"""Levels of a log entry, the lowest first."""

_PHRASE: Final = re.compile(r'"([^"]*)"|(\S+)')
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ExceptionInfo:
    """An exception of a log entry.

    Attributes:
        type: Name of its class, where known.
        message: Its text, where known.
        stack_trace: The traceback as text, where known.
    """

    type: str | None
    message: str | None
    stack_trace: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One record of a session.

    Attributes:
        timestamp: When it was logged (aware, UTC).
        level: ``error``, ``warning``, ``info`` or ``debug``.
        message: The text without the session tag.
        service: Name of the service, where known.
        logger: Name of the logger, where known.
        exception: The exception that came with it, or None.
        trace_id: 32 hexadecimal digits, or None.
        span_id: 16 hexadecimal digits, or None.
        session_id: Decimal id of the session.
        offset: Time since the session began, as the recording's player counts.
        replay_url: Link to this moment of the recording, where app url and project id are known.
        document: The document as it is stored.
        document_id: Its id in the store.
    """

    timestamp: datetime
    level: str
    message: str
    service: str | None
    logger: str | None
    exception: ExceptionInfo | None
    trace_id: str | None
    span_id: str | None
    session_id: str
    offset: timedelta
    replay_url: str | None
    document: Mapping[str, Any] = field(repr=False)
    document_id: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """What the store knows of one session, over the time asked for.

    Attributes:
        session_id: Decimal id.
        started_at: When the session began (aware, UTC), read from its id.
        first: Time of its first record.
        last: Time of its last record.
        records: How many records.
        errors: How many of them are errors or hold an exception.
        services: Names of the services that logged them.
        replay_url: Link to the recording, where app url and project id are known.
    """

    session_id: str
    started_at: datetime
    first: datetime
    last: datetime
    records: int
    errors: int
    services: tuple[str, ...]
    replay_url: str | None


class SessionLogs:
    """Looks up sessions and their logs.

    Args:
        store: A store, or its URL; None: the one of the settings.
        settings: App url and project id for links, and what the store needs; the environment where
            None.
        **arguments: Single settings, such as ``app_url``, ``project_id`` or ``api_key``.

    Raises:
        SettingsError: The URL, or an argument, cannot be used.
    """

    def __init__(
        self,
        store: Store | str | None = None,
        *,
        settings: Settings | None = None,
        **arguments: object,
    ) -> None:
        self._settings = Settings.load(**arguments) if settings is None else settings
        self._owns_store = store is None or isinstance(store, str)
        self.store: Store = (
            open_store(store, settings=self._settings)
            if store is None or isinstance(store, str)
            else store
        )

    def logs(
        self,
        session: Session | str,
        *,
        errors_only: bool = False,
        level: str | None = None,
        since: datetime | timedelta | None = None,
        until: datetime | timedelta | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> Iterator[LogEntry]:
        """The records of a session in time order; those of one time in the order of their emission.

        Args:
            session: A session, or a text of one: decimal id, token, replay link.
            errors_only: Only errors and records with an exception.
            level: Only this level and graver ones: debug, info, warning, error.
            since: Records at or after it: an aware moment, or the time since the session began.
            until: Records before it: likewise.
            text: Words that all stand in message or exception, whole words in any case; words in
                double quotes stand in a row.
            limit: At most so many, the first ones.

        Raises:
            InvalidSessionError: The text is no session.
            SettingsError: A filter cannot be used.
            StoreError: The store cannot be read; raised while iterating.
        """
        query = log_query(
            session,
            errors_only=errors_only,
            level=level,
            since=since,
            until=until,
            text=text,
            limit=limit,
        )
        return self._entries(query)

    def sessions(
        self,
        *,
        errors_only: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[SessionSummary]:
        """The sessions with a record in a time, the newest first.

        Args:
            errors_only: Only sessions with an error in that time.
            since: Records at or after it (aware).
            until: Records before it (aware).

        Raises:
            SettingsError: A time has no zone.
            StoreError: The store cannot be read; raised while iterating.
        """
        query = SessionQuery(
            errors_only=errors_only, since=_aware(since, "since"), until=_aware(until, "until")
        )
        return (self._summary(figures) for page in self.store.sessions(query) for figures in page)

    def close(self) -> None:
        """Close the store, if it was opened here."""
        if self._owns_store:
            self.store.close()

    def __enter__(self) -> SessionLogs:
        """Use it in a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store, if it was opened here."""
        self.close()

    def _entries(self, query: LogQuery) -> Iterator[LogEntry]:
        session = Session(query.session_id)
        for page in self.store.search(query):
            for hit in page:
                yield log_entry(hit, session, self._settings)

    def _summary(self, figures: SessionFigures) -> SessionSummary:
        session = Session(figures.session_id)
        return SessionSummary(
            session_id=session.id,
            started_at=session.started_at,
            first=figures.first,
            last=figures.last,
            records=figures.records,
            errors=figures.errors,
            services=figures.services,
            replay_url=_link(session, self._settings, None),
        )


class AsyncSessionLogs:
    """The same for asyncio: each page is fetched in a thread, so that the loop goes on meanwhile.

    Takes what :class:`SessionLogs` takes; ``logs`` and ``sessions`` give asynchronous iterators.
    """

    def __init__(
        self,
        store: Store | str | None = None,
        *,
        settings: Settings | None = None,
        **arguments: object,
    ) -> None:
        self._sync = SessionLogs(store, settings=settings, **arguments)
        self.store = self._sync.store

    def logs(
        self,
        session: Session | str,
        *,
        errors_only: bool = False,
        level: str | None = None,
        since: datetime | timedelta | None = None,
        until: datetime | timedelta | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[LogEntry]:
        """As :meth:`SessionLogs.logs`."""
        entries = self._sync.logs(
            session,
            errors_only=errors_only,
            level=level,
            since=since,
            until=until,
            text=text,
            limit=limit,
        )
        return _in_threads(entries)

    def sessions(
        self,
        *,
        errors_only: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[SessionSummary]:
        """As :meth:`SessionLogs.sessions`."""
        return _in_threads(self._sync.sessions(errors_only=errors_only, since=since, until=until))

    async def close(self) -> None:
        """Close the store, if it was opened here."""
        await asyncio.to_thread(self._sync.close)

    async def __aenter__(self) -> AsyncSessionLogs:
        """Use it in an async with statement."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the store, if it was opened here."""
        await self.close()


def log_query(
    session: Session | str,
    *,
    errors_only: bool = False,
    level: str | None = None,
    since: datetime | timedelta | None = None,
    until: datetime | timedelta | None = None,
    text: str | None = None,
    limit: int | None = None,
) -> LogQuery:
    """Check the filters of a lookup.

    Raises:
        InvalidSessionError: The text is no session.
        SettingsError: A filter cannot be used.
    """
    if not isinstance(session, Session):
        session = Session.parse(session)
    if level is not None and level not in LEVELS:
        raise SettingsError(f"level: expected one of {', '.join(LEVELS)}, got {level[:40]!r}")
    if limit is not None and limit < 0:
        raise SettingsError(f"limit: expected a number of records, got {limit}")
    return LogQuery(
        session_id=session.id,
        errors_only=errors_only,
        levels=() if level in {None, "debug"} else LEVELS[LEVELS.index(cast("str", level)) :],
        since=_moment(since, session, "since"),
        until=_moment(until, session, "until"),
        phrases=phrases_of(text or ""),
        limit=limit,
    )


def phrases_of(text: str) -> tuple[str, ...]:
    """The words of a search; what stands in double quotes is one phrase. What has no word is left out."""
    found = (match[1] if match[1] is not None else match[2] for match in _PHRASE.finditer(text))
    return tuple(phrase.strip() for phrase in found if any(c.isalnum() for c in phrase))


def log_entry(hit: Hit, session: Session, settings: Settings) -> LogEntry:
    """Read a stored document.

    Raises:
        StoreLayoutError: It has no time that can be read.
    """
    source = hit.source
    try:
        timestamp = from_text(str(source["@timestamp"]))
    except (KeyError, ValueError):
        message = f"the document {hit.id} has no readable @timestamp; it was not written by openreplay-otel"
        raise StoreLayoutError(message) from None
    error = (
        _text(source, "error.type"),
        _text(source, "error.message"),
        _text(source, "error.stack_trace"),
    )
    return LogEntry(
        timestamp=timestamp,
        level=_text(source, "level") or "info",
        message=without_prefix(_text(source, "message") or ""),
        service=_text(source, "service.name"),
        logger=_text(source, "log.logger"),
        exception=None if error == (None, None, None) else ExceptionInfo(*error),
        trace_id=_text(source, "trace.id"),
        span_id=_text(source, "span.id"),
        session_id=session.id,
        offset=timestamp - session.started_at,
        replay_url=_text(source, "openreplay.session.url") or _link(session, settings, timestamp),
        document=source,
        document_id=hit.id,
    )


def _text(source: Mapping[str, Any], path: str) -> str | None:
    """A field by its path: documents hold it dotted or nested, which Elasticsearch takes for the same."""
    value: Any = source.get(path)
    if value is None:
        value = source
        for part in path.split("."):
            value = (
                cast("Mapping[str, Any]", value).get(part) if isinstance(value, Mapping) else None
            )
    return None if value is None else str(value)


def _link(session: Session, settings: Settings, at: datetime | None) -> str | None:
    if settings.app_url is None or settings.project_id is None:
        return None
    return session.replay_url(settings.app_url, settings.project_id, at)


def _moment(value: datetime | timedelta | None, session: Session, name: str) -> datetime | None:
    return session.started_at + value if isinstance(value, timedelta) else _aware(value, name)


def _aware(value: datetime | None, name: str) -> datetime | None:
    if value is not None and value.tzinfo is None:
        message = (
            f"{name}: a time with a zone was expected, for instance datetime.now(timezone.utc)"
        )
        raise SettingsError(message)
    return value


async def _in_threads(entries: Iterator[_T]) -> AsyncIterator[_T]:
    # A chunk a thread call: one call for each entry would cost more than the entries.
    while chunk := await asyncio.to_thread(_take, entries):
        for entry in chunk:
            yield entry


def _take(entries: Iterator[_T], most: int = 500) -> list[_T]:
    return [entry for _, entry in zip(range(most), entries, strict=False)]
