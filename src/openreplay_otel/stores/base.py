"""What every store can do, and the values that pass between a store and the rooms above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence
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
        is_busy: Whether nothing was taken, and the store alone is to blame: it is busy, or a part of it is away.
    """

    accepted: int = 0
    known: int = 0
    retry: Sequence[Document] = ()
    refused: Sequence[RefusedDocument] = ()
    hindrance: str | None = None
    is_busy: bool = False


MAX_FROM_END: Final = 1000
"""The most records that can be asked for from the end of a session."""


class Position(NamedTuple):
    """A record's place among those of its session.

    Attributes:
        timestamp: Its ``@timestamp``, as it is stored.
        id: Its ``_id``.
    """

    timestamp: str
    id: str


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
        service: Only records of this service.
        trace_id: Only records of this trace.
        document_id: Only the record with this ``_id``.
        after: Only records behind this place, in the order of time.
        before: Only records before this place.
        from_end: Whether the limit counts from the end: the last so many, still in the order of time. Needs
            a limit of at most :data:`MAX_FROM_END`.
    """

    session_id: str
    errors_only: bool = False
    levels: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    phrases: tuple[str, ...] = ()
    limit: int | None = None
    service: str | None = None
    trace_id: str | None = None
    document_id: str | None = None
    after: Position | None = None
    before: Position | None = None
    from_end: bool = False

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves out records of the session, its limit aside."""
        return bool(
            self.errors_only or self.levels or self.since or self.until or self.phrases
            or self.service or self.trace_id or self.document_id or self.after or self.before
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions are wanted: those with a record in the time asked for.

    Their figures count all of their records in that time. Service, levels and phrases choose sessions: each
    has one record, at least, that fits all of them.

    Attributes:
        errors_only: Only sessions with an error in that time.
        since: Aware; at or after it.
        until: Aware; before it.
        service: Only sessions with a record of this service.
        levels: Only sessions with a record of one of these levels.
        phrases: Only sessions with a record that holds all of these, as in :class:`LogQuery`.
        before_id: Only sessions that stand behind this one in the order in which they are listed.
        limit: At most so many.
    """

    errors_only: bool = False
    since: datetime | None = None
    until: datetime | None = None
    service: str | None = None
    levels: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    before_id: str | None = None
    limit: int | None = None


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


class Share(NamedTuple):
    """How many of a session's records are of one service and one level; no service: an empty text."""

    service: str
    level: str
    records: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOverview:
    """All that a store can count of one session.

    Attributes:
        first: Time of its first record.
        last: Time of its last record.
        shares: Its records by service and level.
    """

    first: datetime
    last: datetime
    shares: tuple[Share, ...]

    @property
    def records(self) -> int:
        """How many records."""
        return sum(share.records for share in self.shares)

    @property
    def errors(self) -> int:
        """How many of them are errors or hold an exception."""
        return sum(share.errors for share in self.shares)


class Bin(NamedTuple):
    """What was logged in one of the equal parts of a time.

    Attributes:
        number: Which part, from 0 on.
        records: How many records.
        errors: How many of them are errors or hold an exception.
    """

    number: int
    records: int
    errors: int


class Store(Protocol):
    """A place where documents are kept and found. Safe to use from several threads and after a fork.

    Every method raises :class:`~openreplay_otel.errors.StoreError` and nothing else.
    """

    @property
    def name(self) -> str:
        """Where it is, for people: never holds credentials."""
        ...

    def load(self) -> None:
        """Import all that any other method needs; nothing is sent, and no file is made.

        A thread that imports while the process forks leaves the child modules that are never finished.
        """
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

    def overview(self, session_id: str) -> SessionOverview | None:
        """Count a session's records; None where there are none."""
        ...

    def histogram(self, query: LogQuery, *, bins: int) -> Sequence[Bin]:
        """Count records by time; parts in which there are none are left out.

        Args:
            query: Which records; ``since`` and ``until`` have to be given, places and limit do not count.
            bins: Into how many equal parts the time is divided.
        """
        ...

    def services(self) -> Sequence[str]:
        """Names of the services that logged records of sessions, sorted; of very many only some."""
        ...

    def make_visible(self) -> None:
        """Let what was written so far be found by the next search, where the store would take its time."""
        ...

    def close(self) -> None:
        """Let go of connections and files; the store opens them again when it is used again."""
        ...


class AsyncStore(Protocol):
    """What a lookup in an event loop asks of a store.

    Every method raises :class:`~openreplay_otel.errors.StoreError` and nothing else.
    """

    @property
    def name(self) -> str:
        """As :attr:`Store.name`."""
        ...

    def search(self, query: LogQuery) -> AsyncGenerator[list[Hit]]:
        """As :meth:`Store.search`."""
        ...

    def sessions(self, query: SessionQuery) -> AsyncGenerator[list[SessionFigures]]:
        """As :meth:`Store.sessions`."""
        ...

    async def overview(self, session_id: str) -> SessionOverview | None:
        """As :meth:`Store.overview`."""
        ...

    async def histogram(self, query: LogQuery, *, bins: int) -> Sequence[Bin]:
        """As :meth:`Store.histogram`."""
        ...

    async def services(self) -> Sequence[str]:
        """As :meth:`Store.services`."""
        ...

    async def close(self) -> None:
        """As :meth:`Store.close`."""
        ...
