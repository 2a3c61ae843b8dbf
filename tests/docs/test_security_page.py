"""Each line of the page on security is backed by a test that exists."""

from __future__ import annotations

import ast
import re

from tests.docs.pages import ROOT
from tests.viewer.hostile import BEGIN

PAGE = ROOT / "docs" / "security.md"
_TEST = re.compile(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`")
_HEAD = "| what somebody tries | holds | what happens | test |"


def rows() -> list[list[str]]:
    """The rows of all tables but the made one, as cells."""
    found: list[list[str]] = []
    for block in PAGE.read_text(encoding="utf-8").split("\n\n"):
        lines = block.splitlines()
        if not lines or not lines[0].startswith("|") or block.startswith(BEGIN.strip()):
            continue
        assert lines[0] == _HEAD
        found += [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    return found


def test_each_line_names_a_test_that_exists() -> None:
    """In the last cell, by its file in tests/ and its name."""
    assert len(rows()) > 40
    for row in rows():
        assert len(row) == 4, row
        match = _TEST.fullmatch(row[3])
        assert match is not None, row
        tree = ast.parse((ROOT / "tests" / match[1]).read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert match[2] in names, row[3]


def test_what_does_not_hold_is_said_too() -> None:
    """Each line says yes or No; a page on which all holds would not be frank."""
    holds = [row[1] for row in rows()]
    assert set(holds) == {"yes", "**No**"}
    assert holds.count("**No**") >= 8
