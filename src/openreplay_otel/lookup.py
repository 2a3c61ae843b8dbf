"""Looks up the logs of a session, and the sessions that have logs; the same for every store."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar, cast

from .entries import EntryReader, LogEntry, SessionSummary, session_summary
from .errors import SettingsError
from .session import Session
from .settings import Settings
from .stores.base import MAX_FROM_END, LogQuery, SessionQuery
from .stores.opening import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from .stores import Store
    from .stores.base import Bin, Position, SessionOverview

LEVELS: Final = ("debug", "info", "warning", "error")
"""Levels of a log entry, the lowest first."""

_PHRASE: Final = re.compile(r'"([^"]*)"|(\S+)')
_T = TypeVar("_T")


class SessionLogs:
    """Looks up sessions and their logs.

    Attributes:
        store: Where they are looked for.
        settings: The settings in force.

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
        self.settings: Final = Settings.load(**arguments) if settings is None else settings
        self.store, self._owns_store = opened(store, self.settings)

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
        service: str | None = None,
        trace_id: str | None = None,
        document_id: str | None = None,
        after: Position | None = None,
        before: Position | None = None,
        from_end: bool = False,
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
            service: Only records of this service.
            trace_id: Only records of this trace.
            document_id: Only the record with this id in the store.
            after: Only records behind this place (``LogEntry.position``).
            before: Only records before this place.
            from_end: Whether the limit, at most 1,000, counts from the end: the last ones.

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
        query = replace(
            query,
            service=service,
            trace_id=trace_id,
            document_id=document_id,
            after=after,
            before=before,
            from_end=from_end,
        )
        if from_end and not 0 <= (limit or -1) <= MAX_FROM_END:
            raise SettingsError(f"limit: from the end 1 to {MAX_FROM_END} records, got {limit}")
        return self._entries(query)

    def sessions(
        self,
        *,
        errors_only: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        service: str | None = None,
        level: str | None = None,
        text: str | None = None,
        before_id: str | None = None,
        limit: int | None = None,
    ) -> Iterator[SessionSummary]:
        """The sessions with a record in a time, the newest first.

        Args:
            errors_only: Only sessions with an error in that time.
            since: Records at or after it (aware).
            until: Records before it (aware).
            service: Only sessions with a record of this service.
            level: Only sessions with a record of this level or a graver one.
            text: Only sessions with a record that holds all these words, as in :meth:`logs`. With service and
                level, one record has to fit them all; the error may be another one.
            before_id: Only sessions behind this one in the list.
            limit: At most so many.

        Raises:
            SettingsError: A filter cannot be used.
            StoreError: The store cannot be read; raised while iterating.
        """
        query = SessionQuery(
            errors_only=errors_only,
            since=_aware(since, "since"),
            until=_aware(until, "until"),
            service=service,
            levels=_levels(level),
            phrases=phrases_of(text or ""),
            before_id=before_id,
            limit=_limit(limit),
        )
        pages = self.store.sessions(query)
        return (session_summary(figures, self.settings) for page in pages for figures in page)

    def overview(self, session: Session | str) -> SessionOverview | None:
        """Count a session's records by service and level; None where there are none.

        Args:
            session: As for :meth:`logs`.

        Raises:
            InvalidSessionError: The text is no session.
            StoreError: The store cannot be read.
        """
        wanted = session if isinstance(session, Session) else Session.parse(session)
        return self.store.overview(wanted.id)

    def histogram(
        self, session: Session | str, *, since: datetime, until: datetime, bins: int
    ) -> Sequence[Bin]:
        """Count a session's records and errors in equal parts of a time; empty parts are left out.

        Args:
            session: As for :meth:`logs`.
            since: The time's begin (aware).
            until: Its end (aware), later than the begin.
            bins: Into how many parts it is divided.

        Raises:
            InvalidSessionError: The text is no session.
            SettingsError: A time has no zone.
            StoreError: The store cannot be read.
        """
        return self.store.histogram(log_query(session, since=since, until=until), bins=bins)

    def services(self) -> Sequence[str]:
        """Names of the services that logged records of sessions, sorted; of very many only some.

        Raises:
            StoreError: The store cannot be read.
        """
        return self.store.services()

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
        reader = EntryReader(Session(query.session_id), self.settings)
        for page in self.store.search(query):
            for hit in page:
                yield reader.read(hit)


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
        service: str | None = None,
        trace_id: str | None = None,
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
            service=service,
            trace_id=trace_id,
        )
        return _in_threads(entries)

    def sessions(
        self,
        *,
        errors_only: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        service: str | None = None,
        level: str | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[SessionSummary]:
        """As :meth:`SessionLogs.sessions`."""
        found = self._sync.sessions(
            errors_only=errors_only,
            since=since,
            until=until,
            service=service,
            level=level,
            text=text,
            limit=limit,
        )
        return _in_threads(found)

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
    return LogQuery(
        session_id=session.id,
        errors_only=errors_only,
        levels=_levels(level),
        since=_moment(since, session, "since"),
        until=_moment(until, session, "until"),
        phrases=phrases_of(text or ""),
        limit=_limit(limit),
    )


def phrases_of(text: str) -> tuple[str, ...]:
    """The words of a search; what stands in double quotes is one phrase. What has no word is left out."""
    # A lone surrogate (a byte of a command line that is no UTF-8) and NUL are in no stored text.
    text = text.replace("\0", " ").encode("utf-8", "replace").decode()
    found = (match[1] if match[1] is not None else match[2] for match in _PHRASE.finditer(text))
    return tuple(phrase.strip() for phrase in found if any(c.isalnum() for c in phrase))


def _levels(lowest: str | None) -> tuple[str, ...]:
    """A level and the graver ones; none for all of them."""
    if lowest is not None and lowest not in LEVELS:
        raise SettingsError(f"level: expected one of {', '.join(LEVELS)}, got {lowest[:40]!r}")
    return () if lowest in {None, "debug"} else LEVELS[LEVELS.index(cast("str", lowest)) :]


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


async def _in_threads(entries: Iterator[_T]) -> AsyncIterator[_T]:
    # A chunk a thread call: one call for each entry would cost more than the entries.
    while chunk := await asyncio.to_thread(_take, entries):
        for entry in chunk:
            yield entry


def _take(entries: Iterator[_T], most: int = 500) -> list[_T]:
    return [entry for _, entry in zip(range(most), entries, strict=False)]
