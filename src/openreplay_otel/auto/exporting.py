"""How records get from the provider to the store: on the durable way, whoever made the exporter."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from ..export import DurableLogRecordProcessor, OpenReplayLogExporter
from ..settings import variable
from ..stamp.order import remove

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
    from opentelemetry.sdk._logs.export import LogRecordExporter

_logger = logging.getLogger(__name__)


def exporting_processor(
    exporter: LogRecordExporter, *args: Any, **kwargs: Any
) -> LogRecordProcessor:
    """The processor for an exporter named in ``OTEL_LOGS_EXPORTER``.

    Args:
        exporter: Any exporter; in place of our own one stands the durable processor.
        *args: For the batch processor.
        **kwargs: The same.
    """
    if isinstance(exporter, OpenReplayLogExporter):
        return _durable(exporter)
    return BatchLogRecordProcessor(exporter, *args, **kwargs)


def make_durable(provider: LoggerProvider) -> None:
    """Put the durable processor in place of batch processors that another distro put before our exporter."""
    for processor in _processors(provider):
        exporter = _exporter_of(processor)
        if isinstance(exporter, OpenReplayLogExporter):
            provider.add_log_record_processor(_durable(exporter))
            remove(provider, processor)
            processor.shutdown()


def exports_to_store(provider: LoggerProvider) -> bool:
    """Tell whether records of this provider get to a store of this package."""
    return any(isinstance(one, DurableLogRecordProcessor) for one in _processors(provider))


def _durable(exporter: OpenReplayLogExporter) -> DurableLogRecordProcessor:
    settings = exporter.settings
    # What the exporter was given is shared; what it opened itself is opened anew, as it closes its own.
    durable = DurableLogRecordProcessor(exporter.given, settings=settings)
    if settings.store is None and exporter.given is None:
        _logger.warning(
            "no store is named: records go to %s; %s names another one",
            durable.store.name, variable("store"),
        )  # fmt: skip
    return durable


def _exporter_of(processor: LogRecordProcessor) -> object:
    # Both of the SDK's exporting processors; the batch one hides it in some versions.
    inner = getattr(processor, "_batch_processor", None)
    return getattr(inner, "_exporter", None) or getattr(processor, "_exporter", None)


def _processors(provider: LoggerProvider) -> tuple[LogRecordProcessor, ...]:
    multi: Any = getattr(provider, "_multi_log_record_processor", None)
    return tuple(getattr(multi, "_log_record_processors", ()))
