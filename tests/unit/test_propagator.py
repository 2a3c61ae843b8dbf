"""The propagator: carriers and their order, getters, injection, and foreign code that fails."""

from __future__ import annotations

import logging
from itertools import combinations
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach
from opentelemetry.instrumentation.asgi import ASGIGetter
from opentelemetry.instrumentation.wsgi import WSGIGetter
from opentelemetry.propagators.textmap import Getter, Setter, default_getter

from openreplay_otel import OpenReplayPropagator, Settings
from openreplay_otel.context import session_id_of, with_session_id

from .contract import (
    DAY_MS,
    EXAMPLE_ID,
    MINUTE_MS,
    NOW_MS,
    SECRET,
    id_beginning_at,
    token,
)

# Highest first, as design.md has them; the extra header of the settings stands before all.
CARRIERS = [
    "X-Extra",
    "openReplaySession.id",
    "X-OpenReplay-Session-Id",
    "X-OpenReplay-SessionToken",
    "X-OpenReplay-Session-Token",
    "baggage",
    "cookie",
    "X-Session-Id",
]
PAIRS = list(combinations(CARRIERS, 2))
TOKEN_CARRIERS = {"X-OpenReplay-SessionToken", "X-OpenReplay-Session-Token"}
IDS = {name: id_beginning_at(NOW_MS - DAY_MS, n) for n, name in enumerate(CARRIERS, 1)}
SETTINGS = Settings(headers=("X-Extra",), cookie="or_session")
OTHER = id_beginning_at(NOW_MS - DAY_MS, 4711)


def value_of(name: str, session_id: str | None = None) -> str:
    """What a client sends in a carrier."""
    session_id = IDS[name] if session_id is None else session_id
    if name in TOKEN_CARRIERS:
        return token(session_id)
    if name == "baggage":
        return f"a=1, openreplay.session.id={session_id},b=2"
    return f"theme=dark; or_session={session_id}; x" if name == "cookie" else session_id


def propagator(settings: Settings = SETTINGS) -> OpenReplayPropagator:
    """One for which it is always the same time."""
    return OpenReplayPropagator(settings, clock=lambda: NOW_MS / 1000)


def wsgi(headers: dict[str, str]) -> tuple[Any, Getter[Any]]:
    """A request as a WSGI server hands it on."""
    environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": object()}
    environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    return environ, WSGIGetter()


def asgi(headers: dict[str, str]) -> tuple[Any, Getter[Any]]:
    """A request as an ASGI server hands it on."""
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "headers": pairs}, ASGIGetter()


def plain(headers: dict[str, str]) -> tuple[Any, Getter[Any]]:
    """A plain dict with the names as they are documented."""
    return dict(headers), default_getter


def lower(headers: dict[str, str]) -> tuple[Any, Getter[Any]]:
    """A plain dict with lower-case names, as HTTP/2 and most frameworks have them."""
    return {name.lower(): value for name, value in headers.items()}, default_getter


def listed(headers: dict[str, str]) -> tuple[Any, Getter[Any]]:
    """A plain dict with a list of values for each name."""
    return {name: [value] for name, value in headers.items()}, default_getter


def raw(headers: dict[str, str]) -> tuple[Any, Getter[Any]]:
    """A plain dict of bytes, as message brokers have them."""
    return {name: value.encode() for name, value in headers.items()}, default_getter


def raw_listed(headers: dict[str, str]) -> tuple[Any, Getter[Any]]:
    """A plain dict of lists of bytes."""
    return {name: [value.encode()] for name, value in headers.items()}, default_getter


class AppsWSGIGetter(WSGIGetter):
    """An app's own, which is asked header by header."""


class AppsASGIGetter(ASGIGetter):
    """The same for ASGI."""


def wsgi_own_getter(headers: dict[str, str]) -> tuple[Any, Getter[Any]]:
    """A request as a WSGI server hands it on, read by the app's own getter."""
    return wsgi(headers)[0], AppsWSGIGetter()


