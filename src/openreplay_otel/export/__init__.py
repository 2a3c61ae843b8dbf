"""From a stamped record to a stored document."""

from .exporter import OpenReplayLogExporter

__all__ = ["OpenReplayLogExporter"]
