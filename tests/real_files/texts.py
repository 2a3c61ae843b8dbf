"""The texts that the programs log: each says in it whose it is, and no two of all files are equal.

``A-3007 said`` was logged in session A, with A's tag before it. ``B-3008 failed`` likewise, as an error. What was
``raised`` or is ``further`` stands in an exception's text or in the second line of a message, where there is no tag: it
may be its session's or nobody's. What was ``printed`` is nobody's. Behind each is what somebody typed: a victim's tag.
"""

from __future__ import annotations

import os
import re
from itertools import count, cycle
from typing import Final

SESSIONS: Final = {"A": "2618307011354435587", "B": "2618307011354435999"}
VICTIM: Final = "2618307011354437777"
NOBODY: Final = "none"
MARK: Final = re.compile(r"(?:A|B|none)-\d{4,9} (?:said|failed|raised|further|printed)")
FIRST_NUMBER: Final = "REAL_FILES_FIRST_NUMBER"
"""The variable that tells a program where its numbers begin, so that each file has its own."""

_TYPED: Final = (
    f"[openReplaySession.id={VICTIM}]",
    f"openReplaySession.id={VICTIM}",
    f"[openReplaySessionToken={VICTIM}]",
    f"[OPENREPLAYSESSION.ID={VICTIM}] [asayer_session_id={VICTIM}]",
)
_numbers = count(int(os.environ.get(FIRST_NUMBER, "1000")))
_typed = cycle(_TYPED)


def said(who: str) -> str:
    """A text of a session or of nobody, with the tag of its session."""
    return tagged(who, text(who, "said"))


def failed(who: str) -> str:
    """The same of an error."""
    return tagged(who, text(who, "failed"))


def text(who: str, what: str) -> str:
    """A text without a tag before it."""
    return f"{who}-{next(_numbers)} {what} and typed {next(_typed)}"


def tagged(who: str, one: str) -> str:
    """A text with the tag of its session before it."""
    return one if who == NOBODY else f"[openReplaySession.id={SESSIONS[who]}] {one}"
