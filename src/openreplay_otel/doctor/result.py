"""What a check came to: a finding of the table, with what varies filled in. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .findings import FINDINGS

if TYPE_CHECKING:
    from .findings import Status


@dataclass(frozen=True)
class Result:
    """What a check came to.

    Attributes:
        name: Key of :data:`~.findings.FINDINGS`.
        text: The sentence.
        mend: What to do about it; empty where all is well.
    """

    name: str
    text: str
    mend: str

    @property
    def check(self) -> str:
        """Which check."""
        return FINDINGS[self.name].check

    @property
    def status(self) -> Status:
        """How it is."""
        return FINDINGS[self.name].status


def found(name: str, /, **values: object) -> Result:
    """A result.

    Args:
        name: Key of :data:`~.findings.FINDINGS`.
        **values: What varies; ``more`` is what a command needs to be for the same indexes.
    """
    finding = FINDINGS[name]
    known = {"more": "", "of": "", **values}
    return Result(name, finding.says.format(**known), finding.mend.format(**known))
