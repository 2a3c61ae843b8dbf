"""The Collector's program, as in the Collector's own tests."""

from __future__ import annotations

from tests.collector.conftest import otelcol

__all__ = ["otelcol"]
