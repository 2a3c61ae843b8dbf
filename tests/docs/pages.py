"""Where the pages are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "collector-config" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
