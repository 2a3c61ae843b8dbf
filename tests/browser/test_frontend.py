"""The example's front end in a real browser with the real tracker: what is logged, and under which session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import BACKENDS
from tests.browser.tools import eventually

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.browser.conftest import Shop

SESSION = re.compile(r"[1-9][0-9]{17,19}")
HEADERS = {"openreplaysession.id", "x-openreplay-session-id", "x-openreplay-sessiontoken"}


def opened(context: BrowserContext, address: str) -> Page:
    """The page, once its session has begun."""
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-session]")
    assert SESSION.fullmatch(session_of(page) or "")
    return page


def session_of(page: Page) -> str | None:
    """What the tracker says at this moment."""
    return page.evaluate("window.shop.tracker.getSessionID() ?? null")


def pay(page: Page, way: str = "fetch") -> None:
    """Click, and wait for the answer."""
    page.click(f'button[data-way="{way}"]')
    page.wait_for_function("/Sorry|Thank/.test(document.querySelector('#status').value)")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("way", ["token", "id"])
def test_a_failed_payment_is_found_under_the_tracker_s_session(
    shop: Shop, context: BrowserContext, backend: str, way: str
) -> None:
    """Click "pay": the log line and the traceback stand under exactly getSessionID(), across origins."""
    page = opened(context, f"{shop.page[backend]}/?way={way}")
    pay(page)

    assert "(500)" in page.inner_text("#status")
    entries = shop.logged(backend, session_of(page))
    assert any("stock is low for order 7" in entry.message for entry in entries)
    failed = [entry.exception for entry in entries if entry.exception is not None]
    assert [(one.type, one.message) for one in failed] == [
        ("ConnectionError", "the bank hung up on order 7")
    ]
    assert "in pay" in (failed[0].stack_trace or "")


@pytest.mark.parametrize("query", ["way=token", "way=id", "way=id&xhr=patched"])
def test_every_kind_of_request_carries_the_session(
    shop: Shop, context: BrowserContext, query: str
) -> None:
    """Fetch with an address and with a Request, XMLHttpRequest, axios; each once."""
    page = opened(context, f"{shop.page['flask']}/?{query}")
    # Without the patch, a bare XMLHttpRequest is nobody's: axios has its interceptor.
    ways = (
        ["fetch", "request", "axios"] if query == "way=id" else ["fetch", "request", "xhr", "axios"]
    )
    for way in ways:
        pay(page, way)
    entries = shop.logged("flask", session_of(page), errors=len(ways))
    assert len([entry for entry in entries if entry.exception]) == len(ways)


@pytest.mark.parametrize("query", ["way=token", "way=id", "way=id&xhr=patched"])
def test_another_origin_gets_nothing(shop: Shop, context: BrowserContext, query: str) -> None:
    """Neither a header of the session nor a question whether it may come; not by any kind of request."""
    page = opened(context, f"{shop.page['flask']}/?{query}&elsewhere={shop.elsewhere.url}")
    shop.elsewhere.requests.clear()
    for way in ("elsewhere-fetch", "elsewhere-xhr", "elsewhere-axios"):
        pay(page, way)
        assert page.inner_text("#status") == "Thank you."
    session = session_of(page)
    assert session is not None
    assert {request.path for request in shop.elsewhere.requests} == {"/fetch", "/xhr", "/axios"}
    for request in shop.elsewhere.requests:
        asked = request.headers.get("access-control-request-headers", "").lower()
        assert not HEADERS & {*request.headers, *asked.split(",")}
        sent = " ".join(request.headers.values())
        assert session not in sent
        assert shop.ingest.tokens[session] not in sent


def test_without_a_matcher_the_tracker_would_send_its_token_elsewhere(
    shop: Shop, context: BrowserContext
) -> None:
    """What the example's tokenUrlMatcher is there for: the same tracker, whose matcher takes everything."""
    page = opened(context, f"{shop.page['flask']}/?way=token&elsewhere={shop.elsewhere.url}")
    page.route(
        re.compile(r"/assets/tracker-.*\.js"),
        lambda route: route.fulfill(response=route.fetch(), body=_trusting(route.fetch().text())),
    )
    page.reload()
    page.wait_for_selector("body[data-session]")
    shop.elsewhere.requests.clear()
    pay(page, "elsewhere-fetch")
    assert any("x-openreplay-sessiontoken" in one.headers for one in shop.elsewhere.requests)


def _trusting(script: str) -> str:
    """The built script with a matcher that takes every address."""
    trusting, count = re.subn(r"tokenUrlMatcher:[A-Za-z_$][\w$]*", "tokenUrlMatcher:()=>!0", script)
    assert count >= 1
    return trusting


