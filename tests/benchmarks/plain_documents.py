"""The documents of the benchmark ``export`` as an engineer writes them for ``elasticsearch.helpers.bulk``.

Plain code that builds one dict a record, of the same fields and values as this package's document
(``export`` checks that they are equal). What is the same for all records is made once; nothing is left
out to be fast, nothing added to be slow.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk._logs import ReadableLogRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RESOURCE = {
    "service.name": "service.name",
    "service.version": "service.version",
    "service.instance.id": "service.node.name",
    "deployment.environment.name": "service.environment",
    "host.name": "host.name",
    "process.pid": "process.pid",
}
_RECORD = {
    "code.file.path": "log.origin.file.name",
    "code.function.name": "log.origin.function",
    "code.line.number": "log.origin.file.line",
    "exception.type": "error.type",
    "exception.message": "error.message",
    "exception.stacktrace": "error.stack_trace",
    "session.id": "session.id",
}
_NO_FIELD = {"openreplay.session.id", "elasticsearch.document_id", "tags"}


def resource_fields(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a resource, made once."""
    return {_RESOURCE[name]: value for name, value in attributes.items() if name in _RESOURCE}


def action(readable: ReadableLogRecord, resource: dict[str, Any], link: str) -> dict[str, Any]:
    """The action of ``helpers.bulk`` for a record.

    Args:
        readable: A stamped record with a session and a trace.
        resource: What :func:`resource_fields` made.
        link: Start of a replay link, up to the session's id.
    """
    record = readable.log_record
    attributes: dict[str, Any] = dict(record.attributes or {})
    session_id = str(attributes["openreplay.session.id"])
    assert record.timestamp is not None
    assert record.trace_id is not None
    assert record.span_id is not None
    moment = _EPOCH + timedelta(microseconds=record.timestamp // 1000)
    timestamp = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    started_ms = (int(session_id) >> 24) + 1_550_000_000_000
    number = 0 if record.severity_number is None else record.severity_number.value
    scope = readable.instrumentation_scope
    document: dict[str, Any] = {
        "@timestamp": timestamp,
        "utc_time": timestamp,
        "message": record.body,
        "level": _level(number),
        "log.level": record.severity_text,
        "tags": list(attributes.get("tags", ())),
        "openreplay.session.id": session_id,
        "openreplay.session.url": f"{link}{session_id}?jumpto={record.timestamp // 1_000_000 - started_ms}",
        "trace.id": f"{record.trace_id:032x}",
        "span.id": f"{record.span_id:016x}",
        "ecs.version": "8.17.0",
        "log.logger": scope.name if scope else None,
        **resource,
    }
    for name, value in attributes.items():
        if name in _NO_FIELD:
            continue
        field = _RECORD.get(name)
        if field is not None:
            document[field] = value
        else:
            document[f"labels.{name}"] = str(value)
    started = _EPOCH + timedelta(milliseconds=started_ms)
    return {
        "_op_type": "create",
        "_index": f"openreplay-logs-{started:%Y.%m.%d}",
        "_id": attributes["elasticsearch.document_id"],
        "_source": document,
    }


def _level(number: int) -> str:
    if number >= 17:
        return "error"
    if number >= 13:
        return "warning"
    return "info" if number >= 9 or number == 0 else "debug"
