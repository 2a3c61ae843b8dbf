"""The Elasticsearch store: writes ready bytes, reads in time order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import StoreError
from ...names import SESSIONLESS_DATA_STREAM
from ..base import WriteResult
from ..bulk_lines import bulk_body, count_of, documents_of
from . import preparation, schema
from .bulk import BULK_PATH, bulk_result, checked, has_errors
from .connection import Waiting
from .reader import Reader, day_of
from .without_waiting import each, result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..base import (
        Bin,
        Document,
        Hit,
        LogQuery,
        SessionFigures,
        SessionOverview,
        SessionQuery,
    )
    from .connection import Connection


class ElasticsearchStore:
    """Documents in Elasticsearch 8 or 9. Implements :class:`~openreplay_otel.stores.base.Store`.

    Args:
        connection: The cluster.
        index_prefix: Prefix of the session indexes.
    """

    def __init__(self, connection: Connection, *, index_prefix: str) -> None:
        self.connection = connection
        self._prefix = index_prefix
        self._reader = Reader(Waiting(connection), index_prefix)

    @property
    def name(self) -> str:
        """The hosts, without credentials."""
        return self.connection.name

    def load(self) -> None:
        """Import what requests need; nothing is sent."""
        self.connection.load()

    def prepare(self) -> Sequence[str]:
        """Check the version and make missing index templates where the key allows."""
        return preparation.prepare_for_writing(self.connection, self._prefix)

    def write(self, documents: Sequence[Document], *, timeout: float | None = None) -> WriteResult:
        """Store documents by one ``_bulk`` request."""
        answer = self.connection.request("POST", BULK_PATH, bulk_body(documents), timeout=timeout)
        return bulk_result(documents, checked(answer.body, len(documents)))

    def write_lines(self, lines: bytes, *, timeout: float | None = None) -> WriteResult:
        """Store ready lines by one ``_bulk`` request; they are taken apart only where one is not stored."""
        answer = self.connection.request("POST", BULK_PATH, lines, timeout=timeout)
        count = count_of(lines)
        body = checked(answer.body, count)
        return bulk_result(documents_of(lines), body) if has_errors(body) else WriteResult(count)

    def search(self, query: LogQuery) -> Iterator[list[Hit]]:
        """Find a session's documents in pages, in time order."""
        return each(self._reader.search(query, day_of(query.session_id)))

    def sessions(self, query: SessionQuery) -> Iterator[list[SessionFigures]]:
        """Find sessions in pages, the newest first."""
        return each(self._reader.sessions(query))

    def overview(self, session_id: str) -> SessionOverview | None:
        """Count a session's records; None where there are none."""
        return result(self._reader.overview(session_id, day_of(session_id)))

    def histogram(self, query: LogQuery, *, bins: int) -> Sequence[Bin]:
        """Count records by time, to the millisecond."""
        return result(self._reader.histogram(query, day_of(query.session_id), bins=bins))

    def services(self) -> Sequence[str]:
        """Names of the services that logged records of sessions, sorted."""
        return result(self._reader.services())

    def make_visible(self) -> None:
        """Refresh the indexes where the key may; without it a search sees a record after a second."""
        target = f"{schema.session_pattern(self._prefix)},{SESSIONLESS_DATA_STREAM}"
        try:
            self.connection.request("POST", f"/{target}/_refresh?ignore_unavailable=true")
        except StoreError:
            return

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()

    def __repr__(self) -> str:
        """Show the hosts, never the credentials."""
        return f"ElasticsearchStore({self.name!r})"
