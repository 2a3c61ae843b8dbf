"""The propagator beside tracecontext and baggage, in whichever order they are named."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.instrumentation.asgi import ASGIGetter
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from openreplay_otel import OpenReplayPropagator, Settings
from openreplay_otel.context import session_id_of, with_session_id, without_session_id

from .contract import DAY_MS, EXAMPLE_ID, NOW_MS, id_beginning_at, token

if TYPE_CHECKING:
    from opentelemetry.propagators.textmap import TextMapPropagator

KEY = "openreplay.session.id"
OTHER = id_beginning_at(NOW_MS - DAY_MS, 4711)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PARTS: dict[str, type[TextMapPropagator]] = {
    "tracecontext": TraceContextTextMapPropagator,
    "baggage": W3CBaggagePropagator,
}
ORDERS = list(permutations(["tracecontext", "baggage", "openreplay"]))
BAGGAGE = {
    "none of ours": "a=1",
    "the same id": f"{KEY}={EXAMPLE_ID}",
    "another id": f"{KEY}={OTHER}",
    "another id, encoded": f"openreplay%2Esession.id=%32{OTHER[1:]}",
    "another id with properties": f"{KEY}={OTHER};ttl=1;x",
    "another id among others": f"a=1 , {KEY} = {OTHER}\t,b=2",
    "another id in front of a malformed entry": f"{KEY}={OTHER},{KEY}=in valid",
    "another id in front of an over-long entry": f"{KEY}={OTHER},{KEY}=" + "1" * 4100,
    "another id in front of a non-ASCII entry": f"{KEY}={OTHER},{KEY}=\u00e4",
    "two other ids": f"{KEY}={OTHER},{KEY}=17",
    "junk": f"{KEY}=junk",
    "nothing": f"{KEY}=",
    "zero": f"{KEY}=0",
    "a token": f"{KEY}={token(OTHER)}",
    "a header over the limit": f"{KEY}={OTHER},a=" + "1" * 9000,
}


def composite(order: tuple[str, ...]) -> CompositePropagator:
    """The three propagators in an order."""
    ours = OpenReplayPropagator(Settings(cookie="c"), clock=lambda: NOW_MS / 1000)
    return CompositePropagator([PARTS[name]() if name in PARTS else ours for name in order])


@pytest.mark.parametrize("order", ORDERS, ids=",".join)
@pytest.mark.parametrize("entry", BAGGAGE)
@pytest.mark.parametrize(
    "header",
    [("openReplaySession.id", EXAMPLE_ID), ("X-OpenReplay-SessionToken", token())],
    ids=["id", "token"],
)
def test_the_header_counts_whatever_the_baggage_says(
    order: tuple[str, ...], entry: str, header: tuple[str, str]
) -> None:
    """In all six orders the session is the header's, for the stamp and for the next service."""
    both = composite(order)
    carrier = {header[0]: header[1], "baggage": BAGGAGE[entry], "traceparent": TRACEPARENT}
    context = both.extract(carrier, Context())
    assert EXAMPLE_ID == session_id_of(context)
    outgoing: dict[str, str] = {}
    both.inject(outgoing, context)
    assert EXAMPLE_ID == outgoing["openReplaySession.id"]
    assert TRACEPARENT == outgoing["traceparent"]
    assert token() not in str(outgoing)
    assert 0xB7AD6B7169203331 == trace.get_current_span(context).get_span_context().span_id
    if order.index("openreplay") > order.index("baggage"):
        assert EXAMPLE_ID == baggage.get_baggage(KEY, context)
        assert f"{KEY}={EXAMPLE_ID}" in outgoing["baggage"]
        assert OTHER not in outgoing["baggage"]


@pytest.mark.parametrize("order", ORDERS, ids=",".join)
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (f"{KEY}={OTHER}", OTHER),
        (f"{KEY}={OTHER};ttl=1", OTHER),
        (f"a=1, {KEY} = {OTHER} ,b=2", OTHER),
        (f"{KEY}=x,{KEY}={OTHER}", OTHER),
        (f"{KEY}={OTHER},{KEY}=in valid", OTHER),
        (f"{KEY}=17,{KEY}={OTHER}", OTHER),
        ("a=1", None),
        (f"{KEY}=junk", None),
        (f"{KEY}={token(OTHER)}", None),
        (f"{KEY}=0{OTHER}", None),
        (f"x{KEY}={OTHER}", None),
        (KEY, None),
        ("", None),
    ],
)
def test_baggage_alone_gives_the_session(
    order: tuple[str, ...], value: str, found: str | None
) -> None:
    """In all six orders an id in the incoming baggage is the session; a token or junk there is none."""
    both = composite(order)
    context = both.extract({"baggage": value}, Context())
    assert found == session_id_of(context)
    outgoing: dict[str, str] = {}
    both.inject(outgoing, context)
    assert found == outgoing.get("openReplaySession.id")


