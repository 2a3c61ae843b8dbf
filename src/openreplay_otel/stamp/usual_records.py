"""Makes OpenTelemetry's record of a usual record of ``logging`` in few steps: text, plain extras, no exception.

OpenTelemetry's handler is asked for all others, and takes more than half of a log call: each record becomes
three objects, and each of its attributes is cleaned although most need no cleaning. Here the same three objects
are copies of some that the SDK itself has made. What these look like is learnt from the SDK that is there, and a
handler whose samples do not come out the same both ways is left alone: another version of the SDK may so cost
the gain, but never a record.
"""

# ruff: noqa: SLF001 - what is private of the SDK's is looked into here, and all of it is compared before it is used

from __future__ import annotations

import copy
import logging
import sys
import threading
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry._logs import LogRecord, get_logger
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import attach, detach, get_current
from opentelemetry.sdk._logs import Logger, ReadWriteLogRecord
from opentelemetry.semconv.attributes import code_attributes
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_logger = logging.getLogger(__name__)

_new: Final = object.__new__
_PLAIN: Final = frozenset({str, int, float, bool})
_SPECIAL: Final = ("otel.", "event.")
"""The handler makes fields of the record of some extras with such names, a later version perhaps of more."""
_MOST_LEARNT: Final = 4096
_OF_EACH_RECORD: Final = (
    "timestamp", "observed_timestamp", "context", "trace_id", "span_id", "trace_flags",
    "severity_text", "severity_number", "body", "attributes",
)  # fmt: skip
_FEW: Final = 16
"""The samples have fewer attributes."""
_FILE: Final = code_attributes.CODE_FILE_PATH
_FUNCTION: Final = code_attributes.CODE_FUNCTION_NAME
_LINE: Final = code_attributes.CODE_LINE_NUMBER


_Common = tuple[tuple[str, Any], ...]


class _Learnt(NamedTuple):
    """A logger of the SDK, and what the objects that it makes have in common, by attribute."""

    logger: Any
    writable: _Common
    record: _Common
    attributes: _Common
    most_attributes: int
    new_lock: Callable[[], Any]


