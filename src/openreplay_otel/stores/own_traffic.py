"""Keeps a store's own requests out of the telemetry that they carry: no log lines, no spans."""

from __future__ import annotations

import contextlib
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from opentelemetry.instrumentation.utils import suppress_instrumentation

if TYPE_CHECKING:
    from collections.abc import Generator

_is_own: ContextVar[bool] = ContextVar("openreplay_otel_own_traffic", default=False)

_LOGGERS: Final = (
    "elastic_transport.transport",
    "elastic_transport.node",
    "elastic_transport.node_pool",
    "urllib3.connectionpool",
    "urllib3.connection",
    "urllib3.util.retry",
    "urllib3.util.ssl_match_hostname",
)


class _OwnTrafficFilter(logging.Filter):
    """Stops the lines that the client logs about our requests; those about the app's pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _is_own.get()


_FILTER: Final = _OwnTrafficFilter()


def keep_quiet() -> None:
    """Put the filter on the loggers of the client's stack; a second call changes nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)


def is_own_traffic() -> bool:
    """Tell whether a request of this package is under way in this thread."""
    return _is_own.get()


@contextlib.contextmanager
def own_traffic() -> Generator[None]:
    """Mark what happens inside as a request of this package."""
    token = _is_own.set(True)
    try:
        with suppress_instrumentation():
            yield
    finally:
        _is_own.reset(token)
