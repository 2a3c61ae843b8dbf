"""Puts a processor before those that a provider has already."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk._logs import LogRecordProcessor

from .processor import OpenReplayLogRecordProcessor

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider, ReadWriteLogRecord

_logger = logging.getLogger(__name__)

_ACT_FIRST: Final = "_openreplay_otel_act_first"


def add_first(provider: LoggerProvider, processor: LogRecordProcessor) -> None:
    """Add a processor so that it acts before all that were added earlier.

    The SDK calls processors in the order in which they were added, and has no way to add one in front. A stamp
    after an exporting processor would come too late.

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
        others = _others(multi, processor)
        first = processor
        # The SDK's ConcurrentMultiLogRecordProcessor, whose class not every SDK hands out.
        if hasattr(multi, "_executor"):
            _act_before_parallel_ones(multi, processor)
            first = _ActsElsewhere(processor)
        multi._log_record_processors = (first, *others)  # noqa: SLF001 - no public way, see above


def has_stamp(provider: LoggerProvider) -> bool:
    """Tell whether a provider's records are stamped already, with whatever settings."""
    multi: Any = getattr(provider, "_multi_log_record_processor", None)
    present = getattr(multi, "_log_record_processors", ())
    return any(
        isinstance(getattr(one, "processor", one), OpenReplayLogRecordProcessor) for one in present
    )


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
        multi._log_record_processors = _others(multi, processor)  # noqa: SLF001 - no public way
        acting: list[LogRecordProcessor] = getattr(multi, _ACT_FIRST, [])
        acting[:] = [p for p in acting if p is not processor]


def _others(multi: Any, processor: LogRecordProcessor) -> tuple[LogRecordProcessor, ...]:
    present: tuple[LogRecordProcessor, ...] = multi._log_record_processors  # noqa: SLF001 - see above
    return tuple(
        one
        for one in present
        if one is not processor
        and not (isinstance(one, _ActsElsewhere) and one.processor is processor)
    )


class _ActsElsewhere(LogRecordProcessor):
    """Stands for a processor among the parallel ones: there, it would act beside them, not before."""

    def __init__(self, processor: LogRecordProcessor) -> None:
        self.processor = processor

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        pass

    def shutdown(self) -> None:
        self.processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self.processor.force_flush(timeout_millis)


def _act_before_parallel_ones(multi: Any, processor: LogRecordProcessor) -> None:
    acting: list[LogRecordProcessor] | None = getattr(multi, _ACT_FIRST, None)
    if acting is not None:
        acting[:] = [processor, *(p for p in acting if p is not processor)]
        return
    acting = [processor]
    in_parallel = multi.on_emit

    def on_emit(log_record: ReadWriteLogRecord) -> None:
        for one in acting:
            one.on_emit(log_record)
        in_parallel(log_record)

    setattr(multi, _ACT_FIRST, acting)
    multi.on_emit = on_emit
