"""Puts a processor before those that a provider has already."""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor

_logger = logging.getLogger(__name__)


def add_first(provider: LoggerProvider, processor: LogRecordProcessor) -> None:
    """Add a processor so that it acts before all that were added earlier.

    The SDK calls processors in the order of adding and has no way to add one in front. A stamp behind
    an exporting processor would come too late for what that one exports.

    Args:
        provider: An SDK logger provider.
        processor: The processor to put in front.
    """
    provider.add_log_record_processor(processor)
    multi: Any = getattr(provider, "_multi_log_record_processor", None)
    lock = getattr(multi, "_lock", None)
    if lock is None or not isinstance(getattr(multi, "_log_record_processors", None), tuple):
        _logger.warning(
            "this OpenTelemetry SDK does not let a processor be put first; add %s before any"
            " exporting processor", type(processor).__name__,
        )  # fmt: skip
        return
    with lock:
        others = tuple(p for p in multi._log_record_processors if p is not processor)  # noqa: SLF001
        multi._log_record_processors = (processor, *others)  # noqa: SLF001 - no public way, see above


def remove(provider: LoggerProvider, processor: LogRecordProcessor) -> None:
    """Take a processor out of a provider; nothing happens where it is not there.

    Args:
        provider: An SDK logger provider.
        processor: The processor to take out; it is not shut down.
    """
    multi: Any = getattr(provider, "_multi_log_record_processor", None)
    lock = getattr(multi, "_lock", None)
    if lock is None:
        return
    with lock:
        multi._log_record_processors = tuple(  # noqa: SLF001 - no public way to take one out
            p for p in multi._log_record_processors if p is not processor  # noqa: SLF001
        )
