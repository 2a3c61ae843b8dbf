"""docs/shippers.md lists the formats of the table, no other and in no other words."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from openreplay_otel.ship.formats.table import FORMATS

PAGE = Path(__file__).parents[2] / "docs" / "shippers.md"
BEGIN = "<!-- formats: made from openreplay_otel/ship/formats/table.py -->\n\n"
END = "\n<!-- end of formats -->"
_SHOWN = 110


def table() -> str:
    """The table as the page has it."""
    lines = ["| format | example | read from it |", "|---|---|---|"]
    for row in FORMATS:
        example = re.sub(r"\x1b\[[0-9;]*m", "", row.example.partition("\n")[0]).replace("|", "\\|")
        if len(example) > _SHOWN:
            example = f"{example[:_SHOWN]}…"
        fields = ", ".join(f"`{name}`" for name in row.reads)
        lines.append(f"| {row.name.replace('|', chr(92) + '|')} | `{example}` | {fields} |")
    return "\n".join(lines) + "\n"


def test_the_page_has_the_table_of_formats() -> None:
    """Write it anew with `python -m tests.docs.test_formats_table --write`."""
    page = PAGE.read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0] == table()


if __name__ == "__main__" and "--write" in sys.argv:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}", encoding="utf-8")
