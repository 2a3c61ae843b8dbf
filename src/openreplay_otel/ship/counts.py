"""What shipping files came to, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Problem:
    """Lines of one kind that could not be read or stored.

    Attributes:
        lines: How many.
        first: Where the first one stands, ``app.log:12``.
        example: What the store said of the first one, where it refused it.
    """

    lines: int = 0
    first: str = ""
    example: str = ""


@dataclass
class ShipCounts:
    """Counts of one call.

    Attributes:
        files: Files read.
        lines: Lines read, blank ones included.
        bytes: Of these lines, unpacked.
        records: Records made of them.
        with_session: Those of a session.
        errors: Those with an exception or the level error.
        time_assumed: Those whose time came from the context.
        level_assumed: Those whose level came from the context.
        without_session_dropped: Those left out by ``sessionless=drop``.
        stored: Documents that the store took.
        known: Documents that it had from an earlier call.
        refused: Documents that it will not take.
        problems: What was kept aside, by kind.
    """

    files: int = 0
    lines: int = 0
    bytes: int = 0
    records: int = 0
    with_session: int = 0
    errors: int = 0
    time_assumed: int = 0
    level_assumed: int = 0
    without_session_dropped: int = 0
    stored: int = 0
    known: int = 0
    refused: int = 0
    problems: dict[str, Problem] = field(default_factory=dict[str, Problem])

    @property
    def unread(self) -> int:
        """Lines that were kept aside."""
        return sum(problem.lines for problem in self.problems.values())

    def document(self) -> dict[str, Any]:
        """As JSON."""
        shown = {name: value for name, value in vars(self).items() if name != "problems"}
        problems = {kind: vars(problem) for kind, problem in self.problems.items()}
        return {**shown, "unread": self.unread, "problems": problems}
