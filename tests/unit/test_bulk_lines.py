"""Documents as lines: there and back, and what is known of lines that were cut or damaged anywhere."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel.stores.base import Document
from openreplay_otel.stores.bulk_lines import (
    bulk_body,
    count_of,
    documents_of,
    is_torn,
    lines_of,
    next_begin,
    sound_until,
    whole_length,
)

from .contract import PROPERTY
from .spooled import line, lines

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=40)
SOURCES = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
    min_size=1,
).map(orjson.dumps)
DOCUMENTS = st.lists(st.builds(Document, NAMES, NAMES, SOURCES), max_size=6)


def test_a_document_is_an_action_and_a_source() -> None:
    """What Elasticsearch's ``_bulk`` takes, to the byte."""
    assert b'{"create":{"_index":"logs","_id":"a1"}}\n{"message":"x"}\n' == lines_of(
        "logs", "a1", b'{"message":"x"}'
    )


@PROPERTY
@given(DOCUMENTS)
def test_documents_come_back_as_they_were(documents: list[Document]) -> None:
    """Whatever stands in them, also what looks like an action line."""
    body = bulk_body(documents)
    assert (documents, len(documents)) == (documents_of(body), count_of(body))
    assert (len(body), len(body)) == (whole_length(body), sound_until(body))


@PROPERTY
@given(DOCUMENTS, st.data())
def test_a_cut_anywhere_leaves_the_documents_before_it(
    documents: list[Document], data: st.DataObject
) -> None:
    """Both readers find the same end, and the rest is known as torn."""
    body = bulk_body(documents)
    cut = data.draw(st.integers(0, len(body)))
    ends = [len(bulk_body(documents[:n])) for n in range(len(documents) + 1)]
    expected = max(end for end in ends if end <= cut)
    assert (expected, expected) == (whole_length(body[:cut]), sound_until(body[:cut]))
    assert is_torn(body[expected:cut])


def test_every_cut_of_three_documents() -> None:
    """No position is special: not the end of an action line, not the one before the last newline."""
    body, second, third = lines(1, 2, 3), len(line(1)), len(lines(1, 2))
    for cut in range(len(body) + 1):
        whole = max(end for end in (0, second, third, len(body)) if end <= cut)
        assert whole == whole_length(body[:cut]) == sound_until(body[:cut]), cut
        assert is_torn(body[whole:cut]), cut


@pytest.mark.parametrize(
    "rest",
    [
        b"garbage",
        b"\n",
        b"\x00" * 9,
        line(1),
        line(1)[:-1] + b"\x00\n",
        line(1)[:50] + b"\n" + line(2),
        b"x" + line(1)[:20],
        line(1)[1:],
    ],
)
def test_what_no_killed_process_leaves_is_not_torn(rest: bytes) -> None:
    """Only the beginning of one document is: all else is damage, or more than one."""
    assert not is_torn(rest)


@pytest.mark.parametrize(
    "garbage", [b"garbage\n", b"\x00", b"\n", b'{"a":1}\n', b'{"create":{"_index":"x"}}\n']
)
def test_damage_ends_what_is_sound_and_the_next_document_is_found(garbage: bytes) -> None:
    """Documents before and behind the damage are known by their first bytes."""
    before, behind = lines(1, 2), lines(3)
    body = before + garbage + b"\n" + behind
    assert len(before) == sound_until(body)
    assert len(body) - len(behind) == next_begin(body, len(before) + 1)
    assert len(body) == sound_until(body, len(body) - len(behind))


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 250])
@pytest.mark.parametrize("damage", [b"\x00", b"\n", b"x\n\x00"])
def test_damage_in_any_of_many_documents_ends_what_is_sound(number: int, damage: bytes) -> None:
    """They are looked at some at a time: neither the first nor the last of some is special."""
    before, behind = lines(*range(number)), lines(*range(number + 1, 300))
    torn = line(number)
    body = before + torn[:-5] + damage + torn[-5:] + behind
    assert len(before) == sound_until(body)
    assert len(body) == sound_until(body, len(body) - len(behind))
    assert len(before + behind) == sound_until(before + behind)


def test_a_document_begins_at_the_beginning_of_a_line_only() -> None:
    """The same bytes inside a message are no document."""
    inside = lines_of("index", "id", orjson.dumps({"message": line(1).decode()}))
    assert -1 == next_begin(inside, 1)
    assert (0, len(inside)) == (next_begin(inside, 0), next_begin(inside + line(2), 1))
    assert 1 == len(documents_of(inside))
    assert (-1, -1) == (next_begin(b"", 0), next_begin(b"x" + line(1), 0))


@pytest.mark.parametrize(
    "wrong",
    [b"x", b"x\n", b"\n\n", b"\n", line(1)[:-1], line(1)[5:], line(1) + b"{}\n", b"{}\n{}\n"],
)
def test_lines_that_are_no_documents_are_an_error(wrong: bytes) -> None:
    """Never half of them."""
    with pytest.raises(
        ValueError, match=r"^(the lines are not whole|an action line was expected)$"
    ):
        documents_of(wrong)
