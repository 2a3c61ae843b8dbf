"""The tag in a message by which OpenReplay finds a session's logs, and forged ones made harmless. Pure.

OpenReplay's readers search the text of a message (contract, sections 3 and 5): whoever gets a tag into
a log line writes into that session's recording. User input ends up in log lines.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOKALIKES: Final = {"i": "\u0130", "s": "\u017f", "k": "\u212a"}
"""Characters beyond ASCII that a reader takes for a letter: one for each of three letters, and no others.

Elasticsearch's standard analyzer makes ``i`` of U+0130 and ``k`` of U+212A, Go's ``(?i)`` matches U+017F with ``s``
and U+212A with ``k``. No character vanishes in either: a soft hyphen or a joiner inside a name stays in the word,
which then is another word.
"""


def _as_readers_see_it(name: str) -> str:
    """A regular expression for a name as readers see it, for use with ``(?i)``."""
    return "".join(
        f"[{letter}{LOOKALIKES[letter.lower()]}]"
        if letter.lower() in LOOKALIKES
        else re.escape(letter)
        for letter in name
    )


STEM_PATTERN: Final = _as_readers_see_it("openReplaySession")
ENDS_PATTERN: Final = rf"\.{_as_readers_see_it('id')}|{_as_readers_see_it('Token')}"
STEM_2021_PATTERN: Final = _as_readers_see_it("asayer_session")
END_2021_PATTERN: Final = _as_readers_see_it("_id")
"""What looks like a tag: the parts of its names, in what Python's, Java's and Go's regular expressions share.

The reader from v1.21 on looks for the word ``openreplaysession.id`` and the id as the next word, whatever is between
them; the reader up to v1.20 for ``openReplaySessionToken=`` anywhere, in words too. The name alone counts here, for
both, with anything before and behind it. The Collector's rules are written by hand and tested with the same texts.
"""

_TAG: Final = re.compile(
    rf"(?i)(?:(?P<stem>{STEM_PATTERN})(?P<end>{ENDS_PATTERN})"
    rf"|(?P<stem_2021>{STEM_2021_PATTERN})(?P<end_2021>{END_2021_PATTERN}))"
    r"(?P<separator>[=:\"'\\\s]*)"
    # The value ends where another tag begins: that one must not slip through inside it.
    rf"(?P<value>(?:(?!{STEM_PATTERN}|{STEM_2021_PATTERN})[0-9A-Za-z.\-])*)"
)
_DOTS_OF_A_TOKEN: Final = 2
LONGEST_TAG: Final = 64
"""Characters of a name and an id, and some more."""
_PREFIX: Final = re.compile(
    r"(?:\[(?:openReplaySession\.id|openReplaySessionToken|asayer_session_id)=[^\]\s]*\])+ ?"
)
_ONE_TAG: Final = re.compile(r"\[[^\[\]]*\]")


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


def tagged(text: str, session_id: str | None, prefix: str) -> str:
    """A message with the tag of its session before it, and every other tag in it made harmless.

    ``openReplaySession.id=7`` becomes ``openReplaySession_id=7``, which neither reader finds, and so on
    for the other generations; a token in such a tag is removed.

    Args:
        text: A message, with or without tags.
        session_id: The record's own session, whose tags stay; None for a record without one.
        prefix: As :func:`message_prefix` makes it; empty for none.

    Returns:
        The text, with ``prefix`` once before it; the same object where there is nothing to do.
    """
    # The word that all tags have in common, and the two letters that the readers' ways of ignoring
    # case (Java's, Go's) take for one of it while lower() does not.
    if "session" not in text.lower() and "İ" not in text and "ſ" not in text:  # noqa: RUF001 - meant
        return prefix + text if prefix else text
    text = _TAG.sub(lambda match: _harmless(match, session_id), text)
    if text.startswith(prefix):
        return text
    # Of other tags: what stands there now is this session's own, as a stamp with other settings wrote it.
    own = _PREFIX.match(text)
    if own is None:
        return prefix + text
    is_complete = all(tag in own[0] for tag in _ONE_TAG.findall(prefix))
    return text if is_complete else prefix + text[own.end() :]


def _harmless(match: re.Match[str], session_id: str | None) -> str:
    value = match["value"]
    if session_id is not None and match["separator"] == "=" and value == session_id:
        return match[0]
    if value.strip(".").count(".") >= _DOTS_OF_A_TOKEN:
        value = "(token removed)"
    stem, end = match["stem"] or match["stem_2021"], match["end"] or match["end_2021"]
    return f"{stem}_{end.lstrip('.')}{match['separator']}{value}"


def joining(before: str, text: str, session_id: str | None) -> bool:
    """Tell whether a text makes a tag of another session together with what was written before it.

    Args:
        before: The end of what was written, cleaned: :data:`LONGEST_TAG` characters are enough.
        text: What is to follow.
        session_id: The text's own session, or None.
    """
    if not before or not text:
        return False
    both, border = before + text[:LONGEST_TAG], len(before)
    return any(
        match.start() < border < match.end("value") and _harmless(match, session_id) != match[0]
        for match in _TAG.finditer(both)
    )
