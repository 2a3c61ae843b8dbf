"""Turns a log record into the document that OpenReplay, Kibana and our lookup read. Pure.

What stands in which field: ``docs/document.md``; what OpenReplay's readers need of them is told there
too. The JSON is put together from pieces, of which those that do not change from record to record are
made once: a third of the time of building a dict and serialising it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from time import gmtime
from typing import Any, Final, NamedTuple, cast

import orjson
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from ..names import (
    ATTRIBUTE_DOCUMENT_ID,
    ATTRIBUTE_SESSION_ID,
    ATTRIBUTE_TAGS,
    FIELD_SESSION_ID,
    FIELD_SESSION_URL,
    FIELD_TRUNCATED,
    SESSIONLESS_DATA_STREAM,
    TAG_ERROR,
)
from ..session import (
    CLOCK_TOLERANCE_MS,
    PLAUSIBLE_AGE_MS,
    replay_url_base,
    session_id_or_none,
    started_at_ms,
)
from ..settings import Settings
from ..stamp.message_tag import message_prefix, neutralize_foreign_tags
from ..stamp.processor import with_error_tag
from ..stores.base import Document
from .fields import ECS_VERSION, NOT_LABELS, NUMBER_FIELDS, RECORD_FIELDS, RESOURCE_FIELDS, level_of
from .plain_values import (
    MAX_KEYWORD,
    MAX_LABEL,
    MAX_LABELS,
    MAX_TEXT,
    as_text,
    cut,
    json_bytes,
    label_name,
)

_OWN_SCOPE: Final = "openreplay_otel"
_LONG_TEXTS: Final = frozenset({"error.message", "error.stack_trace"})
_MAX_TIME_NS: Final = 253_402_300_799_999_999_999
"""The last nanosecond of the year 9999: a date of more digits is none to any reader."""
_MAX_ID: Final = 256
_CACHE_LIMIT: Final = 512
_TRUNCATED: Final = b',"%b":true' % FIELD_TRUNCATED.encode()
_SESSION_ID_KEY: Final = b',"session.id":'
_NO_MESSAGE: Final = "(no message)"


_Pieces = dict[bytes, bytes]
"""JSON by key: ``,"name":`` → the value. A dict, since Elasticsearch refuses a name that stands twice."""


class _Plan(NamedTuple):
    """How an attribute of a certain name becomes a field; found once for each name."""

    key: bytes
    limit: int
    is_number: bool = False
    is_label: bool = False


class _Origin(NamedTuple):
    """What all documents of a resource and scope share."""

    pieces: _Pieces
    json: bytes


class _SessionPart(NamedTuple):
    """What all documents of a session share.

    ``index`` holds for records from ``earliest_ns`` to ``latest_ns``; a record out of these bounds
    shows the id to be made up and goes to its own day.
    """

    json: bytes
    index: str
    earliest_ns: int
    latest_ns: int
    started_ms: int
    url: bytes | None


class DocumentBuilder:
    """Builds documents; one for each exporter, safe to use from several threads.

    Args:
        settings: Index prefix, tags, links and what to do with records of no session.
    """

    def __init__(self, settings: Settings) -> None:
        self._index_prefix = settings.index
        self._tags = settings.tags
        self._drops_sessionless = settings.sessionless == "drop"
        self._url_base = (
            replay_url_base(settings.app_url, settings.project_id)
            if settings.app_url is not None and settings.project_id is not None
            else None
        )
        self._session_part = lru_cache(maxsize=_CACHE_LIMIT)(self._make_session_part)
        # Resource and scope are kept beside their piece: an id() is only unique among living objects.
        self._origins: dict[tuple[int, int], tuple[object, object, _Origin | None]] = {}

    def build(self, readable: ReadableLogRecord) -> Document | None:
        """The document of a record.

        Returns:
            The document, or None for a record that is not to be stored: one without a session where
            the settings say so, or one of this package's own log lines, which would feed themselves.
        """
        try:
            return self._build(readable)
        except Exception as error:  # noqa: BLE001 - one odd record must not cost the batch it came with
            return self._build_from_what_is_left(readable, error)

    def _build(self, readable: ReadableLogRecord) -> Document | None:
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
        time_ns = record.timestamp or record.observed_timestamp or 0
        clamped_ns = min(max(time_ns, 0), _MAX_TIME_NS)
        timestamp = _timestamp(clamped_ns)

        pieces, is_error, truncated = _attribute_pieces(attributes)
        message = self._message(record, attributes, session_id)
        if len(message) > MAX_TEXT:
            message, truncated = cut(message, MAX_TEXT), True
        severity = record.severity_number
        number = 0 if severity is None else int(severity.value)
        parts = [
            b'{"@timestamp":"%b","utc_time":"%b","message":%b'
            % (timestamp, timestamp, json_bytes(message)),
            _level_json(number, record.severity_text),
            _tags_json(attributes.get(ATTRIBUTE_TAGS), is_error=is_error or number >= 17),  # noqa: PLR2004
        ]
        if session_id is None:
            index = SESSIONLESS_DATA_STREAM
        else:
            session = self._session_part(session_id)
            pieces.setdefault(_SESSION_ID_KEY, b'"%b"' % session_id.encode())
            parts.append(session.json)
            if session.url is not None:
                offset_ms = max(0, clamped_ns // 1_000_000 - session.started_ms)
                parts.append(b'%b?jumpto=%d"' % (session.url, offset_ms))
            index = (
                session.index
                if session.earliest_ns <= clamped_ns <= session.latest_ns
                else f"{self._index_prefix}-{_day(clamped_ns // 1_000_000)}"
            )
        if record.trace_id:
            parts.append(b',"trace.id":"%032x"' % record.trace_id)
        if record.span_id:
            parts.append(b',"span.id":"%016x"' % record.span_id)
        if record.event_name:
            pieces[b',"event.action":'] = json_bytes(cut(str(record.event_name), MAX_KEYWORD))
        if origin.pieces.keys().isdisjoint(pieces):
            parts.append(origin.json)
        else:
            pieces = {**origin.pieces, **pieces}
        for piece in pieces.items():
            parts += piece
        if truncated or clamped_ns != time_ns:
            parts.append(_TRUNCATED)
        parts.append(b"}")
        source = b"".join(parts)
        return Document(index, _document_id(attributes, record.observed_timestamp, source), source)

    def _build_from_what_is_left(self, readable: ReadableLogRecord, error: Exception) -> Document:
        record: Any = readable.log_record
        attributes: Mapping[str, Any] = record.attributes or {}
        claimed = attributes.get(ATTRIBUTE_SESSION_ID)
        session_id = session_id_or_none(claimed) if isinstance(claimed, str) else None
        observed = record.observed_timestamp
        time_ns = min(max(observed, 0), _MAX_TIME_NS) if isinstance(observed, int) else 0
        timestamp = _timestamp(time_ns).decode()
        text = f"(a record that could not be read: {type(error).__name__})"
        fields: dict[str, Any] = {
            "@timestamp": timestamp,
            "utc_time": timestamp,
            "message": text,
            "level": "error",
            "tags": [TAG_ERROR],
            "ecs.version": ECS_VERSION,
            FIELD_TRUNCATED: True,
        }
        index = SESSIONLESS_DATA_STREAM
        if session_id is not None:
            fields["message"] = message_prefix(session_id, self._tags) + text
            fields[ATTRIBUTE_SESSION_ID] = fields["session.id"] = session_id
            part = self._session_part(session_id)
            is_at_home = part.earliest_ns <= time_ns <= part.latest_ns
            index = part.index if is_at_home else f"{self._index_prefix}-{_day(time_ns // 1_000_000)}"
        source = orjson.dumps(fields)
        return Document(index, _document_id(attributes, time_ns, source), source)

    def _message(
        self, record: Any, attributes: Mapping[str, Any], session_id: str | None
    ) -> str:
        body = record.body
        text = body if isinstance(body, str) else "" if body is None else as_text(body)
        prefix = "" if session_id is None else message_prefix(session_id, self._tags)
        text = text.removeprefix(prefix)
        if not text or text.isspace():
            text = _substitute_message(record, attributes)
        return prefix + neutralize_foreign_tags(text, session_id)

    def _make_session_part(self, session_id: str) -> _SessionPart:
        started_ms = started_at_ms(session_id)
        url = None
        if self._url_base is not None:
            # Without the closing quote: each record adds its moment.
            url = b',"%b":%b' % (
                FIELD_SESSION_URL.encode(),
                json_bytes(self._url_base + session_id)[:-1],
            )
        return _SessionPart(
            json=b',"%b":"%b"' % (FIELD_SESSION_ID.encode(), session_id.encode()),
            index=f"{self._index_prefix}-{_day(started_ms)}",
            earliest_ns=(started_ms - CLOCK_TOLERANCE_MS) * 1_000_000,
            latest_ns=(started_ms + PLAUSIBLE_AGE_MS) * 1_000_000 + 999_999,
            started_ms=started_ms,
            url=url,
        )

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
    pieces: _Pieces = {b',"ecs.version":': json_bytes(ECS_VERSION)}
    if name:
        pieces[b',"log.logger":'] = json_bytes(cut(name, MAX_KEYWORD))
    pieces.update(_pieces(resource.attributes, _resource_plan)[0])
    return _Origin(pieces, b"".join(key + value for key, value in pieces.items()))


def _attribute_pieces(attributes: Mapping[str, Any]) -> tuple[_Pieces, bool, bool]:
    pieces, truncated = _pieces(attributes, _record_plan)
    return pieces, not _ERROR_KEYS.isdisjoint(pieces), truncated


def _pieces(
    attributes: Mapping[str, Any], plan_of: Callable[[str], _Plan | None]
) -> tuple[_Pieces, bool]:
    """The fields made of attributes, and whether something had to be cut."""
    pieces: _Pieces = {}
    truncated = False
    for name, value in attributes.items():
        plan = plan_of(name)
        if plan is None or value is None:
            continue
        key, limit, is_number, is_label = plan
        if is_number:
            if type(value) is int and -(2**63) <= value < 2**63:
                pieces[key] = b"%d" % value
            continue
        if is_label and len(pieces) >= MAX_LABELS:
            truncated = True
            continue
        text = value if type(value) is str else as_text(value)
        if len(text) > limit:
            text, truncated = cut(text, limit), True
        pieces[key] = json_bytes(text)
    return pieces, truncated


def _plan(attribute: str, fields: Mapping[str, str]) -> _Plan | None:
    if attribute in NOT_LABELS:
        return None
    field = fields.get(attribute)
    if field is None:
        return _Plan(_key(f"labels.{label_name(attribute)}"), MAX_LABEL, is_label=True)
    limit = MAX_TEXT if field in _LONG_TEXTS else MAX_KEYWORD
    return _Plan(_key(field), limit, is_number=field in NUMBER_FIELDS)


@lru_cache(maxsize=_CACHE_LIMIT)
def _record_plan(attribute: str) -> _Plan | None:
    return _plan(attribute, RECORD_FIELDS)


def _resource_plan(attribute: str) -> _Plan | None:
    return None if attribute.startswith("telemetry.") else _plan(attribute, RESOURCE_FIELDS)


def _key(field: str) -> bytes:
    return b",%b:" % json_bytes(field)


_ERROR_KEYS: Final = frozenset(_key(f) for f in ("error.type", "error.message", "error.stack_trace"))


@lru_cache(maxsize=_CACHE_LIMIT)
def _level_json(severity_number: int, severity_text: str | None) -> bytes:
    level = b',"level":"%b"' % level_of(severity_number).encode()
    if not severity_text:
        return level
    return level + b',"log.level":%b' % json_bytes(cut(str(severity_text), MAX_KEYWORD))


def _tags_json(tags: object, *, is_error: bool) -> bytes:
    if is_error:
        tags = with_error_tag(tags)
    if tags is None:
        return b',"tags":[]'
    if tags == (TAG_ERROR,):
        return b',"tags":["error"]'
    own = cast("tuple[object, ...]", tags) if isinstance(tags, (list, tuple)) else (tags,)
    texts = [json_bytes(cut(as_text(t), MAX_KEYWORD)) for t in own if t is not None]
    return b',"tags":[%b]' % b",".join(texts[:MAX_LABELS])


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
    if isinstance(chosen, str) and 0 < len(chosen) <= _MAX_ID and chosen.isascii() and chosen.isalnum():
        return chosen
    # No processor of ours stood before: the same record gets the same id by its content.
    digest = hashlib.blake2b(source, digest_size=10, usedforsecurity=False)
    if chosen is not None:
        digest.update(str(chosen).encode("utf-8", "replace"))
    return f"{max(observed_ns or 0, 0) // 1000:013x}{digest.hexdigest()}"


@lru_cache(maxsize=64)
def _second(seconds: int) -> bytes:
    # gmtime, since datetime ends before the last of the seconds that are asked for.
    t = gmtime(seconds)
    return b"%04d-%02d-%02dT%02d:%02d:%02d." % tuple(t[:6])


def _timestamp(time_ns: int) -> bytes:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return b"%b%06dZ" % (_second(seconds), rest // 1000)


@lru_cache(maxsize=64)
def _day_of(days: int) -> str:
    t = gmtime(days * 86400)
    return f"{t.tm_year:04d}.{t.tm_mon:02d}.{t.tm_mday:02d}"


def _day(unix_ms: int) -> str:
    return _day_of(unix_ms // 86_400_000)
