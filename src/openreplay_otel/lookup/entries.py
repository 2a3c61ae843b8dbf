"""What a lookup gives: entries and summaries, read from what a store holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta  # noqa: TC003 - typing.get_type_hints has to find them
from typing import TYPE_CHECKING, Any, cast

from ..errors import StoreLayoutError
from ..message_tag import without_prefix
from ..session import Session
from ..stores.base import Position
from ..stores.timestamps import from_text

if TYPE_CHECKING:
    from ..settings import Settings
    from ..stores.base import Hit, SessionFigures


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

    @property
    def position(self) -> Position:
        """Its place among the records of its session, to continue from there."""
        return Position(_text(self.document, "@timestamp") or "", self.document_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """What the store knows about one session in the period asked for.

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


class EntryReader:
    """Reads the stored documents of one session.

    Args:
        session: The session.
        settings: App url and project id, for links.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._started_at = session.started_at
        self._settings = settings

    def read(self, hit: Hit) -> LogEntry:
        """Read one document.

        Raises:
            StoreLayoutError: It has no time that can be read.
        """
        source = hit.source
        try:
            timestamp = from_text(str(source["@timestamp"]))
        except (KeyError, ValueError, OverflowError):
            message = f"the document {hit.id} has no readable @timestamp; it was not written by openreplay-otel"
            raise StoreLayoutError(message) from None
        return LogEntry(
            timestamp=timestamp,
            level=_text(source, "level") or "info",
            message=without_prefix(_text(source, "message") or ""),
            service=_text(source, "service.name"),
            logger=_text(source, "log.logger"),
            exception=_exception(source),
            trace_id=_text(source, "trace.id"),
            span_id=_text(source, "span.id"),
            session_id=self._session.id,
            offset=timestamp - self._started_at,
            replay_url=_text(source, "openreplay.session.url")
            or _link(self._session, self._settings, timestamp),
            document=source,
            document_id=hit.id,
        )


def _exception(source: Mapping[str, Any]) -> ExceptionInfo | None:
    error = (
        _text(source, "error.type"),
        _text(source, "error.message"),
        _text(source, "error.stack_trace"),
    )
    return None if error == (None, None, None) else ExceptionInfo(*error)


def _text(source: Mapping[str, Any], path: str) -> str | None:
    """A field by its path: documents hold it dotted or nested, which Elasticsearch takes for the same."""
    value: Any = source.get(path)
    if value is None:
        first, *rest = path.split(".")
        value = source.get(first)
        for part in rest:
            if not isinstance(value, Mapping):
                return None
            value = cast("Mapping[str, Any]", value).get(part)
    return None if value is None else str(value)


def session_summary(figures: SessionFigures, settings: Settings) -> SessionSummary:
    """Put a session's figures and its link together."""
    session = Session(figures.session_id)
    return SessionSummary(
        session_id=session.id,
        started_at=session.started_at,
        first=figures.first,
        last=figures.last,
        records=figures.records,
        errors=figures.errors,
        services=figures.services,
        replay_url=_link(session, settings, None),
    )


def _link(session: Session, settings: Settings, at: datetime | None) -> str | None:
    if settings.app_url is None or settings.project_id is None:
        return None
    return session.replay_url(settings.app_url, settings.project_id, at)
