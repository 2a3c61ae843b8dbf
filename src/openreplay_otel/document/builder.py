"""Turns a log record into the document that OpenReplay, Kibana and our lookup read. Pure.

What stands in which field, and why: ``docs/document.md``. This runs for every record of the app, in the log call: what
records share is made once (``parts``) and kept by session and by logger and level, and only what is a record's own is
serialised. What that costs depends less on the work than on how much code it runs through, since the app's own code
has filled the processor's caches in between. So most of it is one function.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource

from ..message_tag import message_prefix, tagged
from ..names import (
    ATTRIBUTE_DOCUMENT_ID,
    ATTRIBUTE_SESSION_ID,
    ATTRIBUTE_TAGS,
    FIELD_MESSAGE,
    FIELD_TIMESTAMP,
    FIELD_TRUNCATED,
    FIELD_UTC_TIME,
)
from ..session import session_id_or_none
from ..signals import is_from_signal
from ..stamp.processor import ERROR_SEVERITY
from ..stores.base import Document
from .attributes import add_attributes, code_part
from .coercion import MAX_KEYWORD, MAX_TEXT, as_text, cut
from .json_parts import (
    ERROR_TAGS,
    Origin,
    Origins,
    as_json,
    as_part,
    grading,
    second_part,
    timestamp,
    trace_part,
)
from .routing import MAX_TIME_NS, Placements, PlaceOfSession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord

    from ..settings import Settings

_MAX_ID: Final = 256
_MOST_SHARED: Final = 2048
_EXCEPTION: Final = frozenset({"error.type", "error.message", "error.stack_trace"})
_Session = tuple[object, "str | None", str, PlaceOfSession]
"""The attribute as it was given, the session's id, what stands before its messages, and its place."""
_FORM: Final = b'{"%b":"%%b","%b":"%%b"%%b%%b%%b%%b%%b,%%b' % (
    FIELD_TIMESTAMP.encode(),
    FIELD_UTC_TIME.encode(),
)
_NO_RESOURCE: Final = Resource.get_empty()
_NO_MESSAGE: Final = "(no message)"
_session_id = lru_cache(maxsize=2048)(session_id_or_none)


