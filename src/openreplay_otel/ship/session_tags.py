"""The session that a line names by a tag of any generation. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ..session import LONGEST_VALUE, SessionToken, session_id_or_none

TAGS: Final = re.compile(
    r"(?:\[(?i:openReplaySession\.id|openReplaySessionToken|asayer_session_id)=[0-9A-Za-z.\-]{0,200}\]){1,8} ?",
    re.ASCII,
)
"""Tags as this package, and others before it, write them before a text."""
_TAG: Final = re.compile(r"=([0-9A-Za-z.\-]*)\]")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]{0,40}[A-Za-z]")
_ESCAPE: Final = re.compile(r"\\{1,8}u00([0-7][0-9A-Fa-f])")
"""An ASCII character as JSON may write it, also in JSON inside of JSON."""


def without_colours(line: str) -> str:
    """A line without the escape sequences of a terminal's colours."""
    return _COLOUR.sub("", line) if "\x1b" in line else line


def session_of(value: str) -> str | None:
    """The id in a tag's or a field's value: an id, or a token of any age; None for anything else."""
    # Asked before the cache, which keeps what it is given.
    return _session_of(value) if len(value) <= LONGEST_VALUE else None


@lru_cache(maxsize=4096)
def _session_of(value: str) -> str | None:
    session_id = session_id_or_none(value)
    if session_id is not None:
        return session_id
    # Whether it has expired does not matter: what it was written for is long over.
    token = SessionToken.parse_or_none(value)
    return None if token is None else token.session_id


def take_tags(message: str, raw: bytes) -> tuple[str | None, str]:
    r"""The session that the tags before a message name, and the message without them.

    Only tags at the very beginning count: further in is what users sent. And only tags that are in the file
    as they are: what becomes one when colours are taken off, or escapes such as ``\\u002e`` are read, was
    written by nobody who writes tags. A line in which such a text becomes a tag has none, wherever it is.

    Args:
        message: The text.
        raw: What it was read from.

    Returns:
        The id of the first tag that names one, or None; and the rest of the text.
    """
    match = TAGS.match(message)
    if match is None or not _is_written(match[0].rstrip(), raw):
        return None, message
    session_id: str | None = None
    for value in _TAG.findall(match[0]):
        session_id = session_id or session_of(value)
    return session_id, message[match.end() :]


def _is_written(tag: str, raw: bytes) -> bool:
    """Whether a tag is in the file, and as often as it is read."""
    written = raw.count(tag.encode())
    if not written or (b"\x1b" not in raw and b"\\" not in raw):
        return bool(written)
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), raw.decode("utf-8", "replace"))
    return without_colours(text).count(tag) == written
