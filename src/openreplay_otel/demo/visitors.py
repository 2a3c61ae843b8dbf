"""The visitors of the demo's shop: real HTTP requests over sockets, as a page with the tracker sends them."""

from __future__ import annotations

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, Final

from ..names import SESSION_ID_HEADER, SESSION_TOKEN_HEADER, SESSION_TOKEN_HEADER_AXIOS
from ..session import started_at_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SIGNATURE_LENGTH: Final = 44
_SESSION_MS: Final = 2 * 60 * 60 * 1000
_SECONDS_BETWEEN_CLICKS: Final = 0.12
_REQUEST_SECONDS: Final = 10.0


class Browser:
    """Sends the requests of one visitor, each with the same headers, and counts them."""

    def __init__(self, address: tuple[str, int], headers: Mapping[str, str]) -> None:
        self._address = address
        self._headers = headers
        self.requests = 0

    def send(self, method: str, path: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send one request and read its answer."""
        time.sleep(_SECONDS_BETWEEN_CLICKS)
        connection = HTTPConnection(*self._address, timeout=_REQUEST_SECONDS)
        try:
            body = None if payload is None else json.dumps(payload)
            connection.request(method, path, body, headers=dict(self._headers))
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        self.requests += 1
        return answer


@dataclass(frozen=True)
class Visitor:
    """Somebody in the shop.

    Attributes:
        session_id: Of the recording of the visit; None where nothing is recorded.
        headers: By which each request says so.
        visit: What the visitor does.
    """

    session_id: str | None
    headers: Mapping[str, str]
    visit: Callable[[Browser], None]


def make_visitors(now_ms: int) -> list[Visitor]:
    """Visitors who have been in the shop for a while.

    Args:
        now_ms: The present in Unix milliseconds, of which their session ids are made.
    """
    of_card, of_voucher, of_invoice, of_look = (
        _session_id(now_ms - ago) for ago in (95_200, 41_700, 203_400, 12_900)
    )
    return [
        Visitor(of_card, {SESSION_TOKEN_HEADER: _token(of_card, now_ms)}, _buy_with_card),
        Visitor(of_voucher, {SESSION_ID_HEADER: of_voucher}, _buy_with_voucher),
        Visitor(of_invoice, {SESSION_ID_HEADER: of_invoice}, _ask_for_invoice),
        Visitor(of_look, {SESSION_TOKEN_HEADER_AXIOS: _token(of_look, now_ms)}, _look_around),
        Visitor(None, {}, _look_around),
    ]


def let_visit(visitors: list[Visitor], address: tuple[str, int]) -> int:
    """Let all of them visit at the same time.

    Returns:
        The number of requests.
    """
    browsers = [Browser(address, visitor.headers) for visitor in visitors]
    with ThreadPoolExecutor(len(visitors)) as threads:
        visits = [threads.submit(v.visit, b) for v, b in zip(visitors, browsers, strict=True)]
    for visit in visits:
        visit.result()
    return sum(browser.requests for browser in browsers)


def _look_around(browser: Browser) -> None:
    browser.send("GET", "/products")
    browser.send("GET", "/products/sencha")
    browser.send("GET", "/favicon.ico")


def _buy_with_card(browser: Browser) -> None:
    _fill_cart(browser, {"kettle": 1, "sencha": 2}, "card")


def _buy_with_voucher(browser: Browser) -> None:
    _fill_cart(browser, {"teapot": 1}, "voucher")


def _ask_for_invoice(browser: Browser) -> None:
    browser.send("GET", "/products")
    browser.send("GET", "/orders/1000/invoice", {"country": "NO"})


def _fill_cart(browser: Browser, pieces: dict[str, int], method: str) -> None:
    browser.send("GET", "/products")
    cart = browser.send("POST", "/carts")["cart"]
    for article, number in pieces.items():
        browser.send("GET", f"/products/{article}")
        browser.send("POST", f"/carts/{cart}/pieces", {"article": article, "pieces": number})
    browser.send("POST", f"/carts/{cart}/payment", {"method": method})


def _session_id(began_ms: int) -> str:
    return str(began_ms - started_at_ms(0) << 24 | secrets.randbits(24))


def _token(session_id: str, now_ms: int) -> str:
    """A token as the tracker sends it; signed with nothing, since the demo has no server's secret."""
    signature = "".join(secrets.choice(_BASE58) for _ in range(_SIGNATURE_LENGTH))
    delay, expiry = _base36(secrets.randbelow(200)), _base36(now_ms + _SESSION_MS)
    return f"{_base36(int(session_id))}.{delay}.{expiry}.{signature}"


def _base36(number: int) -> str:
    digits = _DIGITS[number % 36]
    while number := number // 36:
        digits = _DIGITS[number % 36] + digits
    return digits
