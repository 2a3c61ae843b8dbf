"""The tag in a message: the prefix, and forged tags that must not get into a stranger's recording."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel.message_tag import message_prefix, tagged, without_prefix
from tests.forged.texts import forged

from .contract import EXAMPLE_ID, NOW_MS, PROPERTY, token
from .growth import MOST_GROWTH, growth

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

OWN = EXAMPLE_ID
FOREIGN = "2618307011354435999"
NEW, OLD, ASAYER = "openReplaySession.id", "openReplaySessionToken", "asayer_session_id"
NAMES = [NEW, OLD, ASAYER]
# What readers take for the letter on the left: Go's (?i) and the lower-casing of Elasticsearch.
LOOKALIKES = {"i": "I\u0130i", "s": "S\u017fs", "k": "K\u212ak"}
FOLD = str.maketrans("\u0130\u017f\u212a", "isk")


def harmless(text: str, own: str | None) -> str:
    """The text with foreign tags made harmless, and no prefix."""
    return tagged(text, own, "")


def foreign_tags(text: str, own: str | None) -> list[str]:
    """The tags that one of the readers could find in a text, those of the own session left out."""
    folded = text.translate(FOLD).lower()
    if own is not None:
        folded = re.sub(
            rf"(?:openreplaysession\.id|openreplaysessiontoken|asayer_session_id)={own}(?![0-9a-z.\-])",
            "",
            folded,
        )
    return [name for name in NAMES if name.lower() in folded]


def cased(name: str, choices: list[int]) -> str:
    """The name with letters in either case or as look-alikes."""
    letters = []
    for letter, choice in zip(name, choices, strict=False):
        forms = LOOKALIKES.get(letter.lower(), letter.lower() + letter.upper())
        letters.append(forms[choice % len(forms)])
    return "".join(letters)


SPELLINGS = st.builds(
    cased, st.sampled_from(NAMES), st.lists(st.integers(0, 5), min_size=22, max_size=22)
)
FRAGMENTS = st.one_of(
    SPELLINGS,
    st.sampled_from([*NAMES, "openReplaySession", ".id", "Token", "asayer", "_session", "_id"]),
    st.sampled_from(
        ["=", ":", '"', "'", " ", "\n", "[", "]", ".", "-", ",", "", "==", "=\t", "\u00a0"]
    ),
    st.sampled_from(
        [OWN, FOREIGN, "7", "x", token(FOREIGN), token(FOREIGN, delay=None), "(token removed)"]
    ),
    st.text(max_size=3),
)
TEXTS = st.lists(FRAGMENTS, max_size=12).map("".join)
SESSIONS = st.sampled_from([None, OWN, "7"])


@PROPERTY
@given(TEXTS, SESSIONS)
def test_no_foreign_tag_is_left_in_any_text(text: str, own: str | None) -> None:
    """However tags are put together, none that a reader could find stays in the text."""
    assert [] == foreign_tags(harmless(text, own), own)


@PROPERTY
@given(st.randoms(use_true_random=False), SESSIONS)
def test_no_forged_text_keeps_a_foreign_tag(source: Random, own: str | None) -> None:
    """Those of the table of all ways (tests/forged): inserted, replaced, split, nested and encoded anew."""
    text = forged(source, FOREIGN, OWN)
    assert [] == foreign_tags(harmless(text, own), own)


@PROPERTY
@given(TEXTS, SESSIONS)
def test_a_second_time_changes_nothing(text: str, own: str | None) -> None:
    """What was made harmless once is left alone, so that a record may pass twice."""
    once = harmless(text, own)
    assert once == harmless(once, own)


@PROPERTY
@given(st.text())
def test_an_ordinary_text_is_handed_back(text: str) -> None:
    """A text without a tag comes back as it is, without the work of copying it."""
    if not foreign_tags(text, None):
        assert text == harmless(text, OWN)
    ascii_text = text.encode("ascii", "replace").decode()
    if not foreign_tags(ascii_text, None):
        assert harmless(ascii_text, None) is ascii_text


@PROPERTY
@given(SPELLINGS, SESSIONS)
def test_every_spelling_is_made_harmless(name: str, own: str | None) -> None:
    """All three generations, in any case and with the letters that readers take for the same."""
    text = harmless(f"before [{name}={FOREIGN}] after", own)
    assert [] == foreign_tags(text, own)
    assert (True, True) == (text.startswith("before ["), text.endswith(f"={FOREIGN}] after"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"[{NEW}={FOREIGN}] x", f"[openReplaySession_id={FOREIGN}] x"),
        (f"[{OLD}={FOREIGN}] x", f"[openReplaySession_Token={FOREIGN}] x"),
        (f"[{ASAYER}={FOREIGN}] x", f"[asayer_session__id={FOREIGN}] x"),
        (f'{{"{NEW}":"{FOREIGN}"}}', f'{{"openReplaySession_id":"{FOREIGN}"}}'),
        (f"{NEW}: {FOREIGN}", f"openReplaySession_id: {FOREIGN}"),
        (f"{NEW}\n{FOREIGN}", f"openReplaySession_id\n{FOREIGN}"),
        (f"{NEW} -> ({FOREIGN})", f"openReplaySession_id -> ({FOREIGN})"),
        (f"{NEW}={NEW}={FOREIGN}", f"openReplaySession_id=openReplaySession_id={FOREIGN}"),
        (f"{OLD}={OLD}={FOREIGN}", f"openReplaySession_Token=openReplaySession_Token={FOREIGN}"),
        (f"{NEW}={OWN}{NEW}={FOREIGN}", f"{NEW}={OWN}openReplaySession_id={FOREIGN}"),
        (f"{NEW}={ASAYER}={FOREIGN}", f"openReplaySession_id=asayer_session__id={FOREIGN}"),
        (f"x{NEW}={FOREIGN}", f"xopenReplaySession_id={FOREIGN}"),
        (f"{NEW}={OWN}7", f"openReplaySession_id={OWN}7"),
        (f"{NEW}=0{OWN}", f"openReplaySession_id=0{OWN}"),
        (f"{NEW}", "openReplaySession_id"),
        (f"{NEW}={OWN}", f"{NEW}={OWN}"),
        (f"{OLD}={OWN} {ASAYER}={OWN}", f"{OLD}={OWN} {ASAYER}={OWN}"),
    ],
)
def test_a_tag_of_another_session_loses_its_name(text: str, expected: str) -> None:
    """The name is spelt so that no reader finds it; the rest of the text, and the own tag, stay."""
    assert expected == harmless(text, OWN)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_session_no_tag_is_ones_own(name: str) -> None:
    """A record without a session may not bear any tag."""
    assert [] == foreign_tags(harmless(f"[{name}={OWN}] x", None), None)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("delay", [None, 0, -123])
@pytest.mark.parametrize(
    "around",
    ["[{}={}] x", '"{}":"{}"', "{}={}-7", "{}={}.", "{}={}.more.parts", "{}:{}{}", "{} = {}"],
)
def test_a_token_behind_a_tag_is_removed(name: str, delay: int | None, around: str) -> None:
    """A token is a credential: nothing of its signature stays in the message."""
    text = token(OWN, delay=delay, expires_ms=NOW_MS)
    for own in (None, OWN):
        clean = harmless(around.format(name, text, NEW + "=7"), own)
        assert text.rpartition(".")[2] not in clean
        assert "(token removed)" in clean


@PROPERTY
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True), st.text())
def test_the_prefix_is_taken_off_again(names: list[str], text: str) -> None:
    """What stands before a message is found by the readers and hidden from people."""
    prefix = message_prefix(OWN, tuple(names))
    assert prefix == "".join(f"[{name}={OWN}]" for name in names) + " "
    assert "x" + text == without_prefix(prefix + "x" + text)
    assert prefix + "x" == harmless(prefix + "x", OWN)


@PROPERTY
@given(TEXTS, SESSIONS, st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
def test_the_prefix_stands_before_a_message_once(
    text: str, own: str | None, names: list[str]
) -> None:
    """Whatever stands in a text, it gets the prefix, once, and no foreign tag gets through with it."""
    prefix = "" if own is None else message_prefix(own, tuple(names))
    stamped = tagged(text, own, prefix)
    assert stamped.startswith(prefix)
    assert [] == foreign_tags(stamped, own)
    assert stamped == tagged(stamped, own, prefix)
    assert stamped in {prefix + harmless(text, own), harmless(text, own)}


@pytest.mark.parametrize(
    "text", ["", "x", " x", "[x] y", "[openReplaySession.id] y", "x [openReplaySession.id=7] y"]
)
def test_a_message_without_a_prefix_is_left_alone(text: str) -> None:
    """Only a tag at the very beginning is a prefix."""
    assert text == without_prefix(text)


@pytest.mark.parametrize(
    ("begin", "pump", "end"),
    [
        ("", NEW, ""),
        ("", NEW + "=", ""),
        (NEW, " ", ""),
        ("", NEW + " " * 300, ""),
        ("", "openReplaySession", "\u00e9"),
        (NEW + "=", "a.", ""),
        (NEW + "=", "openReplaySession", ""),
        ("", "asayer", "\u0130"),
        ("", f"[{NEW}={OWN}]", ""),
    ],
)
def test_a_hostile_text_takes_no_long_time(begin: str, pump: str, end: str) -> None:
    """Nobody can hold the app up with a long line: ten times the length takes about ten times as long."""

    def make(times: int) -> Callable[[], object]:
        text = begin + pump * (40_000 * times // len(pump)) + end
        return lambda: tagged(text, OWN, message_prefix(OWN, (NEW, OLD)))

    assert growth(make) < MOST_GROWTH
