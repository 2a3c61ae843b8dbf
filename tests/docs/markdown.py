"""Finds the code blocks of a Markdown page, and the marks that say how they are to be tested.

A mark is a comment on the line before a block, such as ``<!-- test: continue -->``:

- ``none, <reason>``: the block is not run; the reason is for the reader of the page's source.
- ``continue``: the block goes on in the Python process of the block before it.
- ``file <name>``: the block becomes a file that later commands use.
- ``exact``: the commands print just what the block shows.
- ``elasticsearch``: the block needs a real server, in ``OPENREPLAY_OTEL_STORE``; may stand beside others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_MARK = re.compile(r"<!--\s*test:\s*(.*?)\s*-->")
_FENCE = re.compile(r"(?P<indent> *)(?P<fence>```+)(?P<language>[A-Za-z]*|\{[a-z-]+\})\s*")
_HEADING = re.compile(r"#{1,6} (.+)")
_SIMPLE_MARKS = ("continue", "elasticsearch", "exact")

RUN = ("python", "console")
"""Languages of blocks that are run."""
SHOWN = (
    *("html", "javascript", "json", "mermaid", "nginx", "text", "typescript", "yaml"),
    *("{toctree}", "{eval-rst}"),  # directives of Sphinx
)
"""Languages of blocks that are only shown; a block of any other language would escape being run."""


class PageError(AssertionError):
    """A page that cannot be tested as it is written."""


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: File name of its page.
        line: Number of the line on which its code begins.
        language: As its fence says.
        code: What stands in it.
        marks: Simple marks before it.
        file: Name of the file that it becomes, or None.
        reason: Why it is not run, or None.
    """

    page: str
    line: int
    language: str
    code: str
    marks: frozenset[str]
    file: str | None
    reason: str | None

    @property
    def place(self) -> str:
        """Where it stands, as editors take it."""
        return f"{self.page}:{self.line}"


class Command(NamedTuple):
    """A command of a console block, and the output that the block shows."""

    text: str
    output: str


def blocks_of(path: Path) -> list[Block]:
    """The blocks of a page in order.

    Raises:
        PageError: A mark is unknown, belongs to no block, or gives no reason.
    """
    blocks: list[Block] = []
    mark: tuple[int, str] | None = None
    lines = path.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        fence = _FENCE.fullmatch(line)
        if fence is not None:
            begin = number
            while number < len(lines) and lines[number].strip() != fence["fence"]:
                number += 1
            code = "\n".join(text.removeprefix(fence["indent"]) for text in lines[begin:number])
            text = "" if mark is None else mark[1]
            place = f"{path.name}:{begin + 1}"
            blocks.append(
                Block(path.name, begin + 1, fence["language"], code, *_read_mark(text, place))
            )
            mark = None
            number += 1
        elif line.strip() and mark is not None:
            raise PageError(f"{path.name}:{mark[0]}: no block follows this mark")
        elif (found := _MARK.fullmatch(line.strip())) is not None:
            mark = (number, found[1])
    return blocks


def _read_mark(text: str, place: str) -> tuple[frozenset[str], str | None, str | None]:
    if text.partition(",")[0].strip() == "none":
        reason = text.partition(",")[2].strip()
        if not reason:
            raise PageError(f"{place}: a block that is not run has to say why")
        return frozenset(), None, reason
    marks: set[str] = set()
    file = None
    for part in filter(None, (part.strip() for part in text.split(","))):
        if part.startswith("file "):
            file = part.removeprefix("file ").strip()
        elif part in _SIMPLE_MARKS:
            marks.add(part)
        else:
            raise PageError(f"{place}: there is no mark {part!r}")
    return frozenset(marks), file, None


def commands_of(block: Block) -> list[Command]:
    r"""The commands of a console block: lines that begin with ``$``, and go on after a ``\``.

    Raises:
        PageError: Output stands before the first command.
    """
    commands: list[tuple[str, list[str]]] = []
    goes_on = False
    for line in block.code.splitlines():
        if goes_on:
            commands[-1] = (f"{commands[-1][0]}\n{line}", [])
        elif line.startswith("$ "):
            commands.append((line.removeprefix("$ "), []))
        elif commands:
            commands[-1][1].append(line)
        else:
            raise PageError(f"{block.place}: a console block begins with a line '$ <command>'")
        goes_on = (goes_on or line.startswith("$ ")) and line.endswith("\\")
    return [Command(text, "\n".join(output)) for text, output in commands]


def anchors_of(path: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    anchors: set[str] = set()
    in_block = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip().startswith("```"):
            in_block = not in_block
        heading = None if in_block else _HEADING.fullmatch(line)
        if heading is not None:
            words = re.sub(r"[^\w\- ]", "", heading[1].strip().lower())
            anchors.add(words.replace(" ", "-"))
    return anchors