class UsualRecords:
    """Does the work of one of OpenTelemetry's handlers for usual records; safe to use from several threads.

    Args:
        handler: A ``LoggingHandler`` of OpenTelemetry's, and not of a class derived from it.

    Raises:
        AttributeError: It lacks what each version known has.
    """

    def __init__(self, handler: Any) -> None:
        self._handler = handler
        self._kind: Any = type(handler)
        self._ways = (self._kind._translate, self._kind._get_attributes)
        self._provider = handler._logger_provider
        # The handler that is a part of the SDK has no choice there.
        self._names_code: bool = getattr(handler, "_log_code_attributes", True)
        self._reserved: frozenset[str] = sys.modules[type(handler).__module__]._RESERVED_ATTRS
        self._is_emitting = getattr(handler, "_is_emitting", None)
        self._is_alike: bool | None = None
        self._learnt: dict[str, _Learnt | None] = {}
        self._levels: dict[tuple[int, str], tuple[Any, Any]] = {}

    def emit(self, record: logging.LogRecord) -> bool:
        """Emit a record as the handler would.

        Returns:
            False for one that is not a usual one: nothing was done.
        """
        try:
            learnt = self._learnt[record.name]
        except KeyError:
            learnt = self._learn(record.name)
        if learnt is None:
            return False
        try:
            made = self._make(record, learnt)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, the handler knows what to do
            return False
        if made is None:
            return False
        is_emitting = self._is_emitting
        if is_emitting is None:
            learnt.logger.emit(made)
            return True
        if is_emitting.get():
            return False
        token = is_emitting.set(True)
        try:
            learnt.logger.emit(made)
        finally:
            is_emitting.reset(token)
        return True

    def _make(self, record: logging.LogRecord, learnt: _Learnt) -> Any:  # noqa: C901 - a call more is a tenth of it
        kind = self._kind
        if (
            record.exc_info
            or type(record.msg) is not str
            or self._handler.formatter is not None
            # Somebody may have put another one over it since.
            or (kind._translate, kind._get_attributes) != self._ways
        ):
            return None
        reserved = self._reserved
        values: dict[str, Any] = {}
        for name, value in record.__dict__.items():
            if name not in reserved:
                if type(value) not in _PLAIN or not name or name.startswith(_SPECIAL):
                    return None
                values[name] = value
        if self._names_code:
            file, function = record.pathname, record.funcName
            if type(file) is not str or type(function) is not str:
                return None
            values[_FILE] = file
            values[_FUNCTION] = function
            values[_LINE] = record.lineno
        logger, writable, common, bounds, most_attributes, new_lock = learnt
        if len(values) > most_attributes:
            return None
        level = (record.levelno, record.levelname)
        try:
            number, text = self._levels[level]
        except KeyError:
            number, text = self._learn_level(*level)
        context = get_current()
        span = get_current_span(context).get_span_context()
        # Not by __init__, which would do once more what has just been done.
        attributes: Any = _new(BoundedAttributes)
        for name, value in bounds:
            setattr(attributes, name, value)
        attributes._dict = values
        attributes._lock = new_lock()
        made: Any = _new(LogRecord)
        made.timestamp = int(record.created * 1e9)
        made.observed_timestamp = time_ns()
        made.context = context
        made.trace_id = span.trace_id
        made.span_id = span.span_id
        made.trace_flags = span.trace_flags
        made.severity_text = text
        made.severity_number = number
        made.body = record.getMessage()
        made.attributes = attributes
        for name, value in common:
            setattr(made, name, value)
        result: Any = _new(ReadWriteLogRecord)
        result.log_record = made
        result.resource = logger.resource
        for name, value in writable:
            setattr(result, name, value)
        return result

    def _learn(self, name: str) -> _Learnt | None:
        logger = get_logger(name, logger_provider=self._provider)
        if type(logger) is not Logger:
            return None  # not kept: the SDK's may come later
        learnt = None
        try:
            learnt = self._learn_from(logger)
            if self._is_alike is None and learnt is not None:
                self._is_alike = self._comes_out_alike(learnt)
        except Exception as error:  # noqa: BLE001 - the handler goes on as without this
            _logger.debug("records of %s take the handler's own way: %s", name, error)
            learnt = None
        if not self._is_alike:
            learnt = None
        if len(self._learnt) >= _MOST_LEARNT:
            self._learnt = {}
        self._learnt[name] = learnt
        return learnt

    def _learn_from(self, logger: Logger) -> _Learnt | None:
        translated = self._handler._translate(_sample())
        # What is over a limit would be warned of.
        translated.attributes = None
        made = _made_by(logger, translated)
        record = made.log_record
        most: int | None = record.attributes.maxlen
        if record.attributes.max_value_len is not None or (most is not None and most < _FEW):
            return None
        is_reentrant = type(record.attributes._lock) is type(threading.RLock())
        return _Learnt(
            logger,
            tuple(_without(made, "log_record", "resource").items()),
            tuple(_without(record, *_OF_EACH_RECORD).items()),
            tuple(_without(record.attributes, "_dict", "_lock").items()),
            sys.maxsize if most is None else most,
            threading.RLock if is_reentrant else threading.Lock,
        )

    def _learn_level(self, number: int, name: str) -> tuple[Any, Any]:
        made = self._handler._translate(_sample(levelno=number, levelname=name))
        if len(self._levels) >= _MOST_LEARNT:
            self._levels = {}
        self._levels[number, name] = (made.severity_number, made.severity_text)
        return made.severity_number, made.severity_text

    def _comes_out_alike(self, learnt: _Learnt) -> bool:
        for context, record in _samples():
            token = attach(context)
            try:
                ours = self._make(record, learnt)
                theirs = _made_by(learnt.logger, self._handler._translate(record))
            finally:
                detach(token)
            if ours is None or _parts(ours) != _parts(theirs):
                return False
        return True


def _made_by(logger: Logger, record: LogRecord) -> Any:
    """What the logger would hand to its processors."""
    catching: Any = copy.copy(logger)
    caught = _Caught()
    catching._multi_log_record_processor = caught
    if hasattr(catching, "_logger_metrics"):
        catching._logger_metrics = caught
    catching.emit(record)
    return caught.record


class _Caught:
    """In place of a logger's processors, and of what counts its records."""

    record: Any = None

    def on_emit(self, log_record: Any) -> None:
        self.record = log_record

    def emit_log(self) -> None:
        """Samples are not counted."""


def _sample(text: str = "a sample", *arguments: object, **more: Any) -> logging.LogRecord:
    record = logging.LogRecord(__name__, logging.INFO, __file__, 1, text, arguments, None, "sample")
    vars(record).update(more)
    return record


def _samples() -> Iterator[tuple[Any, logging.LogRecord]]:
    here = get_current()
    span = NonRecordingSpan(SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1)))
    yield here, _sample()
    yield here, _sample("%s of %d", "one", 2, order_id=7, ok=True, share=0.5, who="Zoë")
    # As another handler's formatter leaves it.
    yield here, _sample(message="a sample", asctime="now", exc_text=None, taskName="Task-1")
    for number, name in ((30, "WARNING"), (40, "ERROR"), (50, "CRITICAL"), (25, "NOTICE"), (5, "")):
        yield set_span_in_context(span, here), _sample(levelno=number, levelname=name)


def _parts(made: Any) -> list[object]:
    """All that a record consists of, to compare."""
    record, attributes = made.log_record, made.log_record.attributes
    return [
        *map(type, (made, record, attributes, made.limits, attributes._lock)),
        _without(made, "log_record", "limits"),
        _without(record, "observed_timestamp", "attributes"),
        _without(attributes, "_lock"),
    ]


def _without(found: object, *names: str) -> dict[str, Any]:
    return {name: value for name, value in vars(found).items() if name not in names}
