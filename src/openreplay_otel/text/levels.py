"""Names of levels, as logging libraries write them, and OpenTelemetry's severity of each. Pure."""

from __future__ import annotations

from typing import Final

NAMES: Final = {
    "trace": 1, "verbose": 4, "debug": 5, "dbg": 5, "fine": 5,
    "info": 9, "information": 9, "informational": 9, "success": 9, "notice": 10,
    "warn": 13, "warning": 13,
    "err": 17, "error": 17, "exception": 17, "severe": 17,
    "crit": 21, "critical": 21, "fatal": 21, "panic": 21, "alert": 22, "emerg": 24, "emergency": 24,
}  # fmt: skip
"""OpenTelemetry's severity number by lower-case name."""


def severity_of(name: str | None) -> int:
    """OpenTelemetry's severity number of a level's name; 0 for none and for one nobody knows."""
    return 0 if name is None else NAMES.get(name.strip().lower(), 0)
