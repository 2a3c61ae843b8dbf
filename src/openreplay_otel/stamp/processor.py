"""The log record processor: stamps each record with the session it belongs to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord

from ..context import session_id_of
from ..context.exception_memory import mark_logged, mark_told, session_id_of_exception
from ..context.session_context import Life, NotedSession, life_of
from ..message_tag import message_prefix, tagged
from ..names import (
    ATTRIBUTE_DOCUMENT_ID,
    ATTRIBUTE_SESSION_ID,
    ATTRIBUTE_SESSION_ID_SEMCONV,
    ATTRIBUTE_TAGS,
    TAG_ERROR,
)
from ..settings import Settings
from ..signals import is_from_signal
from .document_id import DocumentIdGenerator
from .repeated_exceptions import told_error

if TYPE_CHECKING:
    from opentelemetry.context import Context

_logger = logging.getLogger(__name__)

ERROR_SEVERITY: Final = 17

_Found = tuple["Context | None", "str | None", str, "Life | None"]
"""A context, its session, what stands before its messages, and how long all this holds."""


class OpenReplayLogRecordProcessor(LogRecordProcessor):
    """Gives each record of a session the tag in its text, the session attributes and the error tag.

    It has to come before every exporting processor. :func:`openreplay_otel.configure` puts it there, and so does
    :func:`openreplay_otel.add_first` for a provider of your own. A record without a session gets nothing, but a
    forged tag in its text is made harmless.

    Args:
        settings: Tags and whether to write them; read from the environment where None.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        settings = Settings.load() if settings is None else settings
        self._tags = settings.tags
        self._stamps_message = settings.stamp_message
        self._next_id = DocumentIdGenerator().next_id
        # The records of a request share one context, and looking the session up is a third of the work.
        self._last: _Found = (None, None, "", None)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:  # noqa: C901 - see below
        """Stamp one record, in the thread that emits it; never raises."""
        # One function: this runs in every logging call of the app, where a call more costs as much
        # as an attribute.
        try:
            record: Any = log_record.log_record
            last = self._last
            if (
                last[0] is not record.context
                or last[0] is None
                or (last[3] is not None and last[3].until is not None)
            ):
                last = self._look_up(record.context)
            _, session_id, prefix, _ = last
            attributes = _writable(record)
            if session_id is None and ATTRIBUTE_SESSION_ID in attributes:
                session_id, prefix = self._noted(attributes.pop(ATTRIBUTE_SESSION_ID))
            if record.exception is not None or record.event_name is not None:
                session_id, prefix = self._look_into(log_record, session_id, prefix)
            body = record.body
            if type(body) is str and body.isascii() and "session" not in body.lower():
                # What tagged() would find, without the call: nothing that looks like a tag.
                if prefix:
                    record.body = body = prefix + body
            elif isinstance(body, str):
                record.body = tagged(body, session_id, prefix)
            if session_id is None:
                return
            attributes[ATTRIBUTE_SESSION_ID] = session_id
            if ATTRIBUTE_SESSION_ID_SEMCONV not in attributes:
                attributes[ATTRIBUTE_SESSION_ID_SEMCONV] = session_id
            document_id = self._next_id(record.observed_timestamp)
            attributes[ATTRIBUTE_DOCUMENT_ID] = document_id
            severity = record.severity_number
            if (
                # Not .value, a descriptor written in Python: it takes as long as all of this condition.
                (severity is not None and severity._value_ >= ERROR_SEVERITY)
                or "exception.type" in attributes
                or "exception.message" in attributes
                or "exception.stacktrace" in attributes
            ):
                attributes[ATTRIBUTE_TAGS] = with_error_tag(attributes.get(ATTRIBUTE_TAGS))
        except Exception as error:
            # It would come out of the app's logging call. What the app's own signal handler raises has to.
            if is_from_signal(error):
                raise
            _logger.debug("stamping a record failed: %s", type(error).__name__)

    def _look_up(self, context: Context | None) -> _Found:
        session_id = session_id_of(context)
        # One attribute, so that another thread never sees a context with the session of another one.
        self._last = (context, session_id, self._prefix_of(session_id), life_of(context))
        return self._last

    def _prefix_of(self, session_id: str | None) -> str:
        if session_id is None or not self._stamps_message:
            return ""
        return message_prefix(session_id, self._tags)

    def _noted(self, value: object) -> tuple[str | None, str]:
        """The session of an attribute, where it is not the app's: that one may be a client's claim."""
        session_id = str(value) if type(value) is NotedSession else None
        return session_id, self._prefix_of(session_id)

    def _look_into(
        self, log_record: Any, session_id: str | None, prefix: str
    ) -> tuple[str | None, str]:
        """The session of a record's exception, where its context has none; it has a record now."""
        error = told_error(log_record)
        if error is not None:
            mark_told(error)
        else:
            error = log_record.log_record.exception
            if error is not None:
                mark_logged(error)
        if session_id is None:
            session_id = session_id_of_exception(error)
            prefix = self._prefix_of(session_id)
        return session_id, prefix

    def enabled(self, **_: object) -> bool:
        """False: it exports nothing, and so is no reason to make a record."""
        return False

    def shutdown(self) -> None:
        """Nothing to end."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here."""
        return True


def with_error_tag(tags: object) -> tuple[str, ...]:
    """The app's own tags and ``error`` among them, once.

    Args:
        tags: The attribute ``tags`` as the app set it: a sequence, one text, or None.
    """
    if tags is None:
        return (TAG_ERROR,)
    own = cast("tuple[object, ...]", tags) if isinstance(tags, (list, tuple)) else (tags,)
    texts = tuple(str(tag) for tag in own if tag is not None)
    return texts if TAG_ERROR in texts else (*texts, TAG_ERROR)


def _writable(record: Any) -> dict[str, Any]:
    """The dict to write attributes into.

    The SDK's ``BoundedAttributes`` cleans each value and takes a lock for each: 0.9 µs an attribute, a
    third of a whole emit for all of ours, which are clean strings. Writing to its dict avoids that, and
    the limit on the number of attributes then drops none of the app's to make room for the stamp.
    """
    attributes = record.attributes
    if type(attributes) is BoundedAttributes:
        try:
            return cast("Any", attributes)._dict  # noqa: SLF001 - see above; the way below goes without
        except AttributeError:
            pass
    if not isinstance(attributes, dict):
        attributes = record.attributes = dict(attributes or {})
    return cast("dict[str, Any]", attributes)
