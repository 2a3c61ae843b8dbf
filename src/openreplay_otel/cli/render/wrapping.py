"""Fits texts to the width of a terminal, by the columns that characters take there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.text import Text

from ...text.harmless import one_line_end

NARROWEST: Final = 24
"""Columns that a text gets even where the terminal has fewer left."""


def fitted(texts: Iterable[Text], width: int | None, indent: str) -> Iterator[Text]:
    """Every text as lines that fit.

    Args:
        texts: Each of one or several lines.
        width: Columns of the terminal; None for lines as long as they are.
        indent: What stands before each line.
    """
    for text in texts:
        for line in text.split("\n", allow_blank=True):
            parts = [line] if width is None else _wrapped(line, max(NARROWEST, width - len(indent)))
            for part in parts:
                yield Text(indent).append_text(part) if part.plain else part


def _wrapped(line: Text, width: int) -> Iterator[Text]:
    """A line in parts that fit, broken at blanks where there are any; further parts keep its margin."""
    plain = line.plain
    margin = min(len(plain) - len(plain.lstrip(" ")), width // 2)
    breaks: list[int] = []
    column, start, blank = 0, 0, -1
    for position, character in enumerate(plain):
        size = get_character_cell_size(character)
        if character == " ":
            blank = position
        elif column + size > width and position > start:
            start = blank + 1 if blank >= start + margin else position
            breaks.append(start)
            column = margin + cell_len(plain[start:position])
        column += size
    first, *more = line.divide(breaks)
    first.rstrip()
    yield first
    for part in more:
        part.rstrip()
        yield Text(" " * margin).append_text(part)


def cell(name: str | None, width: int) -> str:
    """A name in a column of a table."""
    # One more than fits tells that something is left out.
    return set_cell_size(name_end(one_line_end(name or "-", width + 1), width), width)


def name_end(name: str, width: int) -> str:
    """A name that fits; of a long one the end, which tells more than the beginning."""
    if cell_len(name) <= width:
        return name
    name = "…" + name[-max(1, width - 1) :]
    while cell_len(name) > width:
        name = "…" + name[2:]
    return name
