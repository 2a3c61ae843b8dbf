"""Looks up the logs of a session, and the sessions that have logs; the same for every store."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from ..session import Session
from ..settings import Settings
from ..stores.opening import opened, opened_async
from .entries import EntryReader, LogEntry, SessionSummary, session_summary
from .queries import log_query, session_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from datetime import datetime, timedelta

    from typing_extensions import Unpack

    from ..settings import SettingsArguments
    from ..stores import Store
    from ..stores.base import AsyncStore, Bin, LogQuery, Position, SessionOverview, SessionQuery
    from ..stores.elasticsearch.targets import AsyncElasticsearchClient, ElasticsearchClient


class SessionLogs:
    """Looks up sessions and their logs.

    A store of which only a part can be read raises ``StoreUnavailableError``, which names the rest.

    Attributes:
        store: The store that is read.
        settings: The settings in force.

    Args:
        store: A store, its URL, or an ``elasticsearch.Elasticsearch`` (see :func:`open_store`); None: the
            one of the settings.
        settings: App url and project id for links, and what the store needs; None: those of the
            environment.
        **arguments: Single settings, such as ``app_url``, ``project_id`` or ``api_key``.

    Raises:
        SettingsError: The URL, the client or an argument cannot be used.
    """

    def __init__(
        self,
        store: Store | ElasticsearchClient | str | None = None,
        *,
        settings: Settings | None = None,
        **arguments: Unpack[SettingsArguments],
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
        """The records of a session in time order; records of the same time in the order of emission.

        Args:
            session: A session, or a text of one: decimal id, token, replay link.
            errors_only: Only errors and records with an exception.
            level: Only records of at least this level: debug, info, warning, error.
            since: Records at or after it: an aware moment, or the time since the session began.
            until: Records before it: likewise.
            text: Words that all occur in message or exception, as whole words in any case; words in
                double quotes in this order.
            limit: At most this many, the first ones.
            service: Only records of this service.
            trace_id: Only records of this trace.
            document_id: Only the record with this id in the store.
            after: Only records after this place (``LogEntry.position``).
            before: Only records before this place.
            from_end: Return the last records instead of the first; ``limit`` is then at most 1,000.

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
            service=service,
            trace_id=trace_id,
            document_id=document_id,
            after=after,
            before=before,
            from_end=from_end,
        )
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
        """The sessions with a record in a period, the newest first.

        Args:
            errors_only: Only sessions with an error in that period.
            since: Records at or after it (aware).
            until: Records before it (aware).
            service: Only sessions with a record of this service.
            level: Only sessions with a record of at least this level.
            text: Only sessions with a record that holds all these words, as in :meth:`logs`. With service and
                level, one record has to fit them all; the error may be another one.
            before_id: Only sessions after this one in the list.
            limit: At most this many.

        Raises:
            SettingsError: A filter cannot be used.
            StoreError: The store cannot be read; raised while iterating.
        """
        query = session_query(
            errors_only=errors_only,
            since=since,
            until=until,
            service=service,
            level=level,
            text=text,
            before_id=before_id,
            limit=limit,
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
        """Count a session's records and errors in equal parts of a period; empty parts are left out.

        Args:
            session: As for :meth:`logs`.
            since: Start of the period (aware).
            until: Its end (aware), later than the start.
            bins: Number of parts.

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
    """The same for asyncio; ``logs`` and ``sessions`` give asynchronous iterators, the others are awaited.

    Takes what :class:`SessionLogs` takes, and fetches each page in a thread, so that the loop goes on
    meanwhile. It also takes an ``elasticsearch.AsyncElasticsearch``, which is awaited without a thread; use
    it in the event loop of that client.

    Attributes:
        store: Where they are looked for.
        settings: The settings in force.
    """

    def __init__(
        self,
        store: AsyncStore
        | Store
        | AsyncElasticsearchClient
        | ElasticsearchClient
        | str
        | None = None,
        *,
        settings: Settings | None = None,
        **arguments: Unpack[SettingsArguments],
    ) -> None:
        self.settings: Final = Settings.load(**arguments) if settings is None else settings
        self.store, self._owns_store = opened_async(store, self.settings)

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
    ) -> AsyncIterator[LogEntry]:
        """As :meth:`SessionLogs.logs`."""
        query = log_query(
            session,
            errors_only=errors_only,
            level=level,
            since=since,
            until=until,
            text=text,
            limit=limit,
            service=service,
            trace_id=trace_id,
            document_id=document_id,
            after=after,
            before=before,
            from_end=from_end,
        )
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
    ) -> AsyncIterator[SessionSummary]:
        """As :meth:`SessionLogs.sessions`."""
        query = session_query(
            errors_only=errors_only,
            since=since,
            until=until,
            service=service,
            level=level,
            text=text,
            before_id=before_id,
            limit=limit,
        )
        return self._summaries(query)

    async def overview(self, session: Session | str) -> SessionOverview | None:
        """As :meth:`SessionLogs.overview`."""
        wanted = session if isinstance(session, Session) else Session.parse(session)
        return await self.store.overview(wanted.id)

    async def histogram(
        self, session: Session | str, *, since: datetime, until: datetime, bins: int
    ) -> Sequence[Bin]:
        """As :meth:`SessionLogs.histogram`."""
        query = log_query(session, since=since, until=until)
        return await self.store.histogram(query, bins=bins)

    async def services(self) -> Sequence[str]:
        """As :meth:`SessionLogs.services`."""
        return await self.store.services()

    async def close(self) -> None:
        """Close the store, if it was opened here."""
        if self._owns_store:
            await self.store.close()

    async def __aenter__(self) -> AsyncSessionLogs:
        """Use it in an async with statement."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the store, if it was opened here."""
        await self.close()

    async def _entries(self, query: LogQuery) -> AsyncIterator[LogEntry]:
        reader = EntryReader(Session(query.session_id), self.settings)
        async with aclosing(self.store.search(query)) as pages:
            async for page in pages:
                for hit in page:
                    yield reader.read(hit)

    async def _summaries(self, query: SessionQuery) -> AsyncIterator[SessionSummary]:
        async with aclosing(self.store.sessions(query)) as pages:
            async for page in pages:
                for figures in page:
                    yield session_summary(figures, self.settings)
