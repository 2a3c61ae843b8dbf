"""Stamps records with their session."""

from .order import add_first
from .processor import OpenReplayLogRecordProcessor

__all__ = ["OpenReplayLogRecordProcessor", "add_first"]
