"""What can be seen in a line whose format nobody knows: level, logger, and where the session's tag is. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..levels import WORDS
from ..session_tags import TAGS

if TYPE_CHECKING:
    from ..record import ParsedRecord

LONGEST_NUMBER: Final = 18
"""Digits of a number that is read as one."""
_HEAD: Final = 200
"""Characters in which the head of a line has to end."""
_TAG: Final = re.compile(r"\[(?i:openReplayS|asayer_s)")
_WORDS: Final = re.compile(r"[^\s|;,/()\[\]<>]+")
_NUMBER: Final = re.compile(r"(?=\D*\d)[\d.:,/+\-TZ]+")
_NAME: Final = re.compile(r"[A-Za-z_][\w.\-]*(?::[\w.\-]+){0,3}")
_PLACE: Final = re.compile(r"[\w./\-]{1,200}\.py:\d{1,9}")
"""Where in the source."""
_NO_NAME: Final = "-0"
"""What is read instead: a number, and what comes before it is a name."""
_CALENDAR: Final = frozenset(
    {
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "utc", "gmt", "am", "pm",
    }
)  # fmt: skip
_MOST_NAMES: Final = 2


def complete(record: ParsedRecord) -> None:
    """Find what the text of a record says of itself before its tag, and move the tag to the front.

    Before a tag that counts there may only be a head: numbers, times, a level, and up to two names, such as
    those of a host and a logger. A sentence is no head: what is behind it is what users sent.

    Args:
        record: With the text of a line, or of what is left of it behind a time and a level.
    """
    text = record.message
    at = _TAG.search(text, 0, _HEAD)
    head = text[: _HEAD if at is None else at.start()]
    has_level = record.level is not None
    found = _read_head(head, needs_all=at is not None, has_level=has_level)
    if found is None and at is not None:
        # A tag that somebody typed; the level before it is one all the same.
        at, found = None, _read_head(head, needs_all=False, has_level=has_level)
    if found is None:
        return
    level, name = found
    if record.level is None:
        record.level = level
    if at is None or record.level is None:
        return
    tags = TAGS.match(text, at.start())
    if tags is None:
        return
    if record.logger is None:
        record.logger = name
    record.message = tags[0] + head + text[tags.end() :]


def _is_separated(word: str, head: str, end: int) -> bool:
    return word[-1] in ":-" or head[end:].lstrip()[:1] in tuple("|;,:-")


def _read_head(
    head: str, *, needs_all: bool, has_level: bool
) -> tuple[str | None, str | None] | None:
    """The level and the last name in a head; None where it is none."""
    level: str | None = None
    name: str | None = None
    names = 0
    if ".py:" in head:
        head = _PLACE.sub(_NO_NAME, head)
    for match in _WORDS.finditer(head):
        word = match[0].strip(":-.'\"=")
        if not word or word.lower() in _CALENDAR or _NUMBER.fullmatch(word) is not None:
            continue
        is_bracketed = head[match.start() - 1 : match.start()] in ("[", "(", "<")
        first, _, last = word.partition(":")
        candidate = word if word in WORDS else first if first in WORDS else None
        if candidate is not None and level is None and (candidate.isupper() or is_bracketed):
            level = candidate
            if not needs_all:
                return level, name
            if last and word != candidate:
                names, name = names + 1, last
            continue
        names += 1
        if names > _MOST_NAMES or _NAME.fullmatch(word) is None:
            return None
        if (level is not None or has_level) and not (
            is_bracketed or "." in word or ":" in word or _is_separated(match[0], head, match.end())
        ):
            # Behind a level a bare word begins the text.
            return None
        name = word.partition(":")[0]
    return level, name
