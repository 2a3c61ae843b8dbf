"""Elasticsearch read by the app's own asynchronous client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .connection import AsyncConnection
from .reader import Reader, day_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ..base import Bin, Hit, LogQuery, SessionFigures, SessionOverview, SessionQuery
    from .targets import AsyncElasticsearchClient


class AsyncElasticsearchStore:
    """Documents in Elasticsearch 8 or 9, to be read. Implements :class:`~openreplay_otel.stores.base.AsyncStore`.

    Args:
        client: An ``AsyncElasticsearch``; it is never closed here.
        index_prefix: Prefix of the session indexes.

    Raises:
        SettingsError: The client is of a version that is not known here.
    """

    def __init__(self, client: AsyncElasticsearchClient, *, index_prefix: str) -> None:
        connection = AsyncConnection(client)
        self.name = connection.name
        self._reader = Reader(connection, index_prefix)

    def search(self, query: LogQuery) -> AsyncGenerator[list[Hit]]:
        """Find a session's documents in pages, in time order."""
        return self._reader.search(query, day_of(query.session_id))

    def sessions(self, query: SessionQuery) -> AsyncGenerator[list[SessionFigures]]:
        """Find sessions in pages, the newest first."""
        return self._reader.sessions(query)

    async def overview(self, session_id: str) -> SessionOverview | None:
        """Count a session's records; None where there are none."""
        return await self._reader.overview(session_id, day_of(session_id))

    async def histogram(self, query: LogQuery, *, bins: int) -> Sequence[Bin]:
        """Count records by time, to the millisecond."""
        return await self._reader.histogram(query, day_of(query.session_id), bins=bins)

    async def services(self) -> Sequence[str]:
        """Names of the services that logged records of sessions, sorted."""
        return await self._reader.services()

    async def close(self) -> None:
        """Nothing: the connections are the client's."""

    def __repr__(self) -> str:
        """Show the hosts, never the credentials."""
        return f"AsyncElasticsearchStore({self.name!r})"
