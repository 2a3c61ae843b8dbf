"""How records get from the provider to an exporter: our own exporter's take the durable way."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from ..export import OpenReplayLogExporter
from ..settings import Settings, variable

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
    from opentelemetry.sdk._logs.export import LogRecordExporter

_logger = logging.getLogger(__name__)


def exporting_processor(
    exporter: LogRecordExporter, *args: Any, **kwargs: Any
) -> LogRecordProcessor:
    """The processor for an exporter named in ``OTEL_LOGS_EXPORTER``.

    Args:
        exporter: Any exporter.
        *args: For the batch processor.
        **kwargs: The same.
    """
    if isinstance(exporter, OpenReplayLogExporter) and Settings.load().store is None:
        _logger.warning(
            "no store is named: records go to %s; %s names another one",
            exporter.store.name, variable("store"),
        )  # fmt: skip
    return BatchLogRecordProcessor(exporter, *args, **kwargs)


def exports_to_store(provider: LoggerProvider) -> bool:
    """Tell whether records of this provider get to a store of this package."""
    return any(
        isinstance(getattr(processor, "exporter", None), OpenReplayLogExporter)
        or isinstance(
            getattr(getattr(processor, "_batch_processor", None), "_exporter", None),
            OpenReplayLogExporter,
        )
        for processor in _processors(provider)
    )


def _processors(provider: LoggerProvider) -> tuple[LogRecordProcessor, ...]:
    multi: Any = getattr(provider, "_multi_log_record_processor", None)
    return tuple(getattr(multi, "_log_record_processors", ()))
