"""Turns a log record into the document that OpenReplay, Kibana and our lookup read. Pure.

What stands in which field, and why: ``docs/document.md``. The JSON is put together from pieces, of
which those that do not change from record to record are made once; that takes less than half the time
of building a dict and serialising it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from time import gmtime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from opentelemetry.attributes import BoundedAttributes

from ..names import (
    ATTRIBUTE_DOCUMENT_ID,
    ATTRIBUTE_SESSION_ID,
    ATTRIBUTE_TAGS,
    FIELD_TRUNCATED,
    TAG_ERROR,
)
from ..session import session_id_or_none
from ..stamp.message_tag import message_prefix, tagged
from ..stamp.processor import ERROR_SEVERITY
from ..stores.base import Document
from .fields import ECS_VERSION, level_of
from .pieces import ERROR_KEYS, Pieces, key_of, pieces_of_record, pieces_of_resource
from .placement import Placements
from .plain_values import MAX_KEYWORD, MAX_LABELS, MAX_TEXT, as_text, cut, json_bytes

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
_TRUNCATED_KEY: Final = key_of(FIELD_TRUNCATED)
_SESSION_ID_KEY: Final = key_of("session.id")
_EVENT_KEY: Final = key_of("event.action")
_NO_MESSAGE: Final = "(no message)"


class _Origin(NamedTuple):
    """What all documents of a resource and scope share."""

    pieces: Pieces
    json: bytes


class DocumentBuilder:
    """Builds documents; one for each exporter, safe to use from several threads.

    Args:
        settings: Index prefix, tags, links and what to do with records of no session.
    """

    def __init__(self, settings: Settings) -> None:
        self._tags = settings.tags
        self._drops_sessionless = settings.sessionless == "drop"
        self._placement = Placements(settings).placement
        # Resource and scope are kept beside their piece: an id() is only unique among living objects.
        self._origins: dict[tuple[int, int], tuple[object, object, _Origin | None]] = {}

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
            session_id = session_id_or_none(session_id) if isinstance(session_id, str) else None
        if session_id is None and self._drops_sessionless:
            return None
        try:
            return self._build(record, attributes, session_id, origin)
        except Exception as error:  # noqa: BLE001 - one odd record must not cost the batch it came with
            return self._build_from_what_is_left(record, session_id, origin, error)

    def _build(
        self, record: Any, attributes: Mapping[str, Any], session_id: str | None, origin: _Origin
    ) -> Document:
        time_ns = record.timestamp or record.observed_timestamp or 0
        clamped_ns = min(max(time_ns, 0), _MAX_TIME_NS)
        severity = record.severity_number
        number = 0 if severity is None else int(severity.value)
        message = self._message(record, attributes, session_id)
        pieces, truncated = pieces_of_record(attributes)
        if len(message) > MAX_TEXT:
            message, truncated = cut(message, MAX_TEXT), True
        is_error = number >= ERROR_SEVERITY or not ERROR_KEYS.isdisjoint(pieces)
        index, session_json = self._placement(session_id, clamped_ns)
        if session_id is not None and _SESSION_ID_KEY not in pieces:
            pieces[_SESSION_ID_KEY] = b'"%b"' % session_id.encode()
        if record.event_name:
            pieces[_EVENT_KEY] = json_bytes(cut(str(record.event_name), MAX_KEYWORD))
        if truncated or clamped_ns != time_ns:
            pieces[_TRUNCATED_KEY] = b"true"
        origin_json = origin.json
        if not origin.pieces.keys().isdisjoint(pieces):
            # A name of the resource's that the record uses too: the record's value counts.
            pieces, origin_json = {**origin.pieces, **pieces}, b""
        parts = [
            _head(clamped_ns, message),
            _level_json(number, record.severity_text),
            _tags_json(attributes.get(ATTRIBUTE_TAGS), is_error=is_error),
            session_json,
            _trace_json(record),
            origin_json,
        ]
        for piece in pieces.items():
            parts += piece
        parts.append(b"}")
        source = b"".join(parts)
        return Document(index, _document_id(attributes, record.observed_timestamp, source), source)

    def _build_from_what_is_left(
        self, record: Any, session_id: str | None, origin: _Origin, error: Exception
    ) -> Document:
        observed = record.observed_timestamp
        time_ns = min(max(observed, 0), _MAX_TIME_NS) if isinstance(observed, int) else 0
        message = f"(a record that could not be read in full: {type(error).__name__})"
        if record.body is not None:
            message = tagged(f"{message} {cut(as_text(record.body), MAX_TEXT)}", session_id, "")
        index, session_json = self._placement(session_id, time_ns)
        if session_id is not None:
            message = message_prefix(session_id, self._tags) + message
            session_json += b'%b"%b"' % (_SESSION_ID_KEY, session_id.encode())
        pieces = {**origin.pieces, _TRUNCATED_KEY: b"true"}
        source = b"".join(
            [
                _head(time_ns, message),
                _level_json(ERROR_SEVERITY, None),
                _tags_json(None, is_error=True),
                session_json,
                b"".join(key + value for key, value in pieces.items()),
                b"}",
            ]
        )
        return Document(index, _document_id({}, time_ns, source), source)

    def _message(self, record: Any, attributes: Mapping[str, Any], session_id: str | None) -> str:
        body = record.body
        text = body if isinstance(body, str) else "" if body is None else as_text(body)
        prefix = "" if session_id is None else message_prefix(session_id, self._tags)
        text = text.removeprefix(prefix)
        if not text or text.isspace():
            text = _substitute_message(record, attributes)
        return tagged(text, session_id, prefix)

    def _origin(self, resource: Resource, scope: InstrumentationScope | None) -> _Origin | None:
        key = (id(resource), id(scope))
        known = self._origins.get(key)
        if known is None:
            if len(self._origins) >= _CACHE_LIMIT:
                self._origins.clear()
            known = self._origins[key] = (resource, scope, _make_origin(resource, scope))
        return known[2]


def _plain_dict(attributes: Any) -> Mapping[str, Any]:
    # Each look into the SDK's BoundedAttributes is a call in Python, and a walk takes a lock.
    if isinstance(attributes, BoundedAttributes):
        return attributes.copy()
    return attributes or {}


def _make_origin(resource: Resource, scope: InstrumentationScope | None) -> _Origin | None:
    name = "" if scope is None else scope.name or ""
    if name == _OWN_SCOPE or name.startswith(_OWN_SCOPE + "."):
        return None
    pieces: Pieces = {key_of("ecs.version"): json_bytes(ECS_VERSION)}
    if name:
        pieces[key_of("log.logger")] = json_bytes(cut(name, MAX_KEYWORD))
    of_resource, truncated = pieces_of_resource(resource.attributes)
    pieces.update(of_resource)
    if truncated:
        pieces[_TRUNCATED_KEY] = b"true"
    return _Origin(pieces, b"".join(key + value for key, value in pieces.items()))


def _head(time_ns: int, message: str) -> bytes:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    timestamp = b"%b%06dZ" % (_second(seconds), rest // 1000)
    return b'{"@timestamp":"%b","utc_time":"%b","message":%b' % (
        timestamp,
        timestamp,
        json_bytes(message),
    )


@lru_cache(maxsize=_CACHE_LIMIT)
def _level_json(severity_number: int, severity_text: str | None) -> bytes:
    level = b',"level":"%b"' % level_of(severity_number).encode()
    if not severity_text:
        return level
    return level + b',"log.level":%b' % json_bytes(cut(str(severity_text), MAX_KEYWORD))


def _tags_json(tags: object, *, is_error: bool) -> bytes:
    if tags is None or tags == (TAG_ERROR,):
        return b',"tags":["error"]' if is_error or tags else b',"tags":[]'
    own = cast("tuple[object, ...]", tags) if isinstance(tags, (list, tuple)) else (tags,)
    texts = [cut(as_text(tag), MAX_KEYWORD) for tag in own[:MAX_LABELS] if tag is not None]
    if is_error and TAG_ERROR not in texts:
        texts.append(TAG_ERROR)
    return b',"tags":[%b]' % b",".join(json_bytes(text) for text in texts)


def _trace_json(record: Any) -> bytes:
    if not record.trace_id:
        return b""
    trace = b',"trace.id":"%032x"' % record.trace_id
    return trace + b',"span.id":"%016x"' % record.span_id if record.span_id else trace


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
def _second(seconds: int) -> bytes:
    t = gmtime(seconds)
    return b"%04d-%02d-%02dT%02d:%02d:%02d." % tuple(t[:6])
