"""Text of logs on a terminal: shown, never acted on."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel.text.harmless import harmless, json_text, one_line

from .contract import PROPERTY

JOINERS = set("\u200c\u200d")
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def acts_on_a_terminal(character: str) -> bool:
    """Whether a terminal does something else with a character than showing it."""
    is_control = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return is_control and character not in JOINERS


@PROPERTY
@given(ANY_TEXT)
def test_nothing_but_line_ends_acts_on_the_terminal(text: str) -> None:
    """Whatever is logged, no control or format character and no lone surrogate is left."""
    assert not any(acts_on_a_terminal(c) for c in harmless(text).replace("\n", ""))
    assert not any(acts_on_a_terminal(c) for c in one_line(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain · Ünïcode 茶 🫖", "plain · Ünïcode 茶 🫖"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\rb", "a\\x0db"),
        ("a\r\nb\nc", "a\nb\nc"),
        ("a\tb", "a   b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b2J", "\\x9b2J"),
        ("\ud800", "\\ud800"),
        ("adm\u200bin\ufeff", "adm\\u200bin\\ufeff"),
        ("adm\u200din \u200c", "adm\\u200din \\u200c"),
        ("\u8336\u200d\u200d\u8336", "\u8336\\u200d\\u200d\u8336"),
        ("\U0001f469\u200d\U0001f4bb \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",) * 2,
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_control_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    """The person sees that they were there."""
    assert shown == harmless(text)


def test_a_name_stays_on_its_line() -> None:
    """A line end in the name of a logger makes no second line."""
    assert one_line("shop\nshop") == "shop\\nshop"


@PROPERTY
@given(st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.lists(st.text())))
def test_json_is_harmless_and_says_the_same(value: dict[str, object]) -> None:
    """A parser gets back what was stored, and a terminal that shows it does nothing."""
    text = json_text(value)

    assert value == json.loads(text)
    assert not any(acts_on_a_terminal(c) for c in text)
