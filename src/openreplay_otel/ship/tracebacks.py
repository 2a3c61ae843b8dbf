"""Tracebacks in a record's text: the exception's type, its message, and the trace. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

START: Final = "Traceback (most recent call last):"
GROUP_START: Final = "Exception Group Traceback (most recent call last):"
_EXCEPTION: Final = re.compile(r"(?P<type>[A-Za-z_][\w.]*)(?::\s?(?P<message>.*))?", re.DOTALL)
_LINKS: Final = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)


class Exc(NamedTuple):
    """An exception.

    Attributes:
        type: Name of its class as the traceback has it, or None.
        message: Its text, or None.
        stack_trace: All of the traceback.
    """

    type: str | None
    message: str | None
    stack_trace: str


def is_start(line: str) -> bool:
    """Tell whether a line begins a traceback."""
    return START in line and line.lstrip(" |+").startswith((START, GROUP_START))


def find(lines: list[str]) -> tuple[list[str], Exc | None]:
    """Divide a record's lines.

    Args:
        lines: All of them.

    Returns:
        The lines before the traceback, and what it tells; all lines and None where there is none.
    """
    for number, line in enumerate(lines):
        if is_start(line):
            return lines[:number], _read(lines[number:])
    return lines, None


def read(text: str) -> Exc:
    """Read a traceback."""
    return _read(text.rstrip("\n").split("\n"))


def _read(trace: list[str]) -> Exc:
    last = 0
    for number, line in enumerate(trace):
        if line.startswith("  File ") or is_start(line):
            last = number
    # Behind the last frame and its source lines: the line at the margin, and what follows it.
    begin = next(
        (n for n in range(last + 1, len(trace)) if trace[n] and not trace[n][0].isspace()), None
    )
    if begin is None:
        # An exception group stands behind a margin of its own: its first line is enough.
        begin = next((n for n in range(1, len(trace)) if trace[n].startswith("  | ")), None)
    text = "\n".join(trace)
    if begin is None:
        return Exc(None, None, text)
    told = "\n".join(trace[begin:]).removeprefix("  | ")
    if trace[begin] in _LINKS:
        return Exc(None, None, text)
    match = _EXCEPTION.fullmatch(told)
    if match is None:
        return Exc(None, told, text)
    return Exc(match["type"], match["message"] or None, text)
