"""Hands on names of :mod:`openreplay_otel.text.times`."""

from __future__ import annotations

from ..text.times import (
    EXPECTED,
    EXPECTED_OFFSET,
    clock_text,
    offset_text,
    parse_moment,
    seconds_text,
)

__all__ = [
    "EXPECTED",
    "EXPECTED_OFFSET",
    "clock_text",
    "offset_text",
    "parse_moment",
    "seconds_text",
]
