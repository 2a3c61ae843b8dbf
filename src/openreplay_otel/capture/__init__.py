"""What becomes a record: the lines of ``logging``."""

from .logging_capture import LoggingCapture

__all__ = ["LoggingCapture"]
