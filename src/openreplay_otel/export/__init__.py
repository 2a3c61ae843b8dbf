"""From a stamped record to a stored document."""

from .durable_processor import DurableLogRecordProcessor
from .exporter import OpenReplayLogExporter

__all__ = ["DurableLogRecordProcessor", "OpenReplayLogExporter"]
