"""Names of levels as lines of log files hold them. Pure."""

from __future__ import annotations

from typing import Final

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
