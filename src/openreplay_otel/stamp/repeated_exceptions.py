"""What an instrumentation tells that a log line tells as well: one of the two records is enough."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.context import attach, detach
from opentelemetry.semconv.attributes.exception_attributes import EXCEPTION_MESSAGE, EXCEPTION_TYPE

from ..context.exception_memory import mark_logged, session_id_of_exception
from ..context.session_context import session_id_of, with_session_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches

_EVENT: Final = "exception"
_EVENTS: Final = ".exception"
_LEVELS: Final = {
    "debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "warning": logging.WARNING,
    "error": logging.ERROR, "exception": logging.ERROR, "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
}  # fmt: skip
_SCOPES: Final = frozenset({"opentelemetry.instrumentation.exceptions"})


def told_error(log_record: Any) -> BaseException | None:
    """The exception of a record that an instrumentation made to tell of it; None for any other record.

    Such records are events (``exception``, ``http.server.request.exception``), as OpenTelemetry's conventions have
    it, also where ``OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`` puts them in the place of span events.

    Args:
        log_record: As a processor gets it.
    """
    record = log_record.log_record
    name = record.event_name
    if name != _EVENT and not (type(name) is str and name.endswith(_EVENTS)):
        scope = log_record.instrumentation_scope
        if record.exception is None or scope is None or scope.name not in _SCOPES:
            return None
    error: BaseException | None = record.exception
    return _in_flight(record.attributes or {}) if error is None else error


def _in_flight(attributes: Mapping[str, Any]) -> BaseException | None:
    """The exception that is being handled here, if it is the one that the attributes tell of."""
    error = sys.exc_info()[1]
    told = attributes.get(EXCEPTION_TYPE)
    if error is None or type(told) is not str:
        return None
    if told.rpartition(".")[2] != type(error).__name__:
        return None
    return error if attributes.get(EXCEPTION_MESSAGE, "") == str(error) else None


def hook_structlog_instrumentation(patches: Patches) -> None:
    """Let structlog's instrumentation leave to ``logging`` what goes there anyway, and know an exception's session."""

    def process(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        if len(args) != 3:
            return wrapped(*args, **kwargs)
        logger, method, event = args
        if isinstance(logger, logging.Logger) and logger.isEnabledFor(_LEVELS.get(method, 0)):
            return event
        error = _error_of(event.get("exc_info"))
        if error is None:
            return wrapped(*args, **kwargs)
        mark_logged(error)
        session_id = None if session_id_of() is not None else session_id_of_exception(error)
        if session_id is None:
            return wrapped(*args, **kwargs)
        token = attach(with_session_id(session_id))
        try:
            return wrapped(*args, **kwargs)
        finally:
            detach(token)

    patches.after_import(
        "opentelemetry.instrumentation.structlog",
        lambda module: patches.wrap(module.StructlogProcessor, "__call__", process),
    )


def _error_of(given: object) -> BaseException | None:
    """The exception that structlog's ``exc_info`` means: itself, a triple, or True for the current one."""
    if given is True:
        return sys.exc_info()[1]
    if isinstance(given, tuple):
        given = next(
            (one for one in cast("tuple[object, ...]", given) if isinstance(one, BaseException)),
            None,
        )
    return given if isinstance(given, BaseException) else None