def asgi_own_getter(headers: dict[str, str]) -> tuple[Any, Getter[Any]]:
    """A request as an ASGI server hands it on, read by the app's own getter."""
    return asgi(headers)[0], AppsASGIGetter()


REQUESTS = [wsgi, asgi, wsgi_own_getter, asgi_own_getter, plain, lower, listed, raw, raw_listed]


def extract(
    headers: dict[str, str], request: Any = plain, settings: Settings = SETTINGS
) -> Context:
    """The context of a request with these headers."""
    carrier, getter = request(headers)
    return propagator(settings).extract(carrier, Context(), getter)


@pytest.mark.parametrize("request_of", REQUESTS)
@pytest.mark.parametrize("name", CARRIERS)
def test_each_carrier_is_read_with_each_getter(name: str, request_of: Any) -> None:
    """Every carrier gives its session, from WSGI, ASGI and dicts of every kind."""
    context = extract({name: value_of(name)}, request_of)
    assert IDS[name] == session_id_of(context)
    assert {"openreplay.session.id": IDS[name]} == dict(baggage.get_all(context))


@pytest.mark.parametrize("request_of", REQUESTS)
@pytest.mark.parametrize(("higher", "below"), PAIRS)
def test_the_higher_carrier_wins(higher: str, below: str, request_of: Any) -> None:
    """Of every two carriers the one that design.md names first counts, in whichever order they stand."""
    pair = {higher: value_of(higher), below: value_of(below)}
    for headers in (pair, dict(reversed(pair.items()))):
        assert IDS[higher] == session_id_of(extract(headers, request_of))


@pytest.mark.parametrize(
    "junk", ["", "0", "null", "x" * 5000, token(expires_ms=1), "12,34", "\u00e4"]
)
@pytest.mark.parametrize("request_of", [wsgi, asgi, plain])
@pytest.mark.parametrize(("higher", "below"), PAIRS)
def test_a_carrier_with_junk_does_not_hide_the_next(
    higher: str, below: str, request_of: Any, junk: str
) -> None:
    """The first valid session counts, not the first header that is there."""
    headers = {higher: junk, below: value_of(below)}
    if higher in {"baggage", "cookie"} and "," not in junk:
        headers[higher] = value_of(higher, junk)
    assert IDS[below] == session_id_of(extract(headers, request_of))


def test_all_carriers_at_once_give_the_highest() -> None:
    """With each header taken away the next one counts, down to none."""
    headers = {name: value_of(name) for name in CARRIERS}
    for name in CARRIERS:
        assert IDS[name] == session_id_of(extract(headers))
        del headers[name]
    assert session_id_of(extract(headers)) is None


@pytest.mark.parametrize(
    "name", [name for name in CARRIERS if name not in {"baggage", "X-Session-Id"}]
)
@pytest.mark.parametrize("delay", [None, 0, -77])
def test_tokens_and_ids_are_taken_from_every_own_header(name: str, delay: int | None) -> None:
    """A header that is named after the id may hold the token, and the other way round."""
    for value in (token(delay=delay), EXAMPLE_ID):
        text = f"or_session={value}" if name == "cookie" else value
        assert EXAMPLE_ID == session_id_of(extract({name: text}))


@pytest.mark.parametrize("delay", [None, 0, -77])
def test_an_expired_or_forged_token_is_no_session(delay: int | None) -> None:
    """Over ten minutes after its end a token does not count, nor with another server's signature."""
    old = token(delay=delay, expires_ms=NOW_MS - 10 * MINUTE_MS - 1)
    fresh = token(delay=delay, expires_ms=NOW_MS - 10 * MINUTE_MS)
    forged = token(delay=delay, secret="guess")
    checking = Settings(token_secret=SECRET)
    header = "X-OpenReplay-SessionToken"
    assert session_id_of(extract({header: old})) is None
    assert EXAMPLE_ID == session_id_of(extract({header: fresh}))
    assert EXAMPLE_ID == session_id_of(extract({header: fresh}, settings=checking))
    assert session_id_of(extract({header: forged}, settings=checking)) is None


