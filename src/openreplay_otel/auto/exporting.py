"""The processor for an exporter: the durable one in place of the SDK's queue and our exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from ..export import DurableLogRecordProcessor, OpenReplayLogExporter

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk._logs.export import LogRecordExporter


def exporting_processor(
    exporter: LogRecordExporter, *args: Any, **kwargs: Any
) -> LogRecordProcessor:
    """The processor for an exporter named in ``OTEL_LOGS_EXPORTER``.

    Args:
        exporter: Any exporter; records for our own one take the durable processor, on disk at once.
        *args: For the batch processor.
        **kwargs: The same.
    """
    if isinstance(exporter, OpenReplayLogExporter):
        return DurableLogRecordProcessor(exporter.durable, settings=exporter.settings)
    return BatchLogRecordProcessor(exporter, *args, **kwargs)
