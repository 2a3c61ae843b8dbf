"""What every store can do, and the values that pass between a store and the rooms above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime


class Document(NamedTuple):
    """One document, ready to be stored.

    Attributes:
        index: Where it belongs in Elasticsearch: an index or data stream by name.
        id: Its ``_id``; a second document of the same id is the same document.
        source: The document as JSON, UTF-8, one line.
    """

    index: str  # pyright: ignore[reportIncompatibleMethodOverride] - a name is not looked for in it
    id: str
    source: bytes


class RefusedDocument(NamedTuple):
    """A document that the store will not take, however often it is sent."""

    document: Document
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of the documents of one request.

    Attributes:
        accepted: How many were stored by it.
        known: How many had been stored before.
        retry: Those that may be taken later.
        refused: Those that it will not take.
        hindrance: Why the first of ``retry`` was not taken.
    """

    accepted: int = 0
    known: int = 0
    retry: Sequence[Document] = ()
    refused: Sequence[RefusedDocument] = ()
    hindrance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Which records of one session are wanted.

    Attributes:
        session_id: Decimal id.
        errors_only: Only errors and records with an exception.
        levels: Only these levels; empty for all.
        since: Aware; records at or after it.
        until: Aware; records before it.
        phrases: Each a word or several words in a row that stand in the message or the exception.
        limit: At most so many.
    """

    session_id: str
    errors_only: bool = False
    levels: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    phrases: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions are wanted: those with a record in the time asked for.

    Attributes:
        errors_only: Only sessions with an error in that time.
        since: Aware; at or after it.
        until: Aware; before it.
    """

    errors_only: bool = False
    since: datetime | None = None
    until: datetime | None = None


class Hit(NamedTuple):
    """A stored document and its id."""

    id: str
    source: dict[str, Any]


class SessionFigures(NamedTuple):
    """Counts of one session, over the time asked for."""

    session_id: str
    first: datetime
    last: datetime
    records: int
    errors: int
    services: tuple[str, ...]


class Store(Protocol):
    """A place where documents are kept and found. Safe to use from several threads and after a fork.

    Every method raises :class:`~openreplay_otel.errors.StoreError` and nothing else.
    """

    @property
    def name(self) -> str:
        """Where it is, for people: never holds credentials."""
        ...

    def prepare(self) -> Sequence[str]:
        """Make what the store needs where it is missing and may be made; nothing that is there changes.

        Returns:
            Sentences for a person about what is missing and how to mend it; empty when all is well.
        """
        ...

    def write(self, documents: Sequence[Document], *, timeout: float | None = None) -> WriteResult:
        """Store documents in one request; those whose id is stored already count as known.

        Args:
            documents: What to store.
            timeout: Seconds.
        """
        ...

    def write_lines(self, lines: bytes, *, timeout: float | None = None) -> WriteResult:
        """The same for documents that are lines already (see ``bulk_lines``).

        Args:
            lines: Whole lines of documents.
            timeout: Seconds.
        """
        ...

    def search(self, query: LogQuery) -> Iterator[list[Hit]]:
        """Find a session's documents in pages, in time order; of one time in the order of emission."""
        ...

    def sessions(self, query: SessionQuery) -> Iterator[list[SessionFigures]]:
        """Find sessions in pages, the newest first."""
        ...

    def make_visible(self) -> None:
        """Let what was written so far be found by the next search, where the store would take its time."""
        ...

    def close(self) -> None:
        """Let go of connections and files; the store opens them again when it is used again."""
        ...
