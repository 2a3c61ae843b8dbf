"""Session tokens: what they say, whether they hold, and that they are kept nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel import InvalidSessionError, Session, SessionToken
from openreplay_otel.context.session_sources import CarrierReader
from openreplay_otel.session import session_id_from_request

from .contract import (
    DAY_MS,
    EXAMPLE_ID,
    EXAMPLE_TOKEN_ID,
    LARGEST_ID,
    MINUTE_MS,
    NOW_MS,
    PROPERTY,
    SECRET,
    base36,
    base58,
    session_in_header,
    token,
)

IDS = st.integers(min_value=1, max_value=LARGEST_ID)
DELAYS = st.none() | st.integers(min_value=-(2**53), max_value=2**53)
EXPIRIES = st.integers(min_value=0, max_value=2**53)
NO_TOKENS = [
    "",
    ".",
    "..",
    "...",
    "a.b",
    "a.b.",
    ".b.c",
    "a..c",
    "a.b.c.d.e",
    "a.b.c.",
    ".b.c.d",
    "a.-.c.d",
    "a.--1.c.d",
    "a.b.-c.d",
    "-a.b.c.d",
    "A.b.c.d",
    "a.B.c.d",
    "a.b.C.d",
    "a.b.c.0",
    "a.b.c.O",
    "a.b.c.I",
    "a.b.c.l",
    "a.b.c.d\x00",
    "a.b.c.d e",
    "a.b.c. d",
    "0.b.c.d",
    "00.b.c",
    "zzzzzzzzzzzzz.b.c.d",
    base36(LARGEST_ID + 1) + ".0.c.d",
    "a" * 14 + ".b.c.d",
    "\u0661.b.c.d",
    "a.b.c.\u00e4",
    "\uff41.b.c.d",
    "\u212a.b.c.d",
    "a.b.c." + "d" * 65,
    "a." * 100_000,
    "." * 200_000,
    "a" * 200_000,
    "a.b.c." + "d" * 200_000,
    "a." + "-" * 200_000 + ".c.d",
]


@PROPERTY
@given(IDS, DELAYS, EXPIRIES)
def test_what_the_server_puts_into_a_token_is_read_out(
    session_id: int, delay: int | None, expires_ms: int
) -> None:
    """Tokens of three and of four parts, with delays of either sign, are read as they were made."""
    text = token(session_id, delay=delay, expires_ms=expires_ms)
    assert SessionToken.parse_or_none(f" {text}\n", secret=SECRET) == SessionToken(
        session_id=str(session_id),
        delay_ms=delay,
        expires_at_ms=expires_ms,
        is_signature_valid=True,
    )
    assert Session.parse(text) == Session(str(session_id))


def test_the_contracts_example_is_read() -> None:
    """``jw4wdfpgqhoj`` is the contract's example id in base 36."""
    assert EXAMPLE_TOKEN_ID == base36(int(EXAMPLE_ID))
    read = SessionToken.parse_or_none(
        f"{EXAMPLE_TOKEN_ID}.-1a.lrr0a0a0.5KJvsngHeMpm884wtkJNzQGaCErck"
    )
    assert read is not None
    assert EXAMPLE_ID == read.session_id
    assert -46 == read.delay_ms
    assert read.is_signature_valid is None


@pytest.mark.parametrize("text", NO_TOKENS, ids=lambda text: ascii(text[:24]))
def test_anything_else_is_no_token(text: str) -> None:
    """Wrong numbers of parts, digits of other alphabets and sizes are no tokens, and nothing is raised."""
    assert SessionToken.parse_or_none(text) is None
    assert SessionToken.parse_or_none(text, secret=SECRET) is None
    assert session_id_from_request(text, now_ms=NOW_MS) is None
    with pytest.raises(InvalidSessionError, match="is not a session"):
        Session.parse(text)


@PROPERTY
@given(IDS, DELAYS, st.data())
def test_one_changed_character_breaks_the_signature(
    session_id: int, delay: int | None, data: st.DataObject
) -> None:
    """Where the secret is known, a token that was changed anywhere is not taken."""
    text = token(session_id, delay=delay)
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    letter = data.draw(st.sampled_from("123456789abcdefghijkmnopqrstuvwxyzABC.-"))
    changed = text[:place] + letter + text[place + 1 :]
    read = SessionToken.parse_or_none(changed, secret=SECRET)
    expected = text == changed
    assert (read is not None and read.is_signature_valid) is expected
    found = session_id_from_request(changed, now_ms=NOW_MS, token_secret=SECRET)
    assert found == (str(session_id) if expected else None)


def test_a_signature_of_another_secret_is_found_out() -> None:
    """A forged token is read, but known to be forged, and no session where the secret is known."""
    forged = token(secret="guess")
    read = SessionToken.parse_or_none(forged, secret=SECRET)
    assert read is not None
    assert read.is_signature_valid is False
    assert session_id_from_request(forged, now_ms=NOW_MS, token_secret=SECRET) is None
    assert EXAMPLE_ID == session_id_from_request(forged, now_ms=NOW_MS)


