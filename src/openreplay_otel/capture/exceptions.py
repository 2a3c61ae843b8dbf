"""Error records of exceptions that nobody logs: those uncaught, and those only noted on a span."""

from __future__ import annotations

import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)
from opentelemetry.trace import SpanKind, set_span_in_context

from ..context.exception_memory import (
    at_leaving,
    if_never_logged,
    is_recorded,
    mark_logged,
    memory_of,
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
_OF_REQUESTS: Final = (SpanKind.SERVER, SpanKind.CONSUMER)


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
    if not is_recorded(error):
        mark_logged(error)
        _record_of(error, with_session_id(session_id), f"Uncaught exception in {where}")()
    return session_id


def record_unless_logged(
    error: BaseException | None, what: str, context: Context | None = None
) -> None:
    """Make an error record of an exception of a session in one second, unless somebody logs it by then.

    Args:
        error: The exception.
        what: How it was seen, for the record's text.
        context: The context that the record belongs to; the current one where None.
    """
    if not isinstance(error, Exception) or is_recorded(error):
        return
    session_id = session_id_of(context) or session_id_of_exception(error)
    if session_id is not None:
        if_never_logged(error, _record_of(error, with_session_id(session_id, context), what))


def hook_span_exceptions(patches: Patches) -> None:
    """Make records of exceptions that end a request or a job, as its span tells, and that nobody logs.

    What another span of the request notes may have been handled since: a cache that does not answer, a key that is
    not there. It becomes a record where it leaves the request, see :func:`hook_leaving`.
    """

    def record_exception(
        wrapped: Callable[..., Any], span: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        result = wrapped(*args, **kwargs)
        error = args[0] if args else kwargs.get("exception")
        if isinstance(error, Exception):
            if getattr(span, "kind", None) in _OF_REQUESTS:
                record_unless_logged(error, "Exception on a span", set_span_in_context(span))
            elif session_id_of() is not None:
                _note_span(error, span)
        return result

    patches.after_import(
        "opentelemetry.sdk.trace",
        lambda module: patches.wrap(module.Span, "record_exception", record_exception),
    )


def _note_span(error: Exception, span: Span) -> None:
    memory = memory_of(error, make=True)
    if memory is not None and memory.on_span is None:
        memory.on_span = set_span_in_context(span)


def hook_leaving(patches: Patches) -> None:
    """Make records of exceptions that leave their request: those that the app let out, and those on a span."""

    def tell(error: BaseException, is_unhandled: bool) -> None:  # noqa: FBT001 - as it is called
        # What is raised here would take the place of the app's own error.
        with suppress(Exception):
            memory = memory_of(error)
            context = None if memory is None else memory.on_span
            if is_unhandled or context is not None:
                record_unless_logged(error, "Unhandled exception", context)

    patches.at_removal(at_leaving(tell))


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