class DocumentBuilder:
    """Builds documents; one for each exporter, safe to use from several threads.

    Args:
        settings: Index prefix, tags, links and what to do with records of no session.
        next_id: Makes an id from a time (Unix nanoseconds) for a record that has none; None: it is made
            from the content, since an exporter may see a record twice.
    """

    def __init__(self, settings: Settings, next_id: Callable[[int], str] | None = None) -> None:
        self._next_id = next_id
        self._tags = settings.tags
        self._drops_sessionless = settings.sessionless == "drop"
        self._placements = Placements(settings)
        self._origin = Origins().origin
        # Each is replaced as a whole, so that another thread never sees halves of two.
        self._session: _Session = (None, None, "", self._placements.of_session(None))
        self._second = (-1, b"")
        # Resource and scope are kept beside what they share: an id() is only unique among living objects.
        self._shared: dict[tuple[Any, ...], tuple[bytes, bytes, Origin | None, object]] = {}

    def build(self, readable: ReadableLogRecord | ReadWriteLogRecord) -> Document | None:
        """The document of a record.

        Returns:
            The document, or None for a record that is not to be stored: one without a session where
            the settings say so, or one of this package's own log lines, which would feed themselves.
        """
        record: Any = readable.log_record
        attributes: Any = record.attributes
        # Each look into the SDK's BoundedAttributes is a call in Python, and a walk takes a lock.
        attributes = (
            attributes.copy() if type(attributes) is BoundedAttributes else attributes or {}
        )
        given = attributes.get(ATTRIBUTE_SESSION_ID)
        session = self._session
        if given is not session[0] and (type(given) is not str or given != session[0]):
            session = self._begin_session(given)
        session_id = session[1]
        if session_id is None and self._drops_sessionless:
            return None
        try:
            return self._build(readable, record, attributes, session)
        except Exception as error:
            if is_from_signal(error):
                raise
            # One odd record must not cost the batch it came with.
            return self._build_from_what_is_left(readable, record, session_id, error)

    def _begin_session(self, given: object) -> _Session:
        """What the records of a session share; they come many in a row."""
        session_id = _session_id(given) if isinstance(given, str) else None
        prefix = "" if session_id is None else message_prefix(session_id, self._tags)
        self._session = (given, session_id, prefix, self._placements.of_session(session_id))
        return self._session

    def _build(  # noqa: C901, PLR0912, PLR0915 - one function, see the module
        self, readable: Any, record: Any, attributes: Mapping[str, Any], session: _Session
    ) -> Document | None:
        _, session_id, prefix, place = session
        time_ns = record.timestamp or record.observed_timestamp or 0
        truncated = not 0 <= time_ns <= MAX_TIME_NS
        if truncated:
            time_ns = min(max(time_ns, 0), MAX_TIME_NS)
        message = record.body
        if not (
            # What the stamp leaves of a usual text, seen without the calls that find out about the others.
            type(message) is str
            and message.startswith(prefix)
            and message.isascii()
            and "session" not in (rest := message[len(prefix) :]).lower()
            and rest
            and not rest.isspace()
        ):
            message = self._message(record, attributes, session_id)
        if len(message) > MAX_TEXT:
            # Again: of an own tag inside the text, the cut may leave another id.
            message, truncated = tagged(cut(message, MAX_TEXT), session_id, prefix), True
        fields: dict[str, Any] = {FIELD_MESSAGE: message}
        if session_id is not None:
            fields["session.id"] = session_id
        if record.event_name:
            name = str(record.event_name)
            fields["event.action"] = cut(name, MAX_KEYWORD)
            truncated |= len(name) > MAX_KEYWORD
        if FIELD_TRUNCATED in attributes:
            truncated = True
        code, plans = code_part(attributes)
        if attributes and add_attributes(fields, attributes, plans):
            truncated = True
        number = record.severity_number
        # Not .value, a descriptor that takes as long as ten comparisons.
        number = 0 if number is None else number._value_
        is_error = number >= ERROR_SEVERITY or not _EXCEPTION.isdisjoint(fields)
        tags = attributes.get(ATTRIBUTE_TAGS)
        if tags == ERROR_TAGS:
            tags, is_error = None, True
        text = record.severity_text
        resource, scope = readable.resource or _NO_RESOURCE, readable.instrumentation_scope
        if tags is None and (text is None or type(text) is str):
            shared = self._shared.get((id(resource), id(scope), number, text, is_error))
            if shared is None:
                shared = self._begin_sharing(resource, scope, number, text, is_error)
            grade, part, origin, _ = shared
            if origin is None:
                return None
        else:
            origin = self._origin(resource, scope)
            if origin is None:
                return None
            graded = grading(number, text, tags, has_exception=is_error)
            grade, part = graded.part, origin.part
            truncated = truncated or graded.is_cut
        if truncated:
            fields[FIELD_TRUNCATED] = True
        if origin.has_labels and not origin.fields.keys().isdisjoint(fields):
            # Elasticsearch refuses a name that stands twice; the record's value counts.
            part = as_part({k: v for k, v in origin.fields.items() if k not in fields})
        seconds, rest_ns = divmod(time_ns, 1_000_000_000)
        second, moment = self._second
        if second != seconds:
            moment = second_part(seconds)
            self._second = (seconds, moment)
        moment = b"%b%06dZ" % (moment, rest_ns // 1000)
        index, session_part = self._placements.at(place, time_ns)
        trace_id = record.trace_id
        trace = trace_part(trace_id, record.span_id or 0) if trace_id else b""
        source = _FORM % (
            moment,
            moment,
            grade,
            session_part,
            trace,
            code,
            part,
            as_json(fields)[1:],
        )
        if self._next_id is not None and ATTRIBUTE_DOCUMENT_ID not in attributes:
            document_id = self._next_id(max(0, record.observed_timestamp or time_ns))
        else:
            document_id = _document_id(attributes, record.observed_timestamp, source)
        return Document(index, document_id, source)

    def _begin_sharing(
        self,
        resource: Resource,
        scope: Any,
        number: int,
        text: str | None,
        is_error: bool,  # noqa: FBT001 - part of the key
    ) -> tuple[bytes, bytes, Origin | None, object]:
        """What the records of a resource, a logger and a level share."""
        origin = self._origin(resource, scope)
        graded = grading(number, text, None, has_exception=is_error)
        if origin is not None and graded.is_cut:
            fields = origin.fields | {FIELD_TRUNCATED: True}
            origin = Origin(fields, as_part(fields), has_labels=True)
        if len(self._shared) >= _MOST_SHARED:
            self._shared = {}
        part = b"" if origin is None else origin.part
        shared = (graded.part, part, origin, (resource, scope))
        self._shared[id(resource), id(scope), number, text, is_error] = shared
        return shared

    def _build_from_what_is_left(
        self, readable: Any, record: Any, session_id: str | None, error: Exception
    ) -> Document | None:
        origin = self._origin(readable.resource or _NO_RESOURCE, readable.instrumentation_scope)
        if origin is None:
            return None
        observed = record.observed_timestamp
        time_ns = min(max(observed, 0), MAX_TIME_NS) if isinstance(observed, int) else 0
        message = f"(a record that could not be read in full: {type(error).__name__})"
        if record.body is not None:
            message = tagged(f"{message} {cut(as_text(record.body), MAX_TEXT)}", session_id, "")
        fields: dict[str, Any] = {FIELD_MESSAGE: message, FIELD_TRUNCATED: True}
        if session_id is not None:
            fields[FIELD_MESSAGE] = message_prefix(session_id, self._tags) + message
            fields["session.id"] = session_id
        index, session_part = self._placements.placement(session_id, time_ns)
        graded = grading(ERROR_SEVERITY, None, None, has_exception=True)
        source = document_source(time_ns, graded.part + session_part, origin, fields)
        return Document(index, _document_id({}, time_ns, source), source)

    def _message(self, record: Any, attributes: Mapping[str, Any], session_id: str | None) -> str:
        body = record.body
        text = body if isinstance(body, str) else "" if body is None else as_text(body)
        prefix = "" if session_id is None else message_prefix(session_id, self._tags)
        rest = text.removeprefix(prefix)
        if not rest or rest.isspace():
            rest = _substitute_message(record, attributes)
        return tagged(rest, session_id, prefix)


def document_source(time_ns: int, shared: bytes, origin: Origin, fields: dict[str, Any]) -> bytes:
    """A document's JSON, put together of parts.

    Args:
        time_ns: Unix nanoseconds, from 1970 to 9999.
        shared: Parts, each beginning with a comma.
        origin: What comes with the record's origin.
        fields: The record's own; not empty.
    """
    part = origin.part
    if origin.has_labels and not origin.fields.keys().isdisjoint(fields):
        # Elasticsearch refuses a name that stands twice; the record's value counts.
        part = as_part({k: v for k, v in origin.fields.items() if k not in fields})
    moment = timestamp(time_ns)
    return _FORM % (moment, moment, shared, b"", b"", b"", part, as_json(fields)[1:])


def _substitute_message(record: Any, attributes: Mapping[str, Any]) -> str:
    for candidate in (
        attributes.get("exception.message"),
        attributes.get("exception.type"),
        record.event_name,
    ):
        if candidate is not None and (text := as_text(candidate)).strip():
            return text
    return _NO_MESSAGE


def _document_id(attributes: Mapping[str, Any], observed_ns: int | None, source: bytes) -> str:
    chosen = attributes.get(ATTRIBUTE_DOCUMENT_ID)
    if type(chosen) is str and len(chosen) <= _MAX_ID and chosen.isascii() and chosen.isalnum():
        return chosen
    # No processor of ours stood before: the same record gets the same id by its content.
    digest = hashlib.blake2b(source, digest_size=10, usedforsecurity=False)
    if chosen is not None:
        digest.update(str(chosen).encode("utf-8", "replace"))
    # The document has microseconds only.
    digest.update(str(observed_ns).encode())
    return f"{max(observed_ns or 0, 0) // 1000:013x}{digest.hexdigest()}"
