"""What docs/front-end.md shows stands in the example that the tests run in a browser."""

from __future__ import annotations

import textwrap

import pytest

from tests.docs.markdown import Block, blocks_of
from tests.docs.pages import ROOT

EXAMPLE = ROOT / "examples" / "frontend"
BLOCKS = blocks_of(ROOT / "docs" / "front-end.md")


def plain(text: str) -> str:
    """A text without the indent that its first line has, and without blanks at line ends."""
    return "\n".join(line.rstrip() for line in textwrap.dedent(text).strip("\n").splitlines())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"line-{block.line}")
def test_every_snippet_is_a_part_of_the_example(block: Block) -> None:
    """Line by line; whoever copies it gets what was tried out."""
    files = [*EXAMPLE.glob("src/*.ts"), *EXAMPLE.glob("backend/*.py"), *EXAMPLE.glob("proxy/*")]
    wanted = plain(block.code).splitlines()
    found = False
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        for start in range(len(lines) - len(wanted) + 1):
            part = "\n".join(lines[start : start + len(wanted)])
            found = found or plain(part) == "\n".join(wanted)
    assert found, block.code


def test_there_are_snippets() -> None:
    """Of all languages that the page speaks."""
    assert {block.language for block in BLOCKS} == {"typescript", "python", "nginx", "yaml"}
