"""Makes log records, also ones that the SDK would clean first, and reads documents strictly."""

from __future__ import annotations

import json
from typing import Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from openreplay_otel import Settings
from openreplay_otel.context import with_session_id
from openreplay_otel.document.builder import DocumentBuilder

from .contract import EXAMPLE_ID, EXAMPLE_STARTED_MS

RESOURCE: Final = Resource(
    {"service.name": "shop", "host.name": "web-1", "telemetry.sdk.name": "x"}
)
SCOPE: Final = InstrumentationScope("shop.checkout")
AT_NS: Final = (EXAMPLE_STARTED_MS + 60_000) * 1_000_000 + 123_456
"""A minute into the example session."""
NO_SESSION: Final = Context({"no": "session"})


def in_session(session_id: str = EXAMPLE_ID) -> Context:
    """A context of a session."""
    return with_session_id(session_id, Context())


def writable(
    body: Any = "boom", *, context: Context = NO_SESSION, **fields: Any
) -> ReadWriteLogRecord:
    """A record on its way to the processors, as the SDK makes it."""
    fields = {
        "timestamp": AT_NS,
        "observed_timestamp": AT_NS + 1000,
        "severity_number": SeverityNumber.INFO,
    } | fields
    record = LogRecord(context=context, body=body, **fields)
    return ReadWriteLogRecord(log_record=record, resource=RESOURCE, instrumentation_scope=SCOPE)


def readable(
    body: Any = "boom",
    attributes: Any = None,
    *,
    session_id: str | None = None,
    resource: Resource = RESOURCE,
    scope: InstrumentationScope | None = SCOPE,
    **fields: Any,
) -> ReadableLogRecord:
    """A record on its way to an exporter; its attributes stay as they are given."""
    fields = {
        "timestamp": AT_NS,
        "observed_timestamp": AT_NS + 1000,
        "severity_number": SeverityNumber.INFO,
    } | fields
    record = LogRecord(context=NO_SESSION, body=body, **fields)
    if session_id is not None:
        attributes = {**(attributes or {}), "openreplay.session.id": session_id}
    record.attributes = attributes
    return ReadableLogRecord(record, resource, scope)


def parsed(source: bytes) -> dict[str, Any]:
    """A document read strictly: one line of UTF-8, no name twice, no NaN."""
    assert b"\n" not in source
    assert b"\r" not in source
    return json.loads(source.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)


def documents(*records: Any, **settings: Any) -> list[dict[str, Any]]:
    """The documents of records, read strictly; all of them are made."""
    builder = DocumentBuilder(Settings(**settings))
    made = [builder.build(record) for record in records]
    assert None not in made
    return [parsed(one.source) for one in made if one is not None]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert sorted(names) == sorted(set(names)), "a name stands twice"
    return dict(pairs)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
