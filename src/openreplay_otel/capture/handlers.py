"""Whether a line of ``logging`` is heard at all, and whether OpenTelemetry's own handler makes a record of it."""

from __future__ import annotations

import logging
from enum import IntEnum
from logging.handlers import MemoryHandler
from typing import TYPE_CHECKING, Any, Final

from opentelemetry._logs import get_logger_provider
from opentelemetry.sdk._logs import LoggerProvider

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME: Final = "LoggingHandler"
_MOST_KINDS: Final = 1024


class _Kind(IntEnum):
    USUAL = 1
    NULL = 2
    OPENTELEMETRY = 3
    BUFFER = 4


_kinds: dict[type, _Kind] = {}


class Hearers:
    """Looks at the handlers that a line meets on its way up the loggers.

    Args:
        provider: Whose handlers count as OpenTelemetry's: those that hand records to it.
    """

    def __init__(self, provider: object) -> None:
        self._provider = provider

    def leave_it_to_us(self, logger: logging.Logger, level: int) -> bool:
        """Tell whether a line is to become a record here.

        Not one that OpenTelemetry's handler has: it would be stored twice, and that handler's own settings would
        not count. Not one that the app mutes either: servers take the handlers off a logger that does not
        propagate, and Django puts a null handler there. Only what Python would print by ``logging.lastResort``
        is heard then.

        Args:
            logger: The logger that was called.
            level: The line's level.
        """
        found = False
        current: logging.Logger | None = logger
        last = logger
        is_heard = False
        while current is not None:
            last = current
            for handler in current.handlers:
                found = True
                kind = _kinds.get(type(handler)) or _learn(type(handler))
                if kind is not _Kind.NULL:
                    is_heard = True
                    if kind is not _Kind.USUAL and self._is_ours(handler, kind):
                        return False
            current = current.parent if current.propagate else None
        if is_heard or last.parent is None:
            return True
        resort = logging.lastResort
        return not found and resort is not None and level >= resort.level

    def meets_otel_handler(self, logger: logging.Logger) -> bool:
        """Tell whether OpenTelemetry's handler is among those that a line of a logger meets."""
        current: logging.Logger | None = logger
        while current is not None:
            if self.among(current.handlers):
                return True
            current = current.parent if current.propagate else None
        return False

    def among(self, handlers: Iterable[logging.Handler]) -> list[logging.Handler]:
        """OpenTelemetry's handlers of this provider among others."""
        return [
            handler
            for handler in handlers
            if self._is_ours(handler, _kinds.get(type(handler)) or _learn(type(handler)))
        ]

    def _is_ours(self, handler: Any, kind: _Kind) -> bool:
        if kind is _Kind.BUFFER:
            target = handler.target
            return target is not None and bool(self.among((target,)))
        if kind is not _Kind.OPENTELEMETRY:
            return False
        # The handler tells it by no public name. One that does not tell it at all may be of this provider.
        provider: object = getattr(handler, "_logger_provider", self._provider)
        if not isinstance(provider, LoggerProvider):
            # Made before there was a provider: it hands records to the global one.
            provider = get_logger_provider()
        return provider is self._provider


def _learn(handler: type[logging.Handler]) -> _Kind:
    if issubclass(handler, logging.NullHandler):
        kind = _Kind.NULL
    elif issubclass(handler, MemoryHandler):
        kind = _Kind.BUFFER
    elif any(
        # The class is in the SDK or in an instrumentation, depending on the version.
        one.__name__ == _NAME and one.__module__.startswith("opentelemetry.")
        for one in handler.__mro__
    ):
        kind = _Kind.OPENTELEMETRY
    else:
        kind = _Kind.USUAL
    if len(_kinds) >= _MOST_KINDS:
        _kinds.clear()
    _kinds[handler] = kind
    return kind
