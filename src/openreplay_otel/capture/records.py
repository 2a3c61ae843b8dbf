"""A line of ``logging`` as a record of OpenTelemetry, by its public API: all of it read now, plain and bounded."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import get_current
from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.semconv.attributes.code_attributes import (
    CODE_FILE_PATH,
    CODE_FUNCTION_NAME,
    CODE_LINE_NUMBER,
)
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)

from ..context.exception_memory import mark_logged, session_id_of_exception
from ..context.session_context import NotedSession, session_id_of, with_session_id
from ..document.coercion import MAX_KEYWORD, MAX_TEXT, as_text, attribute_value, cut
from ..names import ATTRIBUTE_SESSION_ID, FIELD_TRUNCATED
from ..signals import is_from_signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.context import Context

_OWN: Final = frozenset(
    (*vars(logging.makeLogRecord({})), "asctime", "message", "taskName", "getMessage")
)
"""What each record of ``logging`` has; the rest is what the app adds by ``extra=``."""
_NOT_THE_APPS: Final = frozenset({ATTRIBUTE_SESSION_ID})
"""Names that only the stamp gives."""
_EVENT_NAMES: Final = ("otel.event.name", "event.name")
_OF_STRUCTLOG: Final = frozenset({"_logger", "_name"})
_TEXTS: Final = ("event", "message")
_TEXT_OF_LEVEL: Final = {"WARNING": "WARN", "CRITICAL": "FATAL"}
_MOST_LEVELS: Final = 256
_MOST_ARGUMENTS: Final = 100
_NS: Final = 1e9
_LATEST: Final = 253_402_300_800
"""The end of the year 9999 in seconds."""


class Records:
    """Makes records; safe to use from several threads."""

    def __init__(self) -> None:
        limits = LogRecordLimits()
        # The SDK writes a line for each attribute that goes beyond its limits.
        most: int | None = limits.max_log_record_attributes
        self._most = sys.maxsize if most is None else most
        self._longest: int | None = limits.max_log_record_attribute_length
        self._levels: dict[tuple[int, str], tuple[SeverityNumber, str]] = {}

    def of(self, line: logging.LogRecord) -> LogRecord:
        """The record of a line; the session of its exception counts where the context has none."""
        try:
            return self._of(line)
        except Exception as error:
            if is_from_signal(error):
                raise
            # Made by hand, from what came over a socket for instance.
            return self._of(_mended(line))

    def _of(self, line: logging.LogRecord) -> LogRecord:
        attributes: dict[str, Any] = {
            CODE_FILE_PATH: line.pathname,
            CODE_FUNCTION_NAME: line.funcName,
            CODE_LINE_NUMBER: line.lineno,
        }
        if type(line.pathname) is not str or type(line.lineno) is not int:
            attributes = {name: attribute_value(value) for name, value in attributes.items()}
        context = get_current()
        fields = line.__dict__
        msg: Any = line.msg
        info: Any = line.exc_info
        if type(msg) is dict and not line.args:
            event = cast("dict[Any, Any]", msg)
            body = self._of_mapping(event, fields, attributes)
            info = info or _info_of(event.get("exc_info"))
        else:
            body = line.msg if type(line.msg) is str and not line.args else message_of(line)
            if not fields.keys() <= _OWN:
                self._add(attributes, fields.items(), _OWN)
        if type(bound := fields.get("extra")) is dict:
            # What loguru binds, as it hands lines to ``logging``.
            attributes.pop("extra", None)
            self._add(attributes, cast("dict[Any, Any]", bound).items(), _OWN)
        context = _with_noted(context, fields, cast("object", msg), cast("object", bound))
        if info or line.exc_text:
            context = _add_exception(attributes, info, line.exc_text, context)
        event_name = None
        if "event.name" in attributes or "otel.event.name" in attributes:
            names = [attributes.pop(name, None) for name in _EVENT_NAMES]
            event_name = next((as_text(name) for name in names if name is not None), None)
        if len(attributes) > self._most or self._longest is not None:
            attributes = self._within_limits(attributes)
        try:
            number, text = self._levels[line.levelno, line.levelname]
        except KeyError:
            number, text = self._learn_level(line.levelno, line.levelname)
        return LogRecord(
            timestamp=int(line.created * _NS),
            context=context,
            severity_number=number,
            severity_text=text,
            body=body,
            attributes=attributes,
            event_name=event_name,
        )

    def _add(
        self,
        attributes: dict[str, Any],
        items: Iterable[tuple[Any, Any]],
        left_out: frozenset[str],
    ) -> None:
        for key, value in items:
            if key in left_out:
                continue
            if len(attributes) >= self._most:
                attributes[FIELD_TRUNCATED] = True
                return
            name = (key if type(key) is str and key else as_text(key) or "_")[:MAX_KEYWORD]
            if name not in _NOT_THE_APPS:
                attributes[name] = attribute_value(value)

    def _of_mapping(
        self, msg: dict[Any, Any], fields: Mapping[str, Any], attributes: dict[str, Any]
    ) -> str:
        """A line whose message is a dict, as structlog hands it to a formatter: its keys are attributes."""
        found = next((key for key in _TEXTS if type(msg.get(key)) is str), None)
        if found is None:
            self._add(attributes, fields.items(), _OWN)
            return as_text(msg)
        self._add(attributes, fields.items(), _OWN | _OF_STRUCTLOG)
        self._add(attributes, msg.items(), frozenset((found, "exc_info", "exception")))
        if type(text := msg.get("exception")) is str:
            attributes[EXCEPTION_STACKTRACE] = cut(text, MAX_TEXT)
        return cast("str", msg[found])

    def _within_limits(self, attributes: dict[str, Any]) -> dict[str, Any]:
        kept = attributes
        if len(attributes) > self._most:
            kept = dict(islice(attributes.items(), max(0, self._most - 1)))
            kept[FIELD_TRUNCATED] = True
        if self._longest is not None:
            for name, value in kept.items():
                if type(value) is str and len(value) > self._longest:
                    kept[name] = value[: self._longest]
        return kept

    def _learn_level(self, number: int, name: str) -> tuple[SeverityNumber, str]:
        learnt = severity_of(number), _TEXT_OF_LEVEL.get(name, name)
        if len(self._levels) >= _MOST_LEVELS:
            self._levels = {}
        self._levels[number, name] = learnt
        return learnt


def _mended(line: logging.LogRecord) -> logging.LogRecord:
    """A line with the type of each field as ``logging`` itself has it."""
    fields: dict[str, Any] = dict(line.__dict__)
    at: Any = fields.get("created")
    is_time = type(at) in (int, float) and 0 <= at < _LATEST
    fields["created"] = float(at) if is_time else time.time()
    level: Any = fields.get("levelno")
    fields["levelno"] = level if type(level) is int else logging.NOTSET
    fields["msg"], fields["args"] = message_of(line), ()
    for name in ("levelname", "pathname", "funcName"):
        fields[name] = as_text(fields.get(name))
    fields["lineno"] = attribute_value(fields.get("lineno"))
    return logging.makeLogRecord(fields)


def severity_of(level: int) -> SeverityNumber:
    """OpenTelemetry's number for a level of ``logging``: 30 is WARN, 31 WARN2, up to 53, which is FATAL4."""
    if level < 10:
        return SeverityNumber.TRACE if level > 0 else SeverityNumber.UNSPECIFIED
    tens, rest = divmod(min(level, 53), 10)
    return SeverityNumber(1 + 4 * tens + min(rest, 3))


