"""A request's headers cost little, however long they are, and what is too long names no session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context

from openreplay_otel import OpenReplayPropagator, session
from openreplay_otel.context import session_sources as carriers
from openreplay_otel.context.session_context import session_id_of, with_session_id
from openreplay_otel.context.session_sources import LONGEST_BAGGAGE, LONGEST_COOKIES, CarrierReader

from .contract import EXAMPLE_ID, NOW_MS, token

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRY = f"openreplay.session.id={EXAMPLE_ID}"
TOKEN = token(EXAMPLE_ID)
READER = CarrierReader(headers=["X-Mine"], cookie="or", token_secret="secret")
Pairs = list[tuple[str, str]]


def found(pairs: Pairs) -> str | None:
    """The session of a request with these headers."""
    return READER.session_id_in(READER.of_pairs(pairs), now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("baggage", lambda n: [("baggage", ENTRY + ",a=" + "x" * (n - len(ENTRY) - 3))]),
        ("cookie", lambda n: [("cookie", "a" * (n - len(EXAMPLE_ID) - 5) + f"; or={EXAMPLE_ID}")]),
        ("value", lambda n: [("x-mine", EXAMPLE_ID.ljust(n))]),
        ("values", lambda n: [("x-mine", "no")] * (n - 1) + [("x-mine", EXAMPLE_ID)]),
        ("cookies", lambda n: [("cookie", "or=no; " * (n - 1) + f"or={EXAMPLE_ID}")]),
    ],
)
def test_up_to_its_limit_a_header_counts(name: str, make: Callable[[int], Pairs]) -> None:
    """And beyond it by a single character, or value, it does not."""
    limit = {
        "baggage": LONGEST_BAGGAGE, "cookie": LONGEST_COOKIES, "value": session.LONGEST_VALUE,
        "values": carriers.MOST_VALUES, "cookies": carriers.MOST_VALUES,
    }[name]  # fmt: skip
    assert found(make(limit)) == EXAMPLE_ID
    assert found(make(limit + 1)) is None


def test_a_cut_makes_no_other_id_of_an_id() -> None:
    """A cookie counts whole or not at all, also where others in headers of their own took the room."""
    start = f"or={EXAMPLE_ID}"
    for shown in range(1, len(start) + 1):
        text = "a" * (LONGEST_COOKIES - shown - 2) + "; " + start + "; b=c"
        assert found([("cookie", text)]) in (None, EXAMPLE_ID)
        first = "a" * (LONGEST_COOKIES - shown - 1)
        assert found([("cookie", first), ("cookie", start + "; b=c")]) in (None, EXAMPLE_ID)
    long = EXAMPLE_ID[:5] + " " * session.LONGEST_VALUE + EXAMPLE_ID[5:]
    context = baggage.set_baggage("openreplay.session.id", long, Context())
    assert session_id_of(context) is None


def test_work_is_counted_not_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a megabyte in any carrier, few values are decoded, and fewer signatures made."""
    work: list[int] = []
    real = carriers.unquote_plus

    def counted(text: str) -> str:
        work.append(len(text))
        return real(text)

    def signed(text: str, secret: str) -> bool:
        work.append(1000)
        return False

    monkeypatch.setattr(carriers, "unquote_plus", counted)
    monkeypatch.setattr(session, "_is_signed", signed)
    for pairs in (
        [("baggage", "%41" * 350_000)], [("baggage", "%6fpenreplay.session.id=7," * 50_000)],
        [("baggage", "%41" * 2700)] * 500, [("cookie", f"or={TOKEN};" * 20_000)],
        [("cookie", f"or={TOKEN}")] * 20_000, [("x-mine", TOKEN)] * 20_000, [("x-session-id", TOKEN * 20_000)],
        [("openreplaysession.id", "7 " * 500_000)], [("X-OpenReplay-SessionToken", TOKEN)] * 20_000,
    ):  # fmt: skip
        work.clear()
        found(pairs)
        assert sum(work) <= 2 * carriers.MOST_VALUES * LONGEST_BAGGAGE, pairs[0]
        propagator = OpenReplayPropagator(cookie="or", token_secret="secret")
        carrier: dict[str, list[str]] = {}
        for name, value in pairs:
            carrier.setdefault(name, []).append(value)
        work.clear()
        propagator.extract(carrier, Context())
        assert sum(work) <= 4 * carriers.MOST_VALUES * LONGEST_BAGGAGE, pairs[0]


def test_baggage_of_any_type_is_no_session() -> None:
    """An app may put what it likes into its baggage, beside a header's session too."""
    context = with_session_id("7", Context(), shadowed_baggage=["8"])
    for value in ([], {}, 7, b"7", object()):
        assert session_id_of(baggage.set_baggage("openreplay.session.id", value, context)) is None
