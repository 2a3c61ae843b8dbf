"""What OpenTelemetry sees: the processor, the exporter, the way by a Collector, metrics."""

from .durable_processor import DurableLogRecordProcessor
from .exporter import OpenReplayLogExporter

__all__ = ["DurableLogRecordProcessor", "OpenReplayLogExporter"]
