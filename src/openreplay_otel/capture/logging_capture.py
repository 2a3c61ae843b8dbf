"""Takes the lines of ``logging`` where all of them pass: ``Logger.callHandlers``.

A handler of ours would change the app: Python prints by ``logging.lastResort`` only where no handler is found,
``basicConfig`` does nothing once there is one, Flask looks for one. And what the app does with handlers,
``root.handlers = […]``, ``propagate=False``, a queue, would decide whether we see a line. So the lines are taken
after the app's own handlers, in the thread that logged them.
"""

from __future__ import annotations

import functools
import inspect
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import attach, detach

from ..context.exception_memory import mark_logged, session_id_of_exception
from ..context.session_context import session_id_of, with_session_id
from ..patching import Patches
from ..signals import is_from_signal
from ..stores.own_traffic import is_own_traffic
from .handlers import Hearers
from .queues import hook_queues
from .records import Records, error_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextvars import Token
    from types import CodeType

    from opentelemetry._logs import Logger, LoggerProvider
    from opentelemetry.context import Context

_logger = logging.getLogger(__name__)

_NEVER_TAKEN: Final = ("openreplay_otel",)
"""What this package logs about itself would feed itself."""
_MOST_NAMES: Final = 2048
_DEEPEST: Final = 8
"""How many log calls within one another are taken: a value's ``__str__`` may log, and that one's value again."""


class LoggingCapture:
    """Hands the lines of ``logging`` to a provider.

    Where OpenTelemetry's own handler hands a line to the same provider already (another distro, the app's own
    set-up), that one is left to it.

    Args:
        provider: The provider; a logger of the same name as that of ``logging`` is asked of it.
        excluded: Names of loggers whose lines, and those of their children, are left out.
    """

    def __init__(self, provider: LoggerProvider, excluded: Sequence[str] = ()) -> None:
        self._provider = provider
        self._excluded = (*_NEVER_TAKEN, *excluded)
        self._records = Records()
        self._loggers: dict[str, Logger | None] = {}
        self.hearers = Hearers(provider)

    def start(self) -> None:
        """Take lines from now on."""
        with _lock:
            if not _layer.captures:
                _put_layer()
            _layer.captures = (*_layer.captures, self)

    def stop(self) -> None:
        """Take no more lines; nothing is left of the patch once nobody takes any."""
        with _lock:
            _layer.captures = tuple(one for one in _layer.captures if one is not self)
            if not _layer.captures:
                _layer.patches.remove()

    def takes(self, name: str) -> bool:
        """Tell whether lines of a logger are taken, by its name."""
        return not any(name == one or name.startswith(f"{one}.") for one in self._excluded)

    def take(self, logger: logging.Logger, line: logging.LogRecord) -> None:
        """Hand on one line, unless it is left out, muted, or left to OpenTelemetry's handler."""
        try:
            ours = self._loggers[line.name]
        except KeyError:
            ours = self._learn(line.name)
        if ours is not None and self.hearers.leave_it_to_us(logger, line.levelno):
            ours.emit(self._records.of(line))

    def _learn(self, name: str) -> Logger | None:
        found = self._provider.get_logger(name) if self.takes(name) else None
        if len(self._loggers) >= _MOST_NAMES:
            self._loggers = {}
        self._loggers[name] = found
        return found


class _Layer:
    """One patch of ``callHandlers``. Where another package's lies over it, it stays there and does nothing."""

    def __init__(self) -> None:
        self.patches = Patches()
        self.captures: tuple[LoggingCapture, ...] = ()


class _Nesting(threading.local):
    depth = 0


_lock: Final = threading.Lock()
_layer = _Layer()
_nesting: Final = _Nesting()


def _put_layer() -> None:
    global _layer  # noqa: PLW0603 - one for the process, see _Layer
    layer = _layer = _Layer()
    layer.patches.put_over(
        logging.Logger, "callHandlers", lambda original: _calling(original, layer)
    )
    hook_queues(layer.patches, lambda: layer.captures)


def _calling(original: Callable[..., Any], layer: _Layer) -> Callable[..., Any]:
    def call_handlers(logger: logging.Logger, line: logging.LogRecord) -> Any:
        token = None
        try:
            if (line.exc_info or type(line.msg) is dict) and layer.captures:
                token = _lend_session(layer.captures, logger, line)
            return original(logger, line)
        finally:
            if token is not None:
                detach(token)
            if layer.captures:
                _take(layer.captures, logger, line)

    call_handlers.__code__ = _as_one_of_logging(call_handlers.__code__)
    return functools.wraps(original)(call_handlers)


def _as_one_of_logging(code: CodeType) -> CodeType:
    # Who looks for the app's line walks up the stack as long as it is in the file of ``logging``: "--- Logging
    # error ---" does, and loguru's InterceptHandler. A frame of ours would end that walk.
    return code.replace(
        co_filename=logging.addLevelName.__code__.co_filename, co_name="callHandlers"
    )


def _take(
    captures: tuple[LoggingCapture, ...], logger: logging.Logger, line: logging.LogRecord
) -> None:
    depth = _nesting.depth
    if depth >= _DEEPEST:
        # The number may be too high: an exception of a signal can strike before it is put back. The stack is right.
        depth = _depth_on_stack()
        if depth >= _DEEPEST:
            return
    try:
        _nesting.depth = depth + 1
        if not is_own_traffic():
            for capture in captures:
                capture.take(logger, line)
    except Exception as error:
        # An exception of the app's own signal handler is no fault of the line. KeyboardInterrupt, SystemExit, and
        # what else is no Exception, pass anyway.
        if is_from_signal(error):
            raise
        _logger.debug("taking a line failed: %s", type(error).__name__)
    finally:
        _nesting.depth = depth


def _depth_on_stack() -> int:
    depth = -1
    frame = inspect.currentframe()
    while frame is not None:
        depth += frame.f_code is _take.__code__
        frame = frame.f_back
    return depth


def _lend_session(
    captures: tuple[LoggingCapture, ...], logger: logging.Logger, line: logging.LogRecord
) -> Token[Context] | None:
    """Let OpenTelemetry's handler find the session of a line's exception, where the context has none."""
    try:
        error = error_in(line)
        if error is None or not any(one.hearers.meets_otel_handler(logger) for one in captures):
            return None
        mark_logged(error)
        session_id = None if session_id_of() is not None else session_id_of_exception(error)
        return None if session_id is None else attach(with_session_id(session_id))
    except Exception as error:
        if is_from_signal(error):
            raise
        return None
