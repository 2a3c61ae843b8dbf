"""Hands on names of :mod:`openreplay_otel.text.traces`."""

from __future__ import annotations

from ..text.traces import TraceSummary, trace_summary

__all__ = ["TraceSummary", "trace_summary"]
