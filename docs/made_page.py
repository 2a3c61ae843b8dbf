"""What the scripts that make pages of tables in the source share."""  # noqa: INP001 - a script's part

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def escaped(cell: str) -> str:
    """A text as a cell of a table; what looks like a tag to Markdown is one no longer."""
    parts = cell.split("`")
    # Every second part is code, in which Markdown shows all characters as they are.
    parts[::2] = [part.replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts).replace("|", "\\|")


def check_or_write(page: Path, made: Callable[[], str], description: str | None) -> int:
    """Check a page, or write it, as the command line says; the exit code.

    Args:
        page: Where it stands.
        made: Gives its text.
        description: Of the script.
    """
    parser = argparse.ArgumentParser(description=description)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="fail where the page is not in step")
    what.add_argument("--write", action="store_true", help="write the page")
    arguments = parser.parse_args()
    if arguments.write:
        page.write_text(made(), encoding="utf-8")
    elif not page.exists() or page.read_text(encoding="utf-8") != made():
        script = f"make_{page.stem}.py"
        sys.stderr.write(f"docs/{page.name}: run python docs/{script} --write\n")
        return 1
    return 0