def test_before_the_start_nothing_is_sent(shop: Shop, context: BrowserContext) -> None:
    """And a request made then does not wait; once the session has begun, the next one carries it."""
    page = context.new_page()
    page.goto(f"{shop.page['flask']}/?way=id&start=later")
    seen = headers_of_payments(page)
    pay(page)
    assert "(500)" in page.inner_text("#status")
    assert session_of(page) is None
    assert not HEADERS & set(seen[-1])

    shop.ingest.may_answer.clear()
    page.evaluate("void window.shop.start()")
    pay(page, "axios")
    assert not HEADERS & set(seen[-1])
    shop.ingest.may_answer.set()
    page.wait_for_selector("body[data-session]")
    pay(page)
    session = session_of(page)
    assert seen[-1]["openreplaysession.id"] == session
    assert len(seen) == 3
    assert len([e for e in shop.logged("flask", session) if e.exception]) == 1


def headers_of_payments(page: Page) -> list[dict[str, Any]]:
    """The headers of each payment from now on."""
    seen: list[dict[str, Any]] = []

    def note(request: Any) -> None:
        if "/api/pay/" in request.url and request.method == "POST":
            seen.append(request.headers)

    page.on("request", note)
    return seen


@pytest.mark.parametrize("way", ["token", "id"])
def test_a_reload_and_a_second_tab_each_log_under_their_own_session(
    shop: Shop, context: BrowserContext, way: str
) -> None:
    """Whatever the tracker makes of them: at each click, what it says at that moment counts."""
    address = f"{shop.page['flask']}/?way={way}"
    first = opened(context, address)
    pay(first)
    expected = [session_of(first)]
    first.reload()
    first.wait_for_selector("body[data-session]")
    pay(first)
    expected.append(session_of(first))
    second = opened(context, address)
    pay(second)
    expected.append(session_of(second))
    pay(first)
    expected.append(session_of(first))
    for session in set(expected):
        count = expected.count(session)
        entries = shop.logged("flask", session, errors=count)
        assert len([entry for entry in entries if entry.exception]) == count


def test_a_new_session_in_the_same_tab_is_used_at_once(shop: Shop, context: BrowserContext) -> None:
    """The id is asked for at each request: after stop and start it is another one."""
    page = opened(context, f"{shop.page['flask']}/?way=id")
    pay(page)
    first = session_of(page)
    page.evaluate("window.shop.tracker.stop()")
    page.evaluate(
        "async () => { delete document.body.dataset.session; sessionStorage.clear();"
        " await window.shop.tracker.start({forceNew: true});"
        " document.body.dataset.session = window.shop.tracker.getSessionID(); }"
    )
    page.wait_for_selector("body[data-session]")
    pay(page)
    second = session_of(page)
    assert first != second
    for session in (first, second):
        assert len([e for e in shop.logged("flask", session) if e.exception]) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_form_is_logged_by_its_cookie(shop: Shop, context: BrowserContext, backend: str) -> None:
    """Forms carry no header; the cookie holds the id, and never the token."""
    page = opened(context, f"{shop.page[backend]}/?way=id")
    session = session_of(page)
    page.click("form button")
    page.wait_for_url("**/pay-by-form")
    entries = shop.logged(backend, session)
    messages = [entry.exception.message for entry in entries if entry.exception]
    assert messages == ["the bank hung up on a form"]
    cookies: dict[str, Any] = {one.get("name", ""): one for one in context.cookies()}
    assert cookies["openreplay_session"]["value"] == session
    assert cookies["openreplay_session"]["sameSite"] == "Lax"


def test_the_snippet_s_tracker_is_asked_for_each_request(
    shop: Shop, context: BrowserContext
) -> None:
    """`window.OpenReplay` is a queue at first, without an id; nothing breaks, and later the id goes along."""
    page = context.new_page()
    page.goto(f"{shop.page['flask']}/snippet.html?later")
    seen = headers_of_payments(page)
    for way in ("#fetch", "#axios"):
        page.click(way)
        page.wait_for_function("document.querySelector('#status').value === '500'")
        page.evaluate("document.querySelector('#status').value = ''")
    assert len(seen) == 2
    assert not any(HEADERS & set(headers) for headers in seen)
    page.evaluate("void window.loadHostedTracker()")
    page.wait_for_selector("body[data-session]")
    session = page.evaluate("window.OpenReplay.getSessionID()")
    for way in ("#fetch", "#axios"):
        page.click(way)
        page.wait_for_function("document.querySelector('#status').value === '500'")
        page.evaluate("document.querySelector('#status').value = ''")
    assert [headers["openreplaysession.id"] for headers in seen[2:]] == [session] * 2
    entries = shop.logged("flask", session, errors=2)
    assert len([entry for entry in entries if entry.exception]) == 2


def test_no_page_of_the_example_complains(shop: Shop, context: BrowserContext) -> None:
    """The console has no error but the failed payments, CORS included, and the recording arrives."""
    errors: list[str] = []
    context.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = opened(context, f"{shop.page['fastapi']}/?way=token")
    for way in ("fetch", "request", "xhr", "axios"):
        pay(page, way)
    assert [error for error in errors if "500" not in error] == []
    eventually(lambda: any("/v1/web/i" in one.path for one in shop.ingest.requests), "a batch")
