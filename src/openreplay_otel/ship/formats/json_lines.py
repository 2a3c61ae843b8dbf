"""JSON lines: ecs-logging, structlog, python-json-logger, loguru, and what looks like them. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from ...document.coercion import (
    MAX_KEYWORD,
    MAX_LABEL,
    MAX_LABELS,
    MAX_TEXT,
    as_text,
    cut,
    label_name,
)
from .. import tracebacks
from ..levels import name_of_number
from ..record import ParsedRecord
from ..session_tags import session_of
from ..trace_lines import START
from .time_first import hex_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..times import TimeReader

_TIMES: Final = ("@timestamp", "timestamp", "time", "ts", "asctime", "datetime", "date", "utc_time")
_LEVELS: Final = ("log.level", "level", "levelname", "severity", "lvl", "loglevel", "level_name")
_MESSAGES: Final = ("message", "msg", "event", "text", "log")
_LOGGERS: Final = ("log.logger", "logger", "logger_name", "name", "category")
_TRACES: Final = ("trace.id", "trace_id", "traceId", "otelTraceID", "labels.trace_id")
_SPANS: Final = ("span.id", "span_id", "spanId", "otelSpanID")
_SERVICES: Final = ("service.name", "service", "otelServiceName")
_SESSIONS: Final = (
    "openreplay.session.id", "openReplaySession.id", "openReplaySessionToken",
    "openreplay_session_id", "asayer_session_id",
)  # fmt: skip
_EXCEPTIONS: Final = ("exc_info", "exception", "exc_text", "traceback", "stack_trace", "stack")
_ERRORS: Final = (*_EXCEPTIONS, "error.type", "error.message", "error.stack_trace")
_LEFT_OUT: Final = frozenset(
    {
        "tags", "ecs.version", "error.stack_trace", "error.type", "error.message",
        # The text once more, tags and tokens included.
        "log.original", "event.original",
    }
)  # fmt: skip
_ECS: Final = frozenset(
    {
        "log",
        "process",
        "host",
        "service",
        "event",
        "http",
        "url",
        "client",
        "container",
        "user_agent",
    }
)
"""Objects of ECS whose fields keep their names; what others hold become labels."""
_LONGEST_NAME: Final = 512
"""Characters of a name that count: names are kept in a cache, and joined to paths."""
_DEEPEST: Final = 8
"""Objects in objects that become names with dots; what is deeper becomes a text."""
_NUMBERS: Final = frozenset(
    {"log.origin.file.line", "process.pid", "process.thread.id", "http.response.status_code"}
)


def from_object(found: dict[str, Any], times: TimeReader) -> ParsedRecord | None:
    """Read one JSON object.

    Args:
        found: As it was parsed.
        times: Reads its time.

    Returns:
        The record, or None where nothing in it is a record's text.
    """
    inner = found.get("record")
    if "text" in found and isinstance(inner, dict):
        found = _from_loguru(cast("dict[str, Any]", inner), found["text"])
    flat = _flat(found)
    record = ParsedRecord("")
    record.is_structured = True
    record.time_ns = _taken_time(flat, times)
    record.level = _taken_level(flat)
    error = _taken_exception(flat)
    message = _taken(flat, _MESSAGES)
    if message is None and not error:
        return None
    record.message = "" if message is None else as_text(message)
    logger = _taken(flat, _LOGGERS)
    record.logger = None if logger is None else as_text(logger)
    trace, span = _taken(flat, _TRACES), _taken(flat, _SPANS)
    if isinstance(trace, str):
        record.trace_id = hex_number(trace, 32)
        record.span_id = hex_number(span, 16) if isinstance(span, str) else 0
    service = _taken(flat, _SERVICES)
    if service is not None:
        record.fields["service.name"] = as_text(service)
    if not flat.keys().isdisjoint(_SESSIONS):
        for name in _SESSIONS:
            value = flat.pop(name, None)
            if value is not None and record.session_id is None:
                record.session_id = session_of(as_text(value))
    record.fields.update(error)
    _add_others(record, flat)
    return record


def from_text(text: str, times: TimeReader) -> ParsedRecord | None:
    """Read a JSON object inside of another format; None where it is none, or none of a record."""
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return from_object(cast("dict[str, Any]", found), times) if isinstance(found, dict) else None


def _from_loguru(inner: dict[str, Any], text: object) -> dict[str, Any]:
    """The record of loguru's ``serialize=True``, whose text alone has the traceback."""
    flat = dict(inner)
    for name, part in (("level", "name"), ("time", "timestamp")):
        value = flat.get(name)
        if isinstance(value, dict):
            flat[name] = cast("dict[str, Any]", value).get(part)
    for name, field, part in (
        ("file", "log.origin.file.name", "path"),
        ("process", "process.pid", "id"),
        ("thread", "process.thread.name", "name"),
    ):
        value = flat.pop(name, None)
        if isinstance(value, dict):
            flat[field] = cast("dict[str, Any]", value).get(part)
    for name, field in (("function", "log.origin.function"), ("line", "log.origin.file.line")):
        flat[field] = flat.pop(name, None)
    exception = flat.pop("exception", None)
    if isinstance(exception, dict):
        told = cast("dict[str, Any]", exception)
        flat["error.type"], flat["error.message"] = told.get("type"), told.get("value")
        if isinstance(text, str) and START in text:
            flat["error.stack_trace"] = text[text.index(START) :].rstrip("\n")
    for name in ("elapsed", "module"):
        flat.pop(name, None)
    return flat


