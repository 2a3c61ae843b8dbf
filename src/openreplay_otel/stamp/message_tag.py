"""The tag in a message by which OpenReplay finds a session's logs, and forged ones made harmless. Pure.

OpenReplay's readers search the text of a message (contract, sections 3 and 5): whoever gets a tag into
a log line writes into that session's recording. User input ends up in log lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ..session import SessionToken

_TAG: Final = re.compile(
    # (?i): both of OpenReplay's readers ignore case. In Python it covers İ, which Elasticsearch's
    # lower-casing turns into i.
    r"(?i)(?:(?P<stem>openReplaySession)(?P<end>\.id|Token)|(?P<stem_2021>asayer_session)(?P<end_2021>_id))"
    r"(?P<separator>[=:\"'\s]*)(?P<value>[0-9A-Za-z.\-]*)"
)
_STEMS: Final = ("openreplaysession", "asayer_session_id")
_PREFIX: Final = re.compile(
    r"(?:\[(?:openReplaySession\.id|openReplaySessionToken|asayer_session_id)=[^\]\s]*\])+ ?"
)


@lru_cache(maxsize=4096)
def message_prefix(session_id: str, tags: Sequence[str]) -> str:
    """What stands before a message of a session: ``[openReplaySession.id=<id>] ``.

    Args:
        session_id: Decimal id.
        tags: Tag names, a tuple; each holds the id, never the token.
    """
    return "".join(f"[{tag}={session_id}]" for tag in tags) + " "


def without_prefix(message: str) -> str:
    """A message as the app wrote it, without the tags before it."""
    match = _PREFIX.match(message)
    return message if match is None else message[match.end() :]


def neutralize_foreign_tags(text: str, session_id: str | None) -> str:
    """Make every tag harmless that is not one of this very session; a token in it is removed.

    Args:
        text: A message, with or without tags.
        session_id: The record's own session, whose tags stay; None for a record without one.

    Returns:
        The text with ``openReplaySession.id=7`` turned into ``openReplaySession_id=7``, which
        neither reader finds, and so on for the other generations; the same object where there is
        nothing to do.
    """
    if text.isascii():
        lowered = text.lower()
        if _STEMS[0] not in lowered and _STEMS[1] not in lowered:
            return text
    return _TAG.sub(lambda match: _harmless(match, session_id), text)


def _harmless(match: re.Match[str], session_id: str | None) -> str:
    value = match["value"]
    if session_id is not None and match["separator"] == "=" and value == session_id:
        return match[0]
    if SessionToken.parse_or_none(value.rstrip(".")) is not None:
        value = "(token removed)"
    stem, end = match["stem"] or match["stem_2021"], match["end"] or match["end_2021"]
    return f"{stem}_{end.lstrip('.')}{match['separator']}{value}"
