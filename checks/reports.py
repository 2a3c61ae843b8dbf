"""What came of the checks: counts from the reports of pytest, and the table at the end."""

from __future__ import annotations

import collections
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VARIABLE = "OPENREPLAY_TEST_REPORTS"
"""Names the folder into which noxfile.py has pytest write the reports of one session."""


@dataclass
class Counts:
    """How many tests passed, failed and were skipped, and how many were skipped for which reason."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)


@dataclass
class Outcome:
    """What came of one check.

    Attributes:
        session: Its name.
        result: "passed", "FAILED", or "not run: " and why.
        seconds: How long it took; None where it was not run.
        counts: Of its tests; None where it has none.
    """

    session: str
    result: str
    seconds: float | None = None
    counts: Counts | None = None


def read(folder: Path) -> Counts | None:
    """Add up the reports of a session; None where it ran no test."""
    counts = Counts()
    files = sorted(folder.glob("*.xml"))
    for file in files:
        try:
            cases = list(ET.parse(file).iter("testcase"))  # noqa: S314 - pytest wrote it a moment ago
        except ET.ParseError:
            continue  # pytest was killed while it wrote
        for case in cases:
            _count(case, counts)
    return counts if files else None


def _count(case: ET.Element, counts: Counts) -> None:
    skipped = case.find("skipped")
    if case.find("failure") is not None or case.find("error") is not None:
        counts.failed += 1
    elif skipped is None or skipped.get("type") == "pytest.xfail":
        counts.passed += 1  # an expected failure did run
    else:
        counts.skipped += 1
        counts.reasons[skipped.get("message", "")] += 1


def table(outcomes: Sequence[Outcome]) -> str:
    """Lay out session, result, passed, skipped and time."""
    head = ("session", "result", "passed", "skipped", "time")
    rows = [head, *map(_row, outcomes)]
    # A reason may be long: it gets the rest of its line.
    widths = [
        max(len(row[column]) for row in rows if column == 0 or row[-1]) for column in range(5)
    ]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
        cells += [row[column].rjust(widths[column]) for column in (2, 3, 4)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _row(outcome: Outcome) -> tuple[str, str, str, str, str]:
    if outcome.seconds is None:
        return (outcome.session, outcome.result, "", "", "")
    counts = outcome.counts
    passed, skipped = (str(counts.passed), str(counts.skipped)) if counts else ("-", "-")
    return (outcome.session, outcome.result, passed, skipped, clock(outcome.seconds))


def clock(seconds: float) -> str:
    """Write a length of time as minutes and seconds, e.g. 2:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def closing_line(outcomes: Sequence[Outcome]) -> str:
    """Count all tests; a check that failed without a failing test counts as one, so does one of no tests."""
    passed = failed = skipped = 0
    for outcome in outcomes:
        counts = outcome.counts or Counts(passed=int(outcome.result == "passed"))
        passed += counts.passed
        skipped += counts.skipped
        failed += counts.failed or int(outcome.result == "FAILED")
    return f"{passed} passed, {failed} failed, {skipped} skipped"
