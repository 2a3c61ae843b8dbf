"""The session that a line names by a tag of any generation. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ..session import SessionToken, session_id_or_none

_TAGS: Final = re.compile(
    r"\s*(?:\[(?P<name>(?i:openReplaySession\.id|openReplaySessionToken|asayer_session_id))"
    r"=(?P<value>[0-9A-Za-z.\-]*)\] ?)"
)


@lru_cache(maxsize=4096)
def session_of(value: str) -> str | None:
    """The id in a tag's or a field's value: an id, or a token of any age; None for anything else."""
    session_id = session_id_or_none(value)
    if session_id is not None:
        return session_id
    # Whether it has expired does not matter: what it was written for is long over.
    token = SessionToken.parse_or_none(value)
    return None if token is None else token.session_id


def take_tags(message: str) -> tuple[str | None, str]:
    """The session that the tags before a message name, and the message without them.

    Only tags at the very beginning count: further in stands what users sent.

    Returns:
        The id of the first tag that names one, or None; and the rest of the text.
    """
    session_id: str | None = None
    position = 0
    while (match := _TAGS.match(message, position)) is not None:
        position = match.end()
        session_id = session_id or session_of(match["value"])
    return session_id, message[position:] if position else message
