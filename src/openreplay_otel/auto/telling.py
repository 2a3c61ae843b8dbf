"""Lets warnings of the start be seen, also where OpenTelemetry's handler is the only one."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ..stamp.log_handler import is_otel_handler

if TYPE_CHECKING:
    from collections.abc import Generator

PACKAGE_LOGGER: Final = "openreplay_otel"


@contextmanager
def telling() -> Generator[None]:
    """Show this package's warnings on stderr, as Python does by itself where there is no handler at all.

    At the start of the process the app has set up no logging yet, but OpenTelemetry's handler may be on
    the root logger already, and then Python shows nothing.
    """
    root = logging.getLogger()
    logger = logging.getLogger(PACKAGE_LOGGER)
    last = logging.lastResort
    seen = [
        handler for handler in (*root.handlers, *logger.handlers) if not is_otel_handler(handler)
    ]
    if seen or not root.handlers or last is None:
        yield
        return
    logger.addHandler(last)
    try:
        yield
    finally:
        logger.removeHandler(last)
