"""Makes text that came from logs harmless for a spreadsheet. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from .harmless import harmless

# Where a spreadsheet of another language begins a cell: German ones part a line at semicolons, and know
# nothing of the quotes that stand behind a comma.
_CELL_ENDS: Final = re.compile("([;\n])")
_SKIPPED: Final = re.compile("[\\s\"']*")
_FORMULA: Final = frozenset("=+-@\u2212")


def text_cell(text: str) -> str:
    """A text that a spreadsheet takes for a text, however it parts the line into cells.

    Args:
        text: Any text of a log.

    Returns:
        The text as :func:`~openreplay_otel.text.harmless.harmless` makes it, with an apostrophe before
        each part that would be a formula: at the start, behind a semicolon, and on each line.
    """
    return "".join(
        f"'{part}" if _is_formula(part) else part for part in _CELL_ENDS.split(harmless(text))
    )


def _is_formula(part: str) -> bool:
    # A full-width sign is one too; Unicode knows which character it stands for.
    skipped = _SKIPPED.match(part)
    first = part[skipped.end() if skipped else 0 :][:1]
    return bool(first) and unicodedata.normalize("NFKC", first)[:1] in _FORMULA
