"""The shop of the demo: an ordinary WSGI app that logs as apps do and knows nothing of OpenReplay.

What links it with sessions stands in ``demo_run.py``: a call of ``configure``, and the WSGI middleware
of OpenTelemetry around the app.
"""

from __future__ import annotations

import itertools
import json
import logging
import socket
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_logger = logging.getLogger("shop")
_catalog_logger = logging.getLogger("shop.catalog")
_cart_logger = logging.getLogger("shop.cart")
_checkout_logger = logging.getLogger("shop.checkout")
_payments_logger = logging.getLogger("shop.payments")

_TRIES: Final = 2
_BANK_SECONDS: Final = 2.0
_LOW_STOCK: Final = 3
_VAT_PERCENT: Final = {"DE": 19, "FR": 20, "NL": 21}

_Answer = tuple[HTTPStatus, dict[str, Any]]


class PaymentError(Exception):
    """A payment that did not come about; nothing was charged."""


class Product(NamedTuple):
    """What is sold. The price is in cents."""

    name: str
    cents: int
    stock: int


@dataclass
class Cart:
    """What a visitor is about to buy: numbers of pieces by article."""

    pieces: dict[str, int] = field(default_factory=dict[str, int])


PRODUCTS: Final = {
    "kettle": Product("Kettle", 3900, 40),
    "teapot": Product("Teapot", 2450, 2),
    "sencha": Product("Sencha, 100 g", 1250, 300),
}


class Shop:
    """The WSGI app.

    Args:
        bank: Host and port of the bank that card payments are sent to.
    """

    def __init__(self, bank: tuple[str, int]) -> None:
        self._bank = bank
        self._numbers = itertools.count(1)
        self._order_numbers = itertools.count(1001)
        self._carts: dict[int, Cart] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        payload: dict[str, Any] = json.loads(environ["wsgi.input"].read(length) or b"{}")
        try:
            status, answer = self._answer(method, path.strip("/").split("/"), payload)
        except Exception:
            _logger.exception("%s %s failed", method, path)
            status, answer = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "Something went wrong."}
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    def _answer(self, method: str, path: list[str], payload: dict[str, Any]) -> _Answer:  # noqa: PLR0911 - one a route
        match (method, *path):
            case ("GET", "products"):
                _catalog_logger.info("Showing %d products", len(PRODUCTS))
                return HTTPStatus.OK, {"products": list(PRODUCTS)}
            case ("GET", "products", article) if article in PRODUCTS:
                return self._show_product(article)
            case ("POST", "carts"):
                number = next(self._numbers)
                self._carts[number] = Cart()
                _cart_logger.debug("Opened cart %d", number)
                return HTTPStatus.CREATED, {"cart": number}
            case ("POST", "carts", number, "pieces"):
                return self._add_to_cart(int(number), payload["article"], payload["pieces"])
            case ("POST", "carts", number, "payment"):
                return self._pay(int(number), payload["method"])
            case ("GET", "orders", number, "invoice"):
                return self._show_invoice(int(number), payload["country"])
            case _:
                _logger.warning("Nothing at %s /%s", method, "/".join(path))
                return HTTPStatus.NOT_FOUND, {"error": "There is no such page."}

    def _show_product(self, article: str) -> _Answer:
        product = PRODUCTS[article]
        _catalog_logger.debug("Price of %s from cache: %s", article, euros(product.cents))
        _catalog_logger.info("Showing %s", product.name)
        return HTTPStatus.OK, product._asdict()

    def _add_to_cart(self, number: int, article: str, pieces: int) -> _Answer:
        product = PRODUCTS[article]
        if product.stock - pieces < _LOW_STOCK:
            _cart_logger.warning("Only %d left of %s, reorder", product.stock, product.name)
        self._carts[number].pieces[article] = pieces
        _cart_logger.info("Put %d x %s into cart %d", pieces, product.name, number)
        return HTTPStatus.OK, {"cart": number}

    def _pay(self, number: int, method: str) -> _Answer:
        cart = self._carts[number]
        cents = sum(PRODUCTS[article].cents * pieces for article, pieces in cart.pieces.items())
        order = next(self._order_numbers)
        _checkout_logger.info("Order %d: %s by %s", order, euros(cents), method)
        try:
            if method == "card":
                self._charge_card(order, cents)
        except PaymentError:
            _checkout_logger.exception("Checkout of order %d failed", order)
            return HTTPStatus.BAD_GATEWAY, {"error": "Your card could not be charged."}
        _checkout_logger.info("Order %d is paid", order)
        return HTTPStatus.OK, {"order": order}

    def _charge_card(self, order: int, cents: int) -> None:
        _payments_logger.debug("Asking the bank for %s", euros(cents))
        for attempt in range(1, _TRIES + 1):
            try:
                socket.create_connection(self._bank, timeout=_BANK_SECONDS).close()
            except ConnectionError as error:
                if attempt == _TRIES:
                    message = f"the bank cannot be reached, order {order} was not charged"
                    raise PaymentError(message) from error
                _payments_logger.warning("The bank does not answer (%s), trying again", error)
            else:
                return

    def _show_invoice(self, order: int, country: str) -> _Answer:
        _checkout_logger.info("Invoice of order %d for %s", order, country)
        return HTTPStatus.OK, {"order": order, "vat_percent": _VAT_PERCENT[country]}


def euros(cents: int) -> str:
    """An amount for people."""
    return f"{cents // 100}.{cents % 100:02d} EUR"
