"""Which lines belong to a traceback, told one after the other. Pure.

Known are the tracebacks of Python (3.13's colours are taken off before), of exception groups, of loguru and of
rich, which structlog's console uses. A line that could just as well be somebody's ``print`` belongs to none: of a
text at the margin nobody can tell whether it is the second line of an exception's message, a note, or a stranger's.
"""

from __future__ import annotations

import re
from typing import Final

START: Final = "Traceback (most recent call last):"
GROUP_START: Final = "  + Exception Group Traceback (most recent call last):"
STACK_START: Final = "Stack (most recent call last):"
CHAINING: Final = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)

NAME: Final = r"[A-Za-z_]\w{0,99}(?:\.(?:<locals>\.)?[A-Za-z_]\w{0,99}){0,20}"
"""A class as a traceback writes it, as a part of a regular expression that takes no longer than it is."""

OWN_LINE: Final = re.compile(rf"({NAME})(?:: ?(.*))?", re.DOTALL)
"""The exception's own line: its class, and its text."""
_BARE_EXCEPTION: Final = re.compile(
    rf"(?={NAME}(?::|$))[\w.<>]*(?:Error|Exception|Exit|Interrupt|Group)(?::|$)"
)
_GROUP_ALONE: Final = re.compile(rf"  \| (?={NAME}(?:: |$))")
_MARGIN: Final = re.compile(r" {2,60}(?:\|(?: |$)|\+-)")
_GROUP_END: Final = re.compile(r"    \+-{5,200}$")
_BOX_START: Final = re.compile(r"╭─{1,400} Traceback \(most recent call last\) ─{1,400}╮")
_BOX_PART: Final = re.compile(r"╭─{1,400} Sub-exception #\d{1,4} ─{1,400}╮")

_NONE, _FRAMES, _TOLD, _CHAIN, _GROUP, _BOX, _PART, _STACK, _SOURCE = range(9)


def is_start(line: str) -> bool:
    """Tell whether a line begins a traceback."""
    first = line[:1]
    if first == "T":
        return line.rstrip() == START
    if first == " ":
        return line.rstrip() == GROUP_START or _GROUP_ALONE.match(line) is not None
    if first == "S":
        return line.rstrip() == STACK_START
    return first == "╭" and _BOX_START.match(line) is not None


class TraceLines:
    """Follows one traceback, or nothing."""

    __slots__ = ("_state",)

    def __init__(self) -> None:
        self._state = _NONE

    @property
    def is_open(self) -> bool:
        """Whether a line may belong to what was there before."""
        return self._state != _NONE

    @property
    def is_told(self) -> bool:
        """Whether the exception's own line was there, so that only a chaining sentence goes on."""
        return self._state == _TOLD

    def reset(self) -> None:
        """Follow nothing."""
        self._state = _NONE

    def begin(self, line: str) -> None:
        """Follow the traceback whose first line this is, as :func:`is_start` says."""
        first = line[:1]
        if first == "T":
            self._state = _FRAMES
        elif first == "S":
            self._state = _STACK
        else:
            self._state = _GROUP if first == " " else _BOX

    def begin_bare(self, line: str) -> None:
        """Follow an exception that is told without frames, if a line without a head is one."""
        self._state = _TOLD if _BARE_EXCEPTION.match(line) is not None else _NONE

    def begin_warning(self) -> None:
        """Take the source line of a warning."""
        self._state = _SOURCE

    def goes_on(self, line: str) -> bool:  # noqa: PLR0911 - one for each state
        """Whether a line, which is not blank, is the next one.

        A line at the margin has to be asked for a format of its own before: an exception's own line looks like many.
        """
        state = self._state
        if state == _FRAMES:
            if line.startswith(("  ", "> File ")):
                return True
            return self._is_own(line)
        if state == _GROUP:
            if _MARGIN.match(line) is not None:
                if _GROUP_END.match(line) is not None:
                    self._state = _TOLD
                return True
            return self._links(line)
        if state == _TOLD:
            return self._links(line)
        if state == _CHAIN:
            if is_start(line):
                self.begin(line)
                return True
            return self._is_own(line)
        return self._goes_on_otherwise(line)

    def _goes_on_otherwise(self, line: str) -> bool:
        state = self._state
        if state in (_BOX, _PART):
            if line.startswith("│"):
                return True
            if line.startswith("╰"):
                self._state = _TOLD if state == _PART else _FRAMES
                return True
            return False
        if state == _SOURCE:
            self._state = _NONE
            return line.startswith("  ")
        return state == _STACK and line.startswith("  ")

    def _is_own(self, line: str) -> bool:
        if OWN_LINE.fullmatch(line) is None:
            return False
        self._state = _TOLD
        return True

    def _links(self, line: str) -> bool:
        if line.rstrip() in CHAINING:
            self._state = _CHAIN
        elif line.rstrip() == STACK_START:
            self._state = _STACK
        elif line[:1] == "╭" and _BOX_PART.match(line) is not None:
            self._state = _PART
        else:
            return False
        return True