@pytest.mark.parametrize("order", ORDERS, ids=",".join)
@pytest.mark.parametrize("properties", ["", ";ttl=1"])
def test_baggage_comes_before_the_cookie(order: tuple[str, ...], properties: str) -> None:
    """Properties of the baggage entry do not let a lower carrier win."""
    carrier = {
        "baggage": f"{KEY}={OTHER}{properties}",
        "cookie": f"c={EXAMPLE_ID}",
        "X-Session-Id": EXAMPLE_ID,
    }
    assert OTHER == session_id_of(composite(order).extract(carrier, Context()))


@pytest.mark.parametrize("order", ORDERS, ids=",".join)
def test_lower_carriers_beat_junk_in_the_baggage(order: tuple[str, ...]) -> None:
    """A cookie counts where the baggage holds no valid id, also if the baggage is read after it."""
    carrier = {"baggage": f"{KEY}=junk", "cookie": f"c={EXAMPLE_ID}"}
    assert EXAMPLE_ID == session_id_of(composite(order).extract(carrier, Context()))


@pytest.mark.parametrize("order", ORDERS, ids=",".join)
def test_the_next_hop_reads_what_was_injected(order: tuple[str, ...]) -> None:
    """A session goes through a chain of services with any mix of orders."""
    context = composite(order).extract({"X-OpenReplay-SessionToken": token()}, Context())
    for next_order in ORDERS:
        outgoing: dict[str, str] = {}
        composite(order).inject(outgoing, context)
        assert EXAMPLE_ID == session_id_of(composite(next_order).extract(outgoing, Context()))
        without_header = {k: v for k, v in outgoing.items() if k == "baggage"}
        assert EXAMPLE_ID == session_id_of(composite(next_order).extract(without_header, Context()))


@pytest.mark.parametrize("order", ORDERS, ids=",".join)
def test_the_same_in_asgi_with_two_baggage_headers(order: tuple[str, ...]) -> None:
    """Several baggage headers of one request do not change which session it is."""
    headers = [
        (b"baggage", b"a=1"),
        (b"baggage", f"{KEY}={OTHER}".encode()),
        (b"openreplaysession.id", EXAMPLE_ID.encode()),
    ]
    context = composite(order).extract({"headers": headers}, Context(), ASGIGetter())
    assert EXAMPLE_ID == session_id_of(context)


def test_a_session_set_in_code_beats_the_request() -> None:
    """After a request whose header beat its baggage, the app may set that other session all the same."""
    both = composite(("openreplay", "baggage"))
    carrier = {"openReplaySession.id": EXAMPLE_ID, "baggage": f"{KEY}={OTHER}"}
    request = both.extract(carrier, Context())
    assert OTHER == session_id_of(with_session_id(OTHER, request))
    assert session_id_of(without_session_id(request)) is None
    assert OTHER == session_id_of(both.extract({"openReplaySession.id": OTHER}, request))


def test_a_message_without_a_session_keeps_that_of_the_request_around_it() -> None:
    """Reading a carrier with nothing in it inside a request does not lose the request's session."""
    both = composite(("openreplay", "baggage"))
    carrier = {"openReplaySession.id": EXAMPLE_ID, "baggage": f"{KEY}=junk"}
    request = both.extract(carrier, Context())
    assert EXAMPLE_ID == session_id_of(both.extract({}, request))


@pytest.mark.parametrize("value", ["junk", token(), 5, ["1"], ""])
def test_what_is_no_session_is_taken_out_of_the_baggage(value: Any) -> None:
    """Ours behind the baggage propagator: junk under our key is not handed on."""
    context = baggage.set_baggage(KEY, value, baggage.set_baggage("a", "1", Context()))
    ours = OpenReplayPropagator(Settings())
    assert {"a": "1"} == dict(baggage.get_all(ours.extract({}, context)))
