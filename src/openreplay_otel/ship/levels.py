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

PATTERN: Final = (
    "TRACE|DEBUG|INFO|NOTICE|SUCCESS|WARNING|WARN|ERROR|CRITICAL|FATAL|SEVERE|ALERT|EMERG"
    "|trace|debug|info|notice|success|warning|warn|error|critical|fatal|exception"
)
"""Those that a line of plain text may hold, as a part of a regular expression."""

WORDS: Final = frozenset(PATTERN.split("|"))
"""The same, as a set."""

UPPER_PATTERN: Final = PATTERN.partition("|trace")[0]
"""Only the upper-case ones: for the first word of a line, where a sentence may begin too."""

SYSLOG: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""Names of syslog's severities, 0 to 7."""

_NUMBERED: Final = ((60, "fatal"), (50, "error"), (40, "warn"), (30, "info"), (20, "debug"))
_NUMBERED_PYTHON: Final = (
    (50, "critical"), (40, "error"), (30, "warning"), (20, "info"), (10, "debug"),
)  # fmt: skip


def severity_of(name: str | None) -> int:
    """OpenTelemetry's severity number of a level's name; 0 for none and for one nobody knows."""
    return 0 if name is None else NAMES.get(name.strip().lower(), 0)


def name_of_number(number: float, *, is_python: bool) -> str:
    """The name of a level that was written as a number.

    Args:
        number: Python's (10 to 50), or that of pino and bunyan (10 to 60).
        is_python: Which of the two.
    """
    known = _NUMBERED_PYTHON if is_python else _NUMBERED
    return next(
        (name for least, name in known if number >= least), "debug" if is_python else "trace"
    )
