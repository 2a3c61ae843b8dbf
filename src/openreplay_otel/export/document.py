"""Turns a log record into the document that OpenReplay, Kibana and our lookup read. Pure.

What stands in which field, and why: ``docs/document.md``. This runs for every record of the app: what
belongs to a name, a scope, a session or a second is found once and kept.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from time import gmtime
from typing import TYPE_CHECKING, Any, Final, cast

import orjson
from opentelemetry.attributes import BoundedAttributes

from ..message_tag import message_prefix, tagged
from ..names import (
    ATTRIBUTE_DOCUMENT_ID,
    ATTRIBUTE_SESSION_ID,
    ATTRIBUTE_TAGS,
    FIELD_LEVEL,
    FIELD_MESSAGE,
    FIELD_SESSION_ID,
    FIELD_SESSION_URL,
    FIELD_TAGS,
    FIELD_TIMESTAMP,
    FIELD_TRUNCATED,
    FIELD_UTC_TIME,
)
from ..session import session_id_or_none
from ..stamp.processor import ERROR_SEVERITY, with_error_tag
from ..stores.base import Document
from .attributes import add_record_attributes, add_resource_attributes
from .fields import ECS_VERSION, level_of
from .placement import Placements
from .plain_values import MAX_KEYWORD, MAX_LABELS, MAX_TEXT, as_text, cut, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from ..settings import Settings

_OWN_SCOPE: Final = "openreplay_otel"
_MAX_TIME_NS: Final = 253_402_300_799_999_999_999
"""The last nanosecond of the year 9999: a date of more digits is none to any reader."""
_MAX_ID: Final = 256
_CACHE_LIMIT: Final = 2048
_NO_MESSAGE: Final = "(no message)"


class DocumentBuilder:
    """Builds documents; one for each exporter, safe to use from several threads.

    Args:
        settings: Index prefix, tags, links and what to do with records of no session.
    """

    def __init__(self, settings: Settings) -> None:
        self._tags = settings.tags
        self._drops_sessionless = settings.sessionless == "drop"
        self._placement = Placements(settings).placement
        # Resource and scope are kept beside their part: an id() is only unique among living objects.
        self._origins: dict[tuple[int, int], tuple[object, object, dict[str, Any] | None]] = {}

    def build(self, readable: ReadableLogRecord) -> Document | None:
        """The document of a record.

        Returns:
            The document, or None for a record that is not to be stored: one without a session where
            the settings say so, or one of this package's own log lines, which would feed themselves.
        """
        origin = self._origin(readable.resource, readable.instrumentation_scope)
        if origin is None:
            return None
        record: Any = readable.log_record
        attributes = _plain_dict(record.attributes)
        session_id = attributes.get(ATTRIBUTE_SESSION_ID)
        if session_id is not None:
            session_id = _session_id(session_id) if isinstance(session_id, str) else None
        if session_id is None and self._drops_sessionless:
            return None
        try:
            return self._build(record, attributes, session_id, origin)
        except Exception as error:  # noqa: BLE001 - one odd record must not cost the batch it came with
            return self._build_from_what_is_left(record, session_id, origin, error)

    def _build(
        self,
        record: Any,
        attributes: Mapping[str, Any],
        session_id: str | None,
        origin: dict[str, Any],
    ) -> Document:
        time_ns = record.timestamp or record.observed_timestamp or 0
        clamped_ns = min(max(time_ns, 0), _MAX_TIME_NS)
        timestamp = _timestamp(clamped_ns)
        # Not .value, a descriptor that takes as long as ten comparisons.
        number = 0 if record.severity_number is None else int(record.severity_number._value_)
        message = self._message(record, attributes, session_id)
        truncated = clamped_ns != time_ns
        if len(message) > MAX_TEXT:
            message, truncated = cut(message, MAX_TEXT), True
        tags = attributes.get(ATTRIBUTE_TAGS)
        index, url = self._placement(session_id, clamped_ns)
        # The record's fields come after those of its origin: where both use a name, its value counts.
        document: dict[str, Any] = {
            FIELD_TIMESTAMP: timestamp,
            FIELD_UTC_TIME: timestamp,
            FIELD_MESSAGE: message,
            FIELD_LEVEL: level_of(number),
            FIELD_TAGS: [] if tags is None else _tags(tags),
            **origin,
        }
        if record.severity_text:
            truncated |= _add_keyword(document, "log.level", record.severity_text)
        if session_id is not None:
            document[FIELD_SESSION_ID] = document["session.id"] = session_id
            if url is not None:
                document[FIELD_SESSION_URL] = url
        _add_trace(document, record)
        if record.event_name:
            truncated |= _add_keyword(document, "event.action", record.event_name)
        if attributes and add_record_attributes(document, attributes):
            truncated = True
        if number >= ERROR_SEVERITY or _holds_exception(document):
            document[FIELD_TAGS] = with_error_tag(document[FIELD_TAGS])
        if document[FIELD_TAGS]:
            truncated |= _cut_tags(document)
        if truncated:
            document[FIELD_TRUNCATED] = True
        source = _json(document)
        return Document(index, _document_id(attributes, record.observed_timestamp, source), source)

    def _build_from_what_is_left(
        self, record: Any, session_id: str | None, origin: dict[str, Any], error: Exception
    ) -> Document:
        observed = record.observed_timestamp
        time_ns = min(max(observed, 0), _MAX_TIME_NS) if isinstance(observed, int) else 0
        timestamp = _timestamp(time_ns)
        message = f"(a record that could not be read in full: {type(error).__name__})"
        if record.body is not None:
            message = tagged(f"{message} {cut(as_text(record.body), MAX_TEXT)}", session_id, "")
        document: dict[str, Any] = {
            FIELD_TIMESTAMP: timestamp,
            FIELD_UTC_TIME: timestamp,
            FIELD_MESSAGE: message,
            FIELD_LEVEL: level_of(ERROR_SEVERITY),
            FIELD_TAGS: with_error_tag(None),
            FIELD_TRUNCATED: True,
            **origin,
        }
        if session_id is not None:
            document[FIELD_MESSAGE] = message_prefix(session_id, self._tags) + message
            document[FIELD_SESSION_ID] = document["session.id"] = session_id
        source = _json(document)
        index = self._placement(session_id, time_ns).index
        return Document(index, _document_id({}, time_ns, source), source)

    def _message(self, record: Any, attributes: Mapping[str, Any], session_id: str | None) -> str:
        body = record.body
        text = body if isinstance(body, str) else "" if body is None else as_text(body)
        prefix = "" if session_id is None else message_prefix(session_id, self._tags)
        rest = text.removeprefix(prefix)
        if not rest or rest.isspace():
            rest = _substitute_message(record, attributes)
        return tagged(rest, session_id, prefix)

    def _origin(
        self, resource: Resource, scope: InstrumentationScope | None
    ) -> dict[str, Any] | None:
        key = (id(resource), id(scope))
        known = self._origins.get(key)
        if known is None:
            if len(self._origins) >= _CACHE_LIMIT:
                self._origins.clear()
            known = self._origins[key] = (resource, scope, _make_origin(resource, scope))
        return known[2]


_session_id = lru_cache(maxsize=_CACHE_LIMIT)(session_id_or_none)


def _plain_dict(attributes: Any) -> Mapping[str, Any]:
    # Each look into the SDK's BoundedAttributes is a call in Python, and a walk takes a lock.
    if isinstance(attributes, BoundedAttributes):
        return attributes.copy()
    return attributes or {}


def _make_origin(resource: Resource, scope: InstrumentationScope | None) -> dict[str, Any] | None:
    name = "" if scope is None else scope.name or ""
    if name == _OWN_SCOPE or name.startswith(_OWN_SCOPE + "."):
        return None
    fields: dict[str, Any] = {"ecs.version": ECS_VERSION}
    truncated = bool(name) and _add_keyword(fields, "log.logger", name)
    if add_resource_attributes(fields, resource.attributes) or truncated:
        fields[FIELD_TRUNCATED] = True
    return fields


def _add_keyword(document: dict[str, Any], field: str, value: object) -> bool:
    text = str(value)
    document[field] = cut(text, MAX_KEYWORD)
    return len(text) > MAX_KEYWORD


def _add_trace(document: dict[str, Any], record: Any) -> None:
    if record.trace_id:
        document["trace.id"] = _hex(record.trace_id, 32)
        if record.span_id:
            document["span.id"] = _hex(record.span_id, 16)


def _json(document: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:
        # A lone surrogate somewhere: no Unicode text, and no JSON.
        return orjson.dumps(plain(document))


def _holds_exception(document: dict[str, Any]) -> bool:
    return (
        "error.type" in document or "error.message" in document or "error.stack_trace" in document
    )


def _tags(tags: object) -> list[str]:
    own = cast("tuple[object, ...]", tags) if isinstance(tags, (list, tuple)) else (tags,)
    return [as_text(tag) for tag in own if tag is not None]


def _cut_tags(document: dict[str, Any]) -> bool:
    tags = list(document[FIELD_TAGS])
    # The error tag comes last and has to stay.
    kept = [
        cut(tag, MAX_KEYWORD) for tag in [*tags[: MAX_LABELS - 1], *tags[MAX_LABELS - 1 :][-1:]]
    ]
    document[FIELD_TAGS] = kept
    return kept != tags


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
    if isinstance(chosen, str) and len(chosen) <= _MAX_ID and chosen.isascii() and chosen.isalnum():
        return chosen
    # No processor of ours stood before: the same record gets the same id by its content.
    digest = hashlib.blake2b(source, digest_size=10, usedforsecurity=False)
    if chosen is not None:
        digest.update(str(chosen).encode("utf-8", "replace"))
    # The document has microseconds only.
    digest.update(str(observed_ns).encode())
    return f"{max(observed_ns or 0, 0) // 1000:013x}{digest.hexdigest()}"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    t = gmtime(seconds)
    return f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}T{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}."


_THREE_DIGITS: Final = tuple(f"{n:03d}" for n in range(1000))


def _timestamp(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    microseconds = rest // 1000
    # Twice as fast as formatting the number.
    first, last = _THREE_DIGITS[microseconds // 1000], _THREE_DIGITS[microseconds % 1000]
    return f"{_second(seconds)}{first}{last}Z"


@lru_cache(maxsize=_CACHE_LIMIT)
def _hex(number: int, digits: int) -> str:
    # The records of a span share both ids.
    return f"{number:0{digits}x}"