@pytest.mark.parametrize(
    ("age_ms", "counts"),
    [(0, True), (30 * DAY_MS, True), (30 * DAY_MS + 1, False), (-10 * MINUTE_MS, True), (-10 * MINUTE_MS - 1, False)],
)  # fmt: skip
def test_the_generic_header_needs_a_plausible_id(age_ms: int, counts: bool) -> None:
    """``X-Session-Id`` counts for a session that began in the last 30 days; other headers for any."""
    session_id = id_beginning_at(NOW_MS - age_ms)
    found = session_id_of(extract({"X-Session-Id": session_id}))
    assert (session_id if counts else None) == found
    assert session_id == session_id_of(extract({"openReplaySession.id": session_id}))


@pytest.mark.parametrize("value", ["1", "42", token(), "9" * 19, "b3f1c2d4", "12345678901234567"])
def test_what_others_put_into_the_generic_header_is_no_session(value: str) -> None:
    """Ids of other systems, and tokens, in ``X-Session-Id`` are left alone."""
    assert session_id_of(extract({"X-Session-Id": value})) is None


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"or_session={EXAMPLE_ID}", EXAMPLE_ID),
        (f'a=1;or_session="{EXAMPLE_ID}";b=2', EXAMPLE_ID),
        (f"a=1;  or_session = {EXAMPLE_ID} ", EXAMPLE_ID),
        (f"or_session=x; or_session={EXAMPLE_ID}", EXAMPLE_ID),
        (f"OR_SESSION={EXAMPLE_ID}", None),
        (f"xor_session={EXAMPLE_ID}", None),
        (f"or_session{EXAMPLE_ID}", None),
        (f"or_session=1{EXAMPLE_ID}0", None),
        (";;;=;=;", None),
    ],
)
def test_the_cookie_of_the_settings_is_read(header: str, found: str | None) -> None:
    """A cookie counts where the settings name it, with its name exactly as there."""
    assert found == session_id_of(extract({"cookie": header}))
    assert session_id_of(extract({"cookie": header}, settings=Settings())) is None


def test_further_headers_are_read_in_their_order_and_only_where_named() -> None:
    """Headers of the settings come before the known ones, the first named first."""
    settings = Settings(headers=("X-One", "X-Two"))
    headers = {"X-Two": "2", "X-One": "1", "openReplaySession.id": "3"}
    assert "1" == session_id_of(extract(headers, settings=settings))
    assert "2" == session_id_of(extract({**headers, "X-One": "-"}, settings=settings))
    assert "3" == session_id_of(extract(headers, settings=Settings()))


def test_several_values_of_one_header_are_tried_in_turn() -> None:
    """A header that stands twice gives its first valid session."""
    carrier = {
        "headers": [(b"openreplaysession.id", b"x"), (b"openreplaysession.id", EXAMPLE_ID.encode())]
    }
    assert EXAMPLE_ID == session_id_of(propagator().extract(carrier, Context(), ASGIGetter()))
    assert EXAMPLE_ID == session_id_of(
        propagator().extract({"openReplaySession.id": ["x", "", EXAMPLE_ID]})
    )


@pytest.mark.parametrize(
    "value", [None, 5, 5.5, [], [None], [5, 300], [True], {}, object(), b"", [b"\xff"], ()]
)
def test_values_of_strange_types_are_no_session(value: object) -> None:
    """A dict may hold anything; the session below is found all the same."""
    carrier = {"openReplaySession.id": value, "X-OpenReplay-Session-Id": EXAMPLE_ID}
    assert EXAMPLE_ID == session_id_of(propagator().extract(carrier, Context()))


