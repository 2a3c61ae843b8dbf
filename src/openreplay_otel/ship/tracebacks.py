"""Reads tracebacks: the exception's type and text, and which session each part of one belongs to. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from .trace_lines import CHAINING, GROUP_START, NAME, OWN_LINE, STACK_START, START, is_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MARGIN: Final = re.compile(r" {2,60}[|+] ?")
_OWN: Final = re.compile(rf"{NAME}(?::|$)")
_GROUP_OWN: Final = re.compile(rf"  \| {NAME}(?::|$)")
_MARGIN_OWN: Final = re.compile(rf" {{2,60}}\| {NAME}(?::|$)")
_MEMBER: Final = re.compile(r" {2,60}\+(?:-\+)?-{3,40} (?:\d{1,6}|\.\.\.) -{3,40}")


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


class Part(NamedTuple):
    """Lines of a traceback that belong to one session.

    Attributes:
        session_id: Which one, or None for nobody's.
        begin: The first line.
        end: Behind the last one.
    """

    session_id: str | None
    begin: int
    end: int


class _Block:
    """One exception of a chain, or one member of a group.

    Attributes:
        begin: Its first line.
        own: Its own line, the one that names the exception; None where it has none.
        is_member: Whether it is a group's member.
        is_group: Whether it is a group.
        is_linked: Whether only the chaining sentence was there so far.
    """

    __slots__ = ("begin", "is_group", "is_linked", "is_member", "own")

    def __init__(self, begin: int, *, is_member: bool = False, is_linked: bool = False) -> None:
        self.begin = begin
        self.own: int | None = None
        self.is_member = is_member
        self.is_group = False
        self.is_linked = is_linked


def read(lines: Sequence[str]) -> Exc:
    """Read a traceback: what it tells is the last exception of a chain, and of a group the group itself."""
    text = "\n".join(lines).rstrip("\n")
    told = [block for block in _blocks(lines) if block.own is not None and not block.is_member]
    if not told or (own := told[-1].own) is None:
        return Exc(None, None, text)
    end = own + 1
    is_in_margin = lines[own].startswith("  |")
    while end < len(lines) and not _ends_message(lines[end], is_in_margin=is_in_margin):
        end += 1
    # What stands behind the own line are further lines of the text, and notes.
    shown = [_MARGIN.sub("", line, count=1) if is_in_margin else line for line in lines[own:end]]
    match = OWN_LINE.fullmatch("\n".join(shown).rstrip("\n"))
    return Exc(None, None, text) if match is None else Exc(match[1], match[2] or None, text)


def parts(
    lines: Sequence[str], session_id: str | None, tag_of: Callable[[int, str], str | None]
) -> list[Part]:
    """Divide a traceback by sessions.

    The exception's own line is where this package writes a tag: into that of the last exception of a chain,
    and of a group into the group's. So the tag counts for the causes before it and for the members behind it
    that have none. Where somebody else's tag is among them, what nobody's tag covers belongs to nobody.

    Args:
        lines: All of it.
        session_id: The session of the record before it; None for none.
        tag_of: The session that a text at the beginning of an own line names, given the line's number.

    Returns:
        One part where all of it belongs to ``session_id``; the parts cover all lines, in order.
    """
    blocks = _blocks(lines)
    tags = [
        None if block.own is None else tag_of(block.own, _text_of(lines[block.own]))
        for block in blocks
    ]
    if not blocks or all(tag is None or tag == session_id for tag in tags):
        return [Part(session_id, 0, len(lines))]
    found: list[str | None] = list(tags)
    following: str | None = None
    for index in range(len(blocks) - 1, -1, -1):
        if not blocks[index].is_member:
            following = tags[index] or following
            found[index] = following
    group: str | None = None
    for index, block in enumerate(blocks):
        if block.is_member:
            found[index] = tags[index] or group
        else:
            group = found[index]
            if group is None and not any(
                tag for tag, one in zip(tags, blocks, strict=True) if not one.is_member
            ):
                # A group of the record itself, some members of which are others'.
                found[index] = session_id
    divided: list[Part] = []
    for index, block in enumerate(blocks):
        end = blocks[index + 1].begin if index + 1 < len(blocks) else len(lines)
        begin = 0 if index == 0 else block.begin
        if divided and divided[-1].session_id == found[index]:
            divided[-1] = divided[-1]._replace(end=end)
        else:
            divided.append(Part(found[index], begin, end))
    return divided


def _blocks(lines: Sequence[str]) -> list[_Block]:
    found: list[_Block] = []
    for number, line in enumerate(lines):
        if not line:
            continue
        if line[0] == " " and _MEMBER.match(line) is not None:
            found.append(_Block(number, is_member=True))
            continue
        if line.rstrip() in CHAINING:
            found.append(_Block(number, is_linked=True))
            continue
        if is_start(line):
            _start(found, number, line)
        elif not found:
            found.append(_Block(number))
        block = found[-1]
        own = _MARGIN_OWN if block.is_member else _GROUP_OWN if block.is_group else _OWN
        if block.own is None and own.match(line) is not None:
            block.own = number
    return found


def _start(found: list[_Block], number: int, line: str) -> None:
    is_stack = line.rstrip() == STACK_START
    if found and (found[-1].is_linked or is_stack):
        found[-1].is_linked = False
    else:
        found.append(_Block(number))
    found[-1].is_group = line[0] == " "


def _text_of(line: str) -> str:
    return _MARGIN.sub("", line, count=1) if line[:1] == " " else line


def _ends_message(line: str, *, is_in_margin: bool) -> bool:
    if is_in_margin:
        return not line.startswith("  | ")
    return line.rstrip() in CHAINING or line.startswith(("  ", "╭")) or line.rstrip() in (
        STACK_START, START, GROUP_START,
    )  # fmt: skip
