"""A case: what comes, what happens, and the run that shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from tests.viewer.serving import Answer, Seen, Serving, is_safe

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET_TOKEN = "a-token-of-more-than-sixteen-characters"
MARKUP = "<script>alert(1)</script>"
QUOTES = '"><img src=x onerror=alert(1)>'


@dataclass(frozen=True)
class Rig:
    """What the cases are run on.

    Attributes:
        page: A page of this machine, without a token.
        locked: The same store behind a token.
        behind: The same behind a proxy that is not this machine.
        session: The session that holds the hostile records.
    """

    page: Serving
    locked: Serving
    behind: Serving
    session: str

    def lines(self, query: str = "") -> Answer:
        """The session's page."""
        return self.page.get(f"/session/{self.session}{query}")

    def record(self, words: str) -> Answer:
        """The page of the one record that holds some words."""
        found = re.findall(r"record\?id=([^\"]+)\"", self.lines(f"?text={quote(words)}").text)
        assert len(found) == 1, found
        return self.page.get(f"/session/{self.session}/record?id={found[0]}")


Case: TypeAlias = "tuple[str, str, Callable[[Rig], None]]"
CASES: list[Case] = []


def case(what: str, result: str) -> Callable[[Callable[[Rig], None]], Callable[[Rig], None]]:
    """Add a row."""

    def add(run: Callable[[Rig], None]) -> Callable[[Rig], None]:
        CASES.append((what, result, run))
        return run

    return add


def shown(answer: Answer, text: str) -> None:
    """The page is safe, and shows the text as text."""
    seen = Seen(answer.text)
    assert answer.status == 200
    assert is_safe(seen)
    assert text in seen.text