def test_a_getter_that_returns_a_text_is_not_read_letter_by_letter() -> None:
    """A getter has to return a list; one that returns a text does not make session 2 of 2618…."""

    class TextGetter(Getter[dict[str, str]]):
        def get(self, carrier: dict[str, str], key: str) -> list[str] | None:
            return carrier.get(key)  # type: ignore[return-value]

        def keys(self, carrier: dict[str, str]) -> list[str]:
            return list(carrier)

    context = propagator().extract({"openReplaySession.id": EXAMPLE_ID}, Context(), TextGetter())
    assert EXAMPLE_ID == session_id_of(context)


def test_a_request_without_a_session_keeps_what_the_context_has() -> None:
    """Where a request names no session, the context given goes on unchanged."""
    outer = with_session_id("7", Context({"other": 1}))
    assert propagator().extract({}, outer) is outer
    assert propagator().extract({"openReplaySession.id": "x"}, outer) is outer
    token_ = attach(outer)
    try:
        assert "7" == session_id_of(propagator().extract({}))
    finally:
        detach(token_)


def test_a_request_with_a_session_replaces_that_of_the_context() -> None:
    """The request counts more than the context it arrives in; the rest of the context stays."""
    outer = with_session_id("7", baggage.set_baggage("user", "u", Context({"other": 1})))
    inner = propagator().extract({"openReplaySession.id": "8"}, outer)
    assert "8" == session_id_of(inner)
    assert "7" == session_id_of(outer)
    assert (1, "u") == (inner["other"], baggage.get_baggage("user", inner))


def test_inject_writes_the_id() -> None:
    """The next service gets ``openReplaySession.id``, and nothing where there is no session."""
    carrier: dict[str, str] = {}
    propagator().inject(carrier, Context())
    assert {} == carrier
    propagator().inject(carrier, extract({"X-OpenReplay-SessionToken": token()}))
    assert {"openReplaySession.id": EXAMPLE_ID} == carrier
    assert {"openReplaySession.id"} == propagator().fields


def test_inject_takes_the_current_context_where_none_is_given() -> None:
    """As other propagators do."""
    carrier: dict[str, str] = {}
    token_ = attach(with_session_id("7", Context()))
    try:
        propagator().inject(carrier)
    finally:
        detach(token_)
    assert {"openReplaySession.id": "7"} == carrier


@pytest.mark.parametrize("value", ["x", "0", token(), 5, None, ["1"], "\u0661"])
def test_inject_writes_nothing_but_an_id(value: object) -> None:
    """Whatever an app or a client put into the baggage under our name, only an id goes on."""
    carrier: dict[str, str] = {}
    propagator().inject(carrier, baggage.set_baggage("openreplay.session.id", value, Context()))
    assert {} == carrier


def test_a_getter_or_setter_that_raises_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Foreign code that fails costs the session and not the request; only the kind of error is logged."""

    class Failing(Getter[Any], Setter[Any]):
        def get(self, carrier: Any, key: str) -> list[str]:
            raise RuntimeError("secret " + EXAMPLE_ID)

        def keys(self, carrier: Any) -> list[str]:
            raise RuntimeError("secret")

        def set(self, carrier: Any, key: str, value: str) -> None:
            raise RuntimeError("secret " + value)

    context = with_session_id(EXAMPLE_ID, Context())
    with caplog.at_level(logging.DEBUG):
        assert propagator().extract({}, context, Failing()) is context
        propagator().inject({}, context, Failing())
    assert [logging.DEBUG] * 2 == [record.levelno for record in caplog.records]
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text
    assert EXAMPLE_ID not in caplog.text


def test_it_is_found_by_its_entry_point() -> None:
    """``OTEL_PROPAGATORS=openreplay`` loads it, with its settings from the environment."""
    from importlib.metadata import entry_points

    (found,) = entry_points(group="opentelemetry_propagator", name="openreplay")
    assert found.load() is OpenReplayPropagator
    assert "7" == session_id_of(found.load()().extract({"openReplaySession.id": "7"}, Context()))
