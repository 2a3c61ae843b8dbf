"""Records of ``logging``: with the session of the exception they carry, and those of the servers' own loggers."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import attach, detach

from ..context.exception_memory import mark_logged, session_id_of_exception
from ..context.session_context import session_id_of, with_session_id
from .usual_records import UsualRecords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches

_logger = logging.getLogger(__name__)

_HANDLER_MODULES: Final = (
    "opentelemetry.instrumentation.logging.handler",
    "opentelemetry.sdk._logs",
)
_HANDLER: Final = "LoggingHandler"

_APART: Final = {
    "uvicorn.config": (
        "Config",
        "configure_logging",
        ("uvicorn", "uvicorn.error", "uvicorn.access"),
    ),
    "gunicorn.glogging": ("Logger", "setup", ("gunicorn.error", "gunicorn.access")),
    "hypercorn.logging": ("Logger", "__init__", ("hypercorn.error", "hypercorn.access")),
}
"""Servers that keep their loggers apart from the root logger, and what sets these up."""


def is_otel_handler(handler: logging.Handler) -> bool:
    """Tell whether a handler hands records to OpenTelemetry, whichever package it is from."""
    kind = type(handler)
    return kind.__name__ == _HANDLER and kind.__module__.startswith("opentelemetry.")


def hook_log_handler(patches: Patches) -> None:
    """Let a record whose context has no session take that of its exception."""
    patched: list[Any] = []

    def patch(module: Any) -> None:
        kind = getattr(module, _HANDLER, None)
        # In some versions both modules have the same class.
        if kind is not None and kind not in patched and "emit" in vars(kind):
            patched.append(kind)
            patches.put_over(kind, "emit", lambda original: _emitting(original, kind, patches))

    for module in _HANDLER_MODULES:
        patches.after_import(module, patch)


def _emitting(original: Callable[..., None], kind: type, patches: Patches) -> Callable[..., None]:
    @functools.wraps(original)
    def emit(self: Any, record: logging.LogRecord) -> None:
        if not patches.is_on:
            original(self, record)
        elif record.exc_info and record.exc_info[1] is not None:
            _emit_with_exception(original, self, record, record.exc_info[1])
        else:
            try:
                emit_usual = self.openreplay_emit_usual
            except AttributeError:
                emit_usual = self.openreplay_emit_usual = _emit_usual(self, kind)
            if emit_usual is None or not emit_usual(record):
                original(self, record)

    return emit


def _emit_usual(handler: Any, kind: type) -> Callable[[logging.LogRecord], bool] | None:
    if type(handler) is not kind:
        return None  # it may do what this does not know of
    try:
        return UsualRecords(handler).emit
    except Exception as error:  # noqa: BLE001 - another version of it goes on as without this
        _logger.debug("records take the handler's own way: %s", error)
        return None


def _emit_with_exception(
    original: Callable[..., None], handler: Any, record: logging.LogRecord, error: BaseException
) -> None:
    session_id = None if session_id_of() is not None else session_id_of_exception(error)
    mark_logged(error)
    if session_id is None:
        original(handler, record)
        return
    token = attach(with_session_id(session_id))
    try:
        original(handler, record)
    finally:
        detach(token)


class RootHandlerToo(logging.Handler):
    """Hands a record of a logger that stands apart to OpenTelemetry's handlers of the root logger."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it on; not where it gets to the root logger by itself."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None and logger.propagate:
            logger = logger.parent
        if logger is None:
            return
        for handler in logging.getLogger().handlers:
            if is_otel_handler(handler) and record.levelno >= handler.level:
                handler.handle(record)


def hook_server_loggers(patches: Patches) -> None:
    """Let the tracebacks and access lines of servers become records, too."""
    handler = RootHandlerToo()
    reached: set[str] = set()

    def join(names: Sequence[str]) -> None:
        for name in names:
            logger = logging.getLogger(name)
            # Where handlers are: its records pass there, those of its children as well. One without any was muted
            # (uvicorn's --no-access-log), and by a handler of ours its server would think that lines are wanted.
            if not logger.propagate and logger.handlers and handler not in logger.handlers:
                logger.addHandler(handler)
                reached.add(name)

    def leave() -> None:
        for name in reached:
            logging.getLogger(name).removeHandler(handler)

    patches.at_removal(leave)
    for module, (owner, method, names) in _APART.items():

        def patch(
            found: Any, owner: str = owner, method: str = method, names: Sequence[str] = names
        ) -> None:
            def after(
                wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
            ) -> Any:
                result = wrapped(*args, **kwargs)
                join(names)
                return result

            patches.wrap(getattr(found, owner), method, after)
            join(names)

        patches.after_import(module, patch)


def hook_celery_root(patches: Patches) -> None:
    """Celery's worker takes all handlers off the root logger: put OpenTelemetry's back."""

    def around(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        root = logging.getLogger()
        ours = [handler for handler in root.handlers if is_otel_handler(handler)]
        try:
            return wrapped(*args, **kwargs)
        finally:
            for handler in ours:
                root.addHandler(handler)

    patches.after_import(
        "celery.app.log",
        lambda module: patches.wrap(module.Logging, "setup_logging_subsystem", around),
    )
