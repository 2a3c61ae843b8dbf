"""Signing in and out: the token is given once, and leads back to what was asked for."""

from __future__ import annotations

import asyncio
import html
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import pytest

from openreplay_otel import SessionLogs
from openreplay_otel.viewer import Access, create_app
from openreplay_otel.viewer.forwarding import is_forwarded, was_https
from openreplay_otel.viewer.signing_in import own_address
from tests.unit.cli_harness import call
from tests.viewer.serving import SECONDS, Serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.viewer.conftest import Shop

TOKEN = "a-token-of-more-than-sixteen-characters"
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - what is tested
_ADDRESS = re.compile(r'name="address" value="([^"]*)"')


@pytest.fixture(scope="module")
def locked(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A page that asks for a token."""
    state = tmp_path_factory.mktemp("locked")
    with Serving(shop.url, state, OPENREPLAY_OTEL_VIEWER_TOKEN=TOKEN) as page:
        yield page
    assert page.said == ""


def asked_from(page: Serving, path: str) -> str:
    """The address that the form of signing in would lead to."""
    answer = page.get(path)
    assert answer.status == 401
    (address,) = _ADDRESS.findall(answer.text)
    return html.unescape(address)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?show=all&text=%22card+declined%22",
        "/session/7?level=error&text=a%26b&after=2026-11-27T00%3A00%3A00Z~id",
        "/session/7/record?id=a%2Fb%22%3E",
        "/session/7/download.csv?service=b%C3%A4nk",
    ],
)
def test_signing_in_leads_to_what_was_asked_for(locked: Serving, path: str) -> None:
    """With all of its filters; after a wrong token too."""
    assert asked_from(locked, path) == path
    wrong = locked.post("/sign-in", {"token": "x" * 20, "address": path})
    assert html.unescape(_ADDRESS.findall(wrong.text)[0]) == path
    answer = locked.post("/sign-in", {"token": TOKEN, "address": path})
    assert (answer.status, answer.headers["Location"]) == (303, path)


def test_a_token_in_an_address_is_not_led_back_to(locked: Serving) -> None:
    """Neither a wrong one, which may be the one of another page, nor the right one."""
    other = "/session/7?token=wrong-wrong-wrong-wrong&level=error"
    assert asked_from(locked, other) == "/session/7?level=error"
    answer = locked.get(f"/session/7?level=error&token={TOKEN}")
    assert answer.headers["Location"] == "/session/7?level=error"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/session/7?text=a%20b#records", None),
        ("/.//host/", None),
        ("/?next=//host", None),
        ("", "/"),
        ("session/7", "/"),
        ("//host/x", "/"),
        ("///host", "/"),
        ("/\\host", "/"),
        ("\\\\host", "/"),
        ("/x\\..\\..\\host", "/"),
        ("/\t/host", "/"),
        ("/\n/host", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("\t//host", "/"),
        (" //host", "/"),
        ("/ /host", "/"),
        ("/\x00/host", "/"),
        ("/\x85/host", "/"),
        ("/\u2028/host", "/"),
        ("/\uff0f/host", "/"),
        ("https://host/", "/"),
        ("https:host", "/"),
        ("javascript:alert(1)", "/"),
        ("data:text/html,x", "/"),
        ("@host/", "/"),
        ("/sign-in", "/"),
        ("/sign-out?x=1", "/"),
        ("/" + "x" * 5_000, "/"),
    ],
)  # fmt: skip
def test_only_own_addresses_are_led_back_to(text: str, expected: str | None) -> None:
    """Whatever a browser could take for another site leads to the list of sessions."""
    address = own_address(text)
    assert address == (text if expected is None else expected)
    assert urlsplit(urljoin("http://127.0.0.1:8700/sign-in", address)).netloc == "127.0.0.1:8700"


@pytest.mark.parametrize("text", ["//evil.example", "/\\evil.example", "/\t/evil.example"])
def test_a_form_of_somebody_else_leads_nowhere(locked: Serving, text: str) -> None:
    """The address is judged where it is used, not only where the form is made."""
    answer = locked.post("/sign-in", {"token": TOKEN, "address": text})
    assert (answer.status, answer.headers["Location"]) == (303, "/")


def test_signing_out_makes_the_browser_forget(locked: Serving) -> None:
    """The button is on every page but the one that asks; another site cannot press it."""
    cookie = str(locked.post("/sign-in", {"token": TOKEN}).headers["Set-Cookie"]).partition(";")[0]
    signed_in = {"Cookie": cookie}
    assert 'action="/sign-out"' in locked.ask("GET", "/?show=all", signed_in).text
    assert 'action="/sign-out"' not in locked.get("/").text
    answer = locked.post("/sign-out", {}, **signed_in)
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert 'openreplay_otel_viewer=""' in str(answer.headers["Set-Cookie"])
    assert "Max-Age=0" in str(answer.headers["Set-Cookie"])
    assert locked.ask("GET", "/sign-out", signed_in).status == 405
    foreign = locked.post("/sign-out", {}, Origin="https://evil.example", **signed_in)
    assert foreign.status == 403


def test_a_copy_of_the_cookie_outlives_signing_out(locked: Serving) -> None:
    """Nothing is kept of who is signed in: only another token ends what the cookie opens."""
    cookie = str(locked.post("/sign-in", {"token": TOKEN}).headers["Set-Cookie"]).partition(";")[0]
    locked.post("/sign-out", {}, Cookie=cookie)
    assert locked.ask("GET", "/", {"Cookie": cookie}).status == 200


def test_guesses_are_not_counted(locked: Serving) -> None:
    """After many wrong ones the right one is still taken: nobody can lock others out, or is kept from trying."""
    for number in range(30):
        assert locked.post("/sign-in", {"token": f"wrong-guess-number-{number}"}).status == 401
    assert locked.post("/sign-in", {"token": TOKEN}).status == 303


def test_where_no_token_is_asked_for_there_is_nothing_to_sign_out_of(page: Serving) -> None:
    """No button, and the address leads to the list."""
    assert "sign-out" not in page.get("/?show=all").text
    assert page.post("/sign-out", {}).headers["Location"] == "/"


def is_secure(access: Access, scheme: str, peer: str, headers: Mapping[str, str]) -> bool:
    """Whether signing in sets a cookie that browsers send by TLS only."""
    sent: list[Any] = []
    scope = {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "scheme": scheme, "http_version": "1.1",
        "query_string": f"token={TOKEN}".encode(), "client": (peer, 1), "server": ("127.0.0.1", 1),
        "headers": [(k.lower().encode(), v.encode()) for k, v in {"host": "127.0.0.1", **headers}.items()],
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask() -> None:
        with SessionLogs("sqlite:///none.db") as logs:
            await create_app(logs, access)(scope, receive, send)

    # In a thread of its own: a browser's tests leave a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(ask())).result()
    assert sent[0]["status"] == 303
    (cookie,) = [value for name, value in sent[0]["headers"] if name == b"set-cookie"]
    return b"; secure" in cookie.lower()


@pytest.mark.parametrize(
    ("scheme", "peer", "headers", "expected"),
    [
        ("https", "10.9.9.9", {}, True),
        ("http", "10.9.9.9", {}, False),
        ("http", "10.0.0.1", {"X-Forwarded-Proto": "https"}, True),
        ("http", "::ffff:10.0.0.1", {"X-Forwarded-Proto": "HTTPS, http"}, True),
        ("http", "10.0.0.1", {"X-Forwarded-Proto": "http, https"}, False),
        ("http", "10.0.0.1", {"X-Forwarded-Proto": "httpsx"}, False),
        ("http", "10.0.0.1", {}, False),
        ("http", "10.9.9.9", {"X-Forwarded-Proto": "https"}, False),
    ],
)
def test_the_cookie_is_secure_where_the_browser_came_by_tls(
    *, scheme: str, peer: str, headers: dict[str, str], expected: bool
) -> None:
    """By this server's own, or by what the proxy says that was named; nobody else is believed."""
    proxies = frozenset({"10.0.0.1"}) if peer.endswith("10.0.0.1") else frozenset[str]()
    access = Access("10.0.0.7", frozenset({"127.0.0.1"}), TOKEN, proxies)
    assert is_secure(access, scheme, peer, headers) is expected


def test_behind_a_named_proxy_with_tls_the_cookie_is_secure(shop: Shop, tmp_path: Path) -> None:
    """The real command, asked as the proxy asks."""
    named = ("--proxy", "127.0.0.1")
    with Serving(shop.url, tmp_path, *named, OPENREPLAY_OTEL_VIEWER_TOKEN=TOKEN) as page:
        answer = page.post("/sign-in", {"token": TOKEN}, X_Forwarded_Proto="https")
        assert "Secure" in str(answer.headers["Set-Cookie"])
        answer = page.post("/sign-in", {"token": TOKEN}, X_Forwarded_Proto="http")
        assert "Secure" not in str(answer.headers["Set-Cookie"])


@pytest.mark.parametrize(
    ("names", "version", "expected"),
    [
        (("host", "accept", "cookie", "sec-fetch-site", "user-agent"), "1.1", False),
        (("host", "accept"), "2", False),
        (("host", "authorization", "x-requested-with", "origin", "referer"), "1.1", False),
        (("host", "if-none-match", "cache-control", "priority", "dnt"), "1.1", False),
        (("host",), "1.0", True),
        *((("host", name), "1.1", True) for name in (
            "forwarded", "via", "x-forwarded-for", "x-forwarded-port", "x-forwarded-server",
            "x-forwarded-prefix", "x-forwarded", "x-original-forwarded-for", "x-original-host", "x-original-url",
            "x-envoy-external-address", "x-envoy-internal", "cf-connecting-ip", "cf-ray", "true-client-ip",
            "x-real-ip", "x-amzn-trace-id", "x-client-ip", "x-cluster-client-ip", "fastly-client-ip",
            "x-azure-clientip", "x-appengine-user-ip", "fly-client-ip", "cdn-loop", "x-rewrite-url", "x-scheme",
        )),
    ],
)  # fmt: skip
def test_a_request_that_was_passed_on_shows(
    *, names: tuple[str, ...], version: str, expected: bool
) -> None:
    """By any of the headers with which proxies say for whom they ask; no browser sends one of them."""
    assert is_forwarded(names, version) is expected


def test_of_several_proxies_the_first_one_saw_the_browser() -> None:
    """What an inner one says is about its own connection."""
    assert was_https(["https"])
    assert was_https([" HTTPS , http"])
    assert not was_https([])
    assert not was_https(["http", "https"])


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
@pytest.mark.parametrize("host", ["127.0.0.1", EVERY_ADDRESS])
def test_a_blank_token_is_an_error(blank: str, host: str, tmp_path: Path) -> None:
    """Not "no token": who sets the variable wants one, and a secret that is missing leaves it blank."""
    address = ("--host", host, "--port", "0")
    done = call("serve", *address, state=tmp_path, OPENREPLAY_OTEL_VIEWER_TOKEN=blank)
    assert done.code == 2
    assert "OPENREPLAY_OTEL_VIEWER_TOKEN is blank" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("is_own", [True, False], ids=["own token", "made token"])
def test_no_token_is_on_a_browsers_command_line(
    shop: Shop, tmp_path: Path, *, is_own: bool
) -> None:
    """Others on the machine can read it; the browser opens the page, which asks for the token."""
    told = tmp_path / "told"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" > {told}.new && mv {told}.new {told}\n')
    browser.chmod(0o755)
    given = ("--token", TOKEN) if is_own else ("--host", EVERY_ADDRESS)
    with Serving(shop.url, tmp_path, "--open", *given, BROWSER=os.fspath(browser)) as page:
        until = time.monotonic() + SECONDS
        while not told.exists():
            assert time.monotonic() < until
        opened = told.read_text().strip()
        assert opened == page.url + "/"
        assert page.get("/").status == 401
