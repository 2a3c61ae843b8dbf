"""How records get from the provider to where they go: on the durable way, or by a Collector."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from ..collector_url import LOGS_ENDPOINT, collector_address
from ..export import DurableLogRecordProcessor, OpenReplayLogExporter
from ..export.durable_store import is_in_use
from ..settings import Settings, variable

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LogRecordProcessor
    from opentelemetry.sdk._logs.export import LogRecordExporter

_OTLP: Final = "otlp"


def exporting_processor(
    exporter: LogRecordExporter, *args: Any, **kwargs: Any
) -> LogRecordProcessor:
    """The processor for an exporter named in ``OTEL_LOGS_EXPORTER``.

    Args:
        exporter: Any exporter; records for our own one take the durable processor, on disk at once, and
            those for the Collector of the settings a batch processor that is bounded in time.
        *args: For the batch processor.
        **kwargs: The same.
    """
    if isinstance(exporter, OpenReplayLogExporter):
        return DurableLogRecordProcessor(exporter.durable, settings=exporter.settings)
    if type(exporter).__module__.startswith("opentelemetry.exporter.otlp."):
        settings = Settings.load()
        if settings.collector is not None and _is_sent_to(settings.collector):
            from ..export.collector import CollectorProcessor

            # Made anew in each process: a gRPC channel does not survive a fork.
            exporter.shutdown()
            return CollectorProcessor(
                collector_address(settings.collector), settings, type(exporter)
            )
    return BatchLogRecordProcessor(exporter, *args, **kwargs)


def collector_variables() -> dict[str, str]:
    """OpenTelemetry's variables for the Collector that the environment names; none where it names none."""
    collector = Settings.load().collector
    return {} if collector is None else collector_address(collector).variables


def missing_way(settings: Settings) -> str:
    """A sentence for a person where a Collector or a store is named, and records do not go there."""
    exporters = os.environ.get(OTEL_LOGS_EXPORTER, "")
    if settings.collector is not None:
        if _is_sent_to(settings.collector):
            return ""
        name, needed = variable("collector"), _OTLP
        if _OTLP in exporters.split(","):
            return (
                f"{name} is set, but records do not go there: {LOGS_ENDPOINT} is"
                f" {os.environ.get(LOGS_ENDPOINT, '')!r}"
            )
    elif os.environ.get(variable("store")) and not is_in_use():
        name, needed = variable("store"), "openreplay"
    else:
        return ""
    return (
        f"{name} is set, but records do not go there: OTEL_LOGS_EXPORTER is {exporters!r}; add {needed}"
        " to it"
    )


def _is_sent_to(collector: str) -> bool:
    """Whether OpenTelemetry's variables send logs to this Collector; an endpoint of the user's own wins."""
    exporters = os.environ.get(OTEL_LOGS_EXPORTER, "").split(",")
    endpoint = os.environ.get(LOGS_ENDPOINT)
    return _OTLP in exporters and endpoint == collector_address(collector).endpoint
