"""Hands on names of :mod:`openreplay_otel.text.harmless`."""

from __future__ import annotations

from ..text.harmless import harmless, json_text, one_line

__all__ = ["harmless", "json_text", "one_line"]
