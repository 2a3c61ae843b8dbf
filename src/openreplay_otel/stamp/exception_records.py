"""Error records of exceptions that nobody logs: those uncaught, and those only noted on a span."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from opentelemetry.trace import set_span_in_context

from ..context.exception_memory import (
    if_never_logged,
    is_logged,
    mark_logged,
    session_id_of_exception,
)
from ..context.session_context import session_id_of, with_session_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from ..patching import Patches

LOGGER_NAME: Final = "openreplay.exceptions"
"""Not of this package's name: what it logs about itself is not stored."""


def record_uncaught(error: BaseException, where: str) -> str | None:
    """Make an error record of an uncaught exception of a session, unless a record has it already.

    Args:
        error: The exception.
        where: What it ended, for the record's text.

    Returns:
        The session it belongs to, or None.
    """
    session_id = session_id_of() or session_id_of_exception(error)
    if session_id is None or not isinstance(error, Exception):
        return session_id
    if not is_logged(error):
        mark_logged(error)
        _record_of(error, with_session_id(session_id), f"Uncaught exception in {where}")()
    return session_id


def record_unless_logged(error: BaseException | None, what: str, span: Span | None = None) -> None:
    """Make an error record of an exception of a session, once it is gone and nobody has logged it.

    Args:
        error: The exception.
        what: How it was seen, for the record's text.
        span: The span that the record belongs to; the current one where None.
    """
    if not isinstance(error, Exception) or is_logged(error):
        return
    session_id = session_id_of() or session_id_of_exception(error)
    if session_id is not None:
        context = with_session_id(session_id)
        context = context if span is None else set_span_in_context(span, context)
        if_never_logged(error, _record_of(error, context, what))


def hook_span_exceptions(patches: Patches) -> None:
    """Make records of exceptions that are recorded on a span and then logged by nobody."""

    def record_exception(
        wrapped: Callable[..., Any], span: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        result = wrapped(*args, **kwargs)
        error = args[0] if args else kwargs.get("exception")
        record_unless_logged(error, "Exception on a span", span)
        return result

    patches.after_import(
        "opentelemetry.sdk.trace",
        lambda module: patches.wrap(module.Span, "record_exception", record_exception),
    )


def hook_falcon(patches: Patches) -> None:
    """Make records of what Falcon answers with a 500: under WSGI it writes it to ``wsgi.errors`` alone."""

    def handle(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        record_unless_logged(args[2] if len(args) > 2 else None, "Unhandled exception")
        return wrapped(*args, **kwargs)

    patches.after_import(
        "falcon.app", lambda module: patches.wrap(module.App, "_python_error_handler", handle)
    )


def _record_of(error: Exception, context: Context, what: str) -> Callable[[], None]:
    """Read an exception now; what is returned makes a record of it and does not refer to it."""
    name = type(error).__name__
    message = _text(error)
    attributes: dict[str, Any] = {
        EXCEPTION_TYPE: name,
        EXCEPTION_MESSAGE: message,
        EXCEPTION_STACKTRACE: "".join(traceback.format_exception(error)),
    }
    at = time.time_ns()

    def emit() -> None:
        get_logger_provider().get_logger(LOGGER_NAME).emit(
            LogRecord(
                timestamp=at,
                observed_timestamp=time.time_ns(),
                context=context,
                severity_number=SeverityNumber.ERROR,
                severity_text="ERROR",
                body=f"{what}: {name}: {message}" if message else f"{what}: {name}",
                attributes=attributes,
            )
        )

    return emit


def _text(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - as a traceback shows it
        return f"<unprintable {type(error).__name__} object>"
