"""Our pages avoid phrases that readers had to read twice: CONTRIBUTING.md lists them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PAGES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

_LIST = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## The words")[2]
PHRASES = [
    phrase.strip()
    for row in re.findall(
        r"^\| (?!instead of|---)([^|]+) \|", _LIST.partition("\n## ")[0], re.MULTILINE
    )
    for phrase in row.split(",")
]
OTHERS = sorted({ROOT / "SECURITY.md", *(ROOT / "examples").rglob("*.md")})
# Made of the package's own messages and settings.
_GENERATED = {"doctor.md", "settings.md"}


def test_the_list_is_read() -> None:
    """At least a dozen phrases, each a few words of letters."""
    assert len(PHRASES) > 12
    assert all(re.fullmatch(r"[a-z]+(?: [a-z]+){0,4}", phrase) for phrase in PHRASES)


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: page.name)
def test_a_page_is_in_plain_english(page: Path) -> None:
    """None of the phrases is in its text; code and quoted messages may have them."""
    if page.name in _GENERATED:
        return
    text = re.sub(
        r"```.*?```|`[^`]*`|<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    text = " ".join(text.split())
    found = [phrase for phrase in PHRASES if re.search(rf"\b{phrase}\b", text, re.IGNORECASE)]
    assert found == []
