"""Any store read from an event loop: each page is fetched in a thread, so that the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from .base import Bin, Hit, LogQuery, SessionFigures, SessionOverview, SessionQuery, Store

_T = TypeVar("_T")


class ThreadedStore:
    """A store with the methods of an :class:`~openreplay_otel.stores.base.AsyncStore`.

    Args:
        store: The store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def name(self) -> str:
        """The store's name."""
        return self._store.name

    def search(self, query: LogQuery) -> AsyncGenerator[list[Hit]]:
        """Find a session's documents in pages, in time order."""
        return _in_threads(self._store.search(query))

    def sessions(self, query: SessionQuery) -> AsyncGenerator[list[SessionFigures]]:
        """Find sessions in pages, the newest first."""
        return _in_threads(self._store.sessions(query))

    async def overview(self, session_id: str) -> SessionOverview | None:
        """Count a session's records; None where there are none."""
        return await asyncio.to_thread(self._store.overview, session_id)

    async def histogram(self, query: LogQuery, *, bins: int) -> Sequence[Bin]:
        """Count records by time."""
        return await asyncio.to_thread(self._store.histogram, query, bins=bins)

    async def services(self) -> Sequence[str]:
        """Names of the services that logged records of sessions, sorted."""
        return await asyncio.to_thread(self._store.services)

    async def close(self) -> None:
        """Close the store."""
        await asyncio.to_thread(self._store.close)


async def _in_threads(pages: Iterator[_T]) -> AsyncGenerator[_T]:
    while (page := await asyncio.to_thread(next, pages, None)) is not None:
        yield page
