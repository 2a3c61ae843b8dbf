"""Signing in and out: the token is given once, a cookie lets the browser in from then on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response

from .forwarding import was_https

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

    from .access import Access

Asking: TypeAlias = Literal["asked", "wrong"]
COOKIE: Final = "openreplay_otel_viewer"
SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
_HOME: Final = "/"
_NOT_BACK_TO: Final = (SIGN_IN, SIGN_OUT)
_LONGEST_ADDRESS: Final = 2_000
"""Characters of an address that is returned to. In a form each takes three at most, and a form is short."""
# Printable ASCII without blank and backslash. Browsers drop tabs and line ends, and take a backslash for a slash:
# then "/\t/host" and "/\host" lead away, as "//host" does.
_OWN_ADDRESS: Final = re.compile(rf"/(?!/)[!-\[\]-~]{{0,{_LONGEST_ADDRESS}}}")


class SignIn:
    """Lets in who gives the token.

    Args:
        access: Who may see the page.
        ask: Makes the page that asks for the token, of why it asks and where to go then.
    """

    def __init__(self, access: Access, ask: Callable[[Asking, str], Response]) -> None:
        self._access = access
        self._ask = ask

    def answer(self, scope: Scope) -> Response | None:
        """What is answered to somebody who is not signed in; None where the pages may answer."""
        if self._access.token is None:
            return None
        headers = Headers(scope=scope)
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._access.is_token(bearer.strip()):
            return None
        query = scope["query_string"].decode("latin-1")
        pairs = parse_qsl(query, keep_blank_values=True)
        given = [value for name, value in pairs if name == "token"]
        if given:
            query = urlencode([pair for pair in pairs if pair[0] != "token"])
        address = _address(scope, query)
        if given:
            if not self._access.is_token(given[0]):
                return self._ask("wrong", address)
            # At once to the address without the token, so that it is in no bookmark and no picture.
            return self.signed_in(scope, address)
        if self._access.is_cookie(_cookie(headers.get("cookie", ""))):
            return None
        return self._ask("asked", address)

    def signed_in(self, scope: Scope, address: str) -> Response:
        """An answer that lets the browser in from now on.

        Args:
            scope: The request.
            address: Where to go; another one than an own address leads to the list of sessions.
        """
        response = RedirectResponse(own_address(address), 303)
        response.set_cookie(
            COOKIE,
            self._access.cookie,
            httponly=True,
            samesite="lax",
            secure=self._is_secure(scope),
        )
        return response

    def signed_out(self, scope: Scope) -> Response:
        """An answer that makes the browser forget the cookie."""
        response = RedirectResponse(_HOME, 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=self._is_secure(scope))
        return response

    def _is_secure(self, scope: Scope) -> bool:
        """Whether the browser came by TLS: to this server, or to the proxy that was named."""
        client = scope.get("client")
        if scope["scheme"] == "https":
            return True
        values = Headers(scope=scope).getlist("x-forwarded-proto")
        return client is not None and self._access.is_proxy(client[0]) and was_https(values)


def own_address(text: str) -> str:
    """An address of this page; the list of sessions for whatever might lead elsewhere.

    Args:
        text: A path with what is behind it, as somebody sent it.
    """
    if _OWN_ADDRESS.fullmatch(text) is None or text.partition("?")[0] in _NOT_BACK_TO:
        return _HOME
    return text


def _address(scope: Scope, query: str) -> str:
    """What was asked for; only pages are, and what is sent is not sent again."""
    if scope["method"] == "POST":
        return _HOME
    raw_path = scope.get("raw_path")
    path = quote(scope["path"]) if raw_path is None else raw_path.decode("latin-1")
    return own_address(f"{path}?{query}" if query else path)


def _cookie(header: str) -> str:
    # Not by http.cookies: of some Pythons it takes time that grows with the square of what a visitor sends.
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