def _flat(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an object by their full names; objects that no schema knows stay as they are."""
    flat: dict[str, Any] = {}
    for full_name, value in found.items():
        name = full_name if len(full_name) <= _LONGEST_NAME else full_name[:_LONGEST_NAME]
        if isinstance(value, dict) and (name in _ECS or name in _NESTED):
            _flatten(flat, name, cast("dict[str, Any]", value), _DEEPEST)
        else:
            flat[name] = value
    return flat


_NESTED: Final = frozenset(
    {"error", "trace", "span", "labels", "extra", "openreplay", "ecs", "session"}
)


def _flatten(flat: dict[str, Any], path: str, value: dict[str, Any], depth: int) -> None:
    for name, inner in value.items():
        full = f"{path}.{name[:_LONGEST_NAME]}"
        if depth and isinstance(inner, dict):
            _flatten(flat, full, cast("dict[str, Any]", inner), depth - 1)
        else:
            flat[full] = inner


def _taken(flat: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        value = flat.get(name)
        if value is not None and value != "":
            return flat.pop(name)
    return None


def _taken_time(flat: dict[str, Any], times: TimeReader) -> int | None:
    for name in _TIMES:
        if name in flat:
            time_ns = times.any(flat[name])
            if time_ns is not None:
                del flat[name]
                return time_ns
    return None


def _taken_level(flat: dict[str, Any]) -> str | None:
    level = _taken(flat, _LEVELS)
    number = flat.pop("levelno", None)
    if isinstance(level, str):
        return level
    for value, is_python in ((number, True), (level, "pid" not in flat)):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return name_of_number(value, is_python=is_python)
    return None


def _taken_exception(flat: dict[str, Any]) -> dict[str, Any]:
    """The fields ``error.*``, from ECS's own or from a traceback in one of the usual places."""
    if flat.keys().isdisjoint(_ERRORS):
        return {}
    kinds = [flat.pop(f"error.{name}", None) for name in ("type", "message", "stack_trace")]
    trace: Any = kinds[2]
    if trace is None:
        trace = _taken(flat, _EXCEPTIONS)
    if isinstance(trace, list):
        # structlog's dict_tracebacks, or lines.
        listed = cast("list[Any]", trace)
        first = listed[0] if listed else None
        if isinstance(first, dict):
            told = cast("dict[str, Any]", first)
            kinds[0] = kinds[0] or told.get("exc_type")
            kinds[1] = kinds[1] or told.get("exc_value")
        elif all(isinstance(line, str) for line in listed):
            trace = "\n".join(listed)
    if isinstance(trace, str) and (START in trace or trace.startswith("  | ")):
        read = tracebacks.read(trace.split("\n"))
        kinds[0], kinds[1] = kinds[0] or read.type, kinds[1] or read.message
    elif isinstance(trace, (bool, int)):
        trace = None
    values: dict[str, Any] = {
        "error.type": kinds[0],
        "error.message": kinds[1],
        "error.stack_trace": trace,
    }
    return {name: as_text(value) for name, value in values.items() if value}


def _add_others(record: ParsedRecord, flat: dict[str, Any]) -> None:
    left = MAX_LABELS
    for name, value in flat.items():
        plan = _plan(name)
        if plan is None or value is None:
            continue
        field, limit = plan
        if limit == 0:
            if type(value) is int:
                record.fields[field] = value
            continue
        if limit == MAX_LABEL:
            left -= 1
            if left < 0:
                record.is_cut = True
                return
        text = value if type(value) is str else as_text(value)
        if len(text) > limit:
            text, record.is_cut = cut(text, limit), True
        record.fields[field] = text


@lru_cache(maxsize=2048)
def _plan(name: str) -> tuple[str, int] | None:
    """The field that a name becomes, and how many characters of it are kept, 0 for a number; None for none."""
    if name in _LEFT_OUT or name.startswith(("openreplay.", "error.", "session.")):
        return None
    if name in _NUMBERS:
        return name, 0
    head = name.partition(".")[0]
    if head in _ECS and head != name:
        return label_name(name), MAX_KEYWORD
    return f"labels.{label_name(name.removeprefix('labels.'))}", MAX_LABEL


def cut_long(record: ParsedRecord) -> None:
    """Cut what no document holds in full, and mark it."""
    for name, limit in (
        ("error.type", MAX_KEYWORD), ("service.name", MAX_KEYWORD),
        ("error.message", MAX_TEXT), ("error.stack_trace", MAX_TEXT),
    ):  # fmt: skip
        text = record.fields.get(name)
        if text is not None and len(text) > limit:
            record.fields[name], record.is_cut = cut(text, limit), True
