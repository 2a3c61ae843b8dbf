"""What matters of a stack trace: where it broke, and what had broken before that. Pure.

Reads the traces of Python, and of Java and JavaScript as far as they look alike; of any other text
nothing is found, and nothing is shown.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_PYTHON_FRAME: Final = re.compile(
    r'^[\s|+]*File "(?P<file>.+)", line (?P<line>\d+)(?:, in (?P<where>.+))?$'
)
_OTHER_FRAME: Final = re.compile(r"^\s+at (?P<frame>\S.*)$")
_LINKS: Final = re.compile(
    r"^(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):$",
    re.MULTILINE,
)
_MEMBER: Final = re.compile(r"^(?P<indent>[\s|]*(?:\+-)?)\+-+ \d+ -+$")
_MEMBERS_END: Final = re.compile(r"^[\s|]*\+-{20,}$")
_MARGIN: Final = re.compile(r"^[\s|]*\| ?")
_MOST_MEMBERS: Final = 50
_OTHER_CAUSE: Final = "Caused by: "
_SHOWN_PARTS: Final = 2


class TraceSummary(NamedTuple):
    """The innermost frame, and the exceptions that led to this one.

    Attributes:
        frame: ``shop/payments.py:88 in charge``, or None.
        causes: ``ConnectionError: refused``, the nearest first.
    """

    frame: str | None
    causes: tuple[str, ...]


def trace_summary(stack_trace: str) -> TraceSummary:
    """Read a stack trace.

    Args:
        stack_trace: The text as it was logged.
    """
    blocks = [block.splitlines() for block in _LINKS.split(stack_trace)]
    causes = [cause for block in reversed(blocks[:-1]) if (cause := _exception_line(block))]
    lines = blocks[-1]
    causes += [line.removeprefix(_OTHER_CAUSE) for line in lines if line.startswith(_OTHER_CAUSE)]
    return TraceSummary(_innermost_frame(lines), tuple(causes))


class GroupMember(NamedTuple):
    """An exception in a group of Python.

    Attributes:
        depth: 0 in the group itself, 1 in a group that stands in it, and so on.
        text: ``ValueError: no such card``.
    """

    depth: int
    text: str


def group_members(stack_trace: str) -> tuple[GroupMember, ...]:
    """The exceptions of an ``ExceptionGroup``, in their order; none for any other stack trace.

    Args:
        stack_trace: The text as it was logged.
    """
    found: list[GroupMember] = []
    indents: list[int] = []
    block: list[str] | None = None
    for line in [*stack_trace.splitlines(), "+" + "-" * 20]:
        member = _MEMBER.match(line)
        if member is None and not _MEMBERS_END.match(line):
            if block is not None:
                block.append(_MARGIN.sub("", line))
            continue
        if block is not None:
            found.append(GroupMember(len(indents) - 1, _headline(block)))
            block = None
        if member is not None and len(found) < _MOST_MEMBERS:
            indent = len(member["indent"])
            while indents and indents[-1] >= indent:
                indents.pop()
            indents.append(indent)
            block = []
    return tuple(found)


def _headline(block: list[str]) -> str:
    named = _exception_line(block)
    if named is not None:
        return named
    plain = (line for line in block if line and not line[0].isspace())
    return next((line for line in plain if "Traceback (most" not in line), "")


def _innermost_frame(lines: list[str]) -> str | None:
    for line in reversed(lines):
        match = _PYTHON_FRAME.match(line)
        if match is not None:
            file = "/".join(PurePath(match["file"]).parts[-_SHOWN_PARTS:])
            where = f" in {match['where']}" if match["where"] else ""
            return f"{file}:{match['line']}{where}"
    found = (match["frame"] for line in lines if (match := _OTHER_FRAME.match(line)))
    return next(found, None)


def _exception_line(lines: list[str]) -> str | None:
    """The line that names the exception: the first one at the margin behind the last frame."""
    return next(_behind_last_frame(lines), None)


def _behind_last_frame(lines: list[str]) -> Iterator[str]:
    frames = [number for number, line in enumerate(lines) if _PYTHON_FRAME.match(line)]
    for line in lines[frames[-1] + 1 :] if frames else ():
        if line and not line[0].isspace():
            yield line