def test_a_bare_id_counts_also_where_the_secret_is_known() -> None:
    """An id without a signature is the client's claim in any case."""
    assert EXAMPLE_ID == session_id_from_request(EXAMPLE_ID, now_ms=NOW_MS, token_secret=SECRET)


@pytest.mark.parametrize(
    "data", [b"\0\0\1", b"\0", b"", b"\0" * 32, b"\xff" * 32, bytes(range(32))]
)
def test_base58_keeps_leading_zero_bytes(data: bytes) -> None:
    """Each leading zero byte of a signature is a ``1``: checked against a second implementation."""
    from openreplay_otel.session import _base58

    assert base58(data) == _base58(data)


def test_signatures_with_leading_zero_bytes_are_checked_right() -> None:
    """Among thousands of tokens some signatures begin with a zero byte; all of them are valid."""
    tokens = [token(EXAMPLE_ID, expires_ms=NOW_MS + n) for n in range(2000)]
    assert any(text.rpartition(".")[2].startswith("1") for text in tokens)
    for text in tokens:
        read = SessionToken.parse_or_none(text, secret=SECRET)
        assert read is not None
        assert read.is_signature_valid is True


@pytest.mark.parametrize(
    ("expired_for_ms", "counts"),
    [
        (-DAY_MS, True),
        (0, True),
        (1, True),
        (10 * MINUTE_MS - 1, True),
        (10 * MINUTE_MS, True),
        (10 * MINUTE_MS + 1, False),
        (DAY_MS, False),
    ],
)
@pytest.mark.parametrize("delay", [None, 0, -5])
def test_a_token_counts_until_ten_minutes_after_its_end(
    expired_for_ms: int, counts: bool, delay: int | None
) -> None:
    """Clocks differ: only a token that expired more than ten minutes ago is no session of a request."""
    text = token(delay=delay, expires_ms=NOW_MS - expired_for_ms)
    found = session_id_from_request(text, now_ms=NOW_MS)
    assert (EXAMPLE_ID if counts else None) == found


def test_a_person_may_paste_an_expired_token() -> None:
    """Looking a session up by its token works for good: expiry is for requests."""
    assert Session(EXAMPLE_ID) == Session.parse(token(expires_ms=1))


@PROPERTY
@given(
    st.text(max_size=40)
    | st.text(alphabet="0123456789az.-AZ lO\u0661\u212a", max_size=60)
    | st.lists(st.text(alphabet="019az-", max_size=14), min_size=2, max_size=6).map(".".join)
)
def test_a_header_is_read_like_the_contract_says(text: str) -> None:
    """Any text is read as the second implementation reads it, and nothing is raised."""
    assert session_in_header(text) == session_id_from_request(text, now_ms=NOW_MS)


def test_nothing_that_was_read_keeps_the_token() -> None:
    """Neither the token nor its signature stands in a repr of what was read from it."""
    text = token()
    signature = text.rpartition(".")[2]
    read = SessionToken.parse_or_none(text, secret=SECRET)
    for thing in (read, Session.parse(text)):
        assert text not in repr(thing)
        assert signature not in repr(thing)
        assert SECRET not in repr(thing)


def test_the_errors_of_the_constructor_and_of_parse_show_no_token() -> None:
    """Where a token is put in the wrong place, the message does not repeat it."""
    text = token()
    with pytest.raises(InvalidSessionError, match="is not a session") as of_constructor:
        Session(text)
    with pytest.raises(InvalidSessionError, match="is not a session") as of_parse:
        Session.parse(text + "!")
    for caught in (of_constructor, of_parse):
        assert EXAMPLE_TOKEN_ID not in repr(caught.value)
        assert text.rpartition(".")[2] not in repr(caught.value)


@pytest.mark.parametrize("name", ["X-OpenReplay-SessionToken", "X-OpenReplay-Session-Token"])
@pytest.mark.parametrize("value", [EXAMPLE_ID, f" {EXAMPLE_ID} ", "7", token(secret="guess")])
def test_with_a_secret_a_header_for_tokens_takes_signed_tokens_only(name: str, value: str) -> None:
    """A bare id there would be a claim like any other."""
    signed = token(secret=SECRET)
    for secret, expected in ((SECRET, None), (None, session_in_header(value))):
        reader = CarrierReader(token_secret=secret)
        headers = reader.of_pairs([(name, value)])
        assert expected == reader.session_id_in(headers, now_ms=NOW_MS)
    reader = CarrierReader(token_secret=SECRET)
    assert EXAMPLE_ID == reader.session_id_in(
        reader.of_pairs([(name, value), (name, signed)]), now_ms=NOW_MS
    )