def error_of(info: object) -> BaseException | None:
    """The exception in ``exc_info``, which may be anything where a record was made by hand."""
    error: object = cast("tuple[object, ...]", info)[1] if _is_triple(info) else info
    return error if isinstance(error, BaseException) else None


def error_in(line: logging.LogRecord) -> BaseException | None:
    """The exception that a line carries, also where structlog hands it on in the message."""
    info: object = line.exc_info
    msg: object = line.msg
    if not info and type(msg) is dict:
        info = _info_of(cast("dict[Any, Any]", msg).get("exc_info"))
    return error_of(info)


def message_of(line: logging.LogRecord) -> str:
    """The text of a line; where the arguments do not fit, what there is of it."""
    try:
        return str.__str__(line.getMessage())
    except Exception as error:
        if is_from_signal(error):
            raise
    template = as_text(line.msg)
    args: Any = line.args
    if isinstance(args, dict):
        args = (cast("object", args),)
    if not isinstance(args, tuple):
        return f"{template} ({as_text(args)})" if args is not None else template
    readable = [_readable(arg) for arg in cast("tuple[object, ...]", args)[:_MOST_ARGUMENTS]]
    try:
        return template % tuple(readable)
    except Exception as error:
        if is_from_signal(error):
            raise
    return f"{template} ({', '.join(map(as_text, readable))})" if readable else template


def _readable(value: object) -> object:
    return value if type(value) in (str, int, float) else as_text(value)


def _with_noted(context: Context, *places: object) -> Context:
    """The context with the session that this package noted before the line went to another thread."""
    for place in places:
        if type(place) is dict and ATTRIBUTE_SESSION_ID in place:
            noted = cast("dict[Any, Any]", place)[ATTRIBUTE_SESSION_ID]
            if type(noted) is NotedSession and session_id_of(context) is None:
                return with_session_id(str(noted), context)
    return context


def _is_triple(info: object) -> bool:
    return isinstance(info, tuple) and len(cast("tuple[object, ...]", info)) == 3


def _info_of(given: object) -> Any:
    """What structlog's ``exc_info`` means: an exception, a triple, or True for the current one."""
    if isinstance(given, BaseException):
        return (type(given), given, given.__traceback__)
    if _is_triple(given):
        return given
    return sys.exc_info() if given else None


def _add_exception(
    attributes: dict[str, Any], info: Any, exc_text: Any, context: Context
) -> Context:
    """Add the exception; returns the context with its session where that one has none."""
    error = error_of(info)
    if error is None:
        # A queue or a socket brings the text alone.
        if type(exc_text) is str and exc_text.strip():
            attributes[EXCEPTION_STACKTRACE] = cut(exc_text, MAX_TEXT)
        return context
    mark_logged(error)
    name = type(error).__name__
    attributes[EXCEPTION_TYPE] = name
    message = as_text(error)
    if message:
        attributes[EXCEPTION_MESSAGE] = cut(message, MAX_TEXT)
    trace = info[2] if _is_triple(info) else error.__traceback__
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception as failure:
        if is_from_signal(failure):
            raise
        text = f"{name}: {message}"
    attributes[EXCEPTION_STACKTRACE] = cut(text, MAX_TEXT)
    if session_id_of(context) is None:
        session_id = session_id_of_exception(error)
        if session_id is not None:
            return with_session_id(session_id, context)
    return context
