"""Hostile messages and requests, and what becomes of each: run as tests, written into the docs as a table.

``python -m tests.viewer.hostile --write`` writes the table into ``docs/security.md``.
"""

from __future__ import annotations

import sys
from pathlib import Path

# In the order of the table.
import tests.viewer.hostile_records
import tests.viewer.hostile_requests  # noqa: F401 - adds its cases
from tests.viewer.hostile_cases import CASES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
BEGIN = "<!-- the table is made by tests/viewer/hostile.py -->\n"


def table() -> str:
    """The table of the docs."""
    rows = [f"| {n} | {what} | {result} |" for n, (what, result, _) in enumerate(CASES, 1)]
    return "\n".join(["| | what comes | what happens |", "|---|---|---|", *rows]) + "\n"


def written(page: str) -> str:
    """The docs' page with the table of this moment."""
    head, mark, rest = page.partition(BEGIN)
    assert mark, f"{PAGE.name} has no place for the table"
    return head + mark + table() + rest[rest.index("\n\n") + 1 :]


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
