"""The table of docs/reliability.md, made from the long run."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from tests.faults.trial import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.faults.trial import Result

PAGE: Final = ROOT / "docs" / "reliability.md"
BEGIN: Final = "<!-- made by `nox -s faults`: begin -->"
END: Final = "<!-- made by `nox -s faults`: end -->"
_HEAD: Final = (
    "| fault | logged | delivered | lost | doubled | 99.9 % of log calls within |\n"
    "|---|--:|--:|--:|--:|--:|"
)


def row_of(result: Result) -> str:
    """A line of the table."""
    notes = [result.note] if result.note else []
    if result.refused:
        notes.append(f"{result.refused:,} dead letters")
    if result.exits:
        notes.append(f"it ended within {max(result.exits):.1f} s")
    what = f"{result.fault}: {'; '.join(notes)}" if notes else result.fault
    cells = [f"{n:,}" for n in (result.returned, result.delivered, result.lost, result.doubled)]
    return f"| {what} | {' | '.join(cells)} | {result.milliseconds_at(0.999):.1f} ms |"


def write(made: Sequence[str], path: Path = PAGE) -> None:
    """Put rows into the page; those of other faults stay as they are."""
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    present, after = rest.split(END)
    kept = [line for line in present.splitlines() if line.startswith("| ")][1:]
    names = {_name(line) for line in made}
    lines = [line for line in kept if _name(line) not in names] + [*made]
    order = {_name(line): number for number, line in enumerate(kept)}
    lines.sort(key=lambda line: order.get(_name(line), len(order)))
    about = (
        f"The newest rows were measured {datetime.now(timezone.utc):%Y-%m-%d} with Python"
        f" {platform.python_version()} on {os.cpu_count()} processors."
    )
    table = "\n".join([_HEAD, *lines])
    path.write_text(f"{before}{BEGIN}\n{table}\n\n{about}\n{END}{after}", encoding="utf-8")


def _name(line: str) -> str:
    return line.split("|")[1].partition(": ")[0].strip()
