"""Stands before all pages: refuses foreign hosts and peers, asks for the token, sets the headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .access import Access

Asking: TypeAlias = Literal["asked", "wrong"]
COOKIE: Final = "openreplay_otel_viewer"
SIGN_IN: Final = "/sign-in"
_OPEN_PATHS: Final = ("/static/", SIGN_IN)
_METHODS: Final = frozenset({"GET", "HEAD"})
_POST_PATHS: Final = frozenset({SIGN_IN, "/search"})
_FORWARDING: Final = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
)
"""Headers by which a proxy says for whom it asks."""
_LONGEST_URL: Final = 8_000
_LARGEST_HEADERS: Final = 32_000
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers then say of this page's own forms that they come from nowhere.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_NO_STORE: Final = "no-store"


class Guard:
    """ASGI middleware.

    Args:
        app: The pages.
        access: Who may see them.
        sign_in: Makes the page that asks for the token; its argument tells why.
    """

    def __init__(self, app: ASGIApp, access: Access, sign_in: Callable[[Asking], Response]) -> None:
        self._app = app
        self._access = access
        self._sign_in = sign_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the pages answer."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", _NO_STORE)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        answer = self._refusal(scope) or self._signing_in(scope)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:  # noqa: PLR0911 - one a reason
        headers = Headers(scope=scope)
        client = scope.get("client")
        peer = client[0] if client else None
        if not self._access.may_connect(peer, is_forwarded=not _FORWARDING.isdisjoint(headers)):
            return _plain(
                403,
                "Only the proxy that was named with --proxy may ask here."
                if self._access.proxies
                else "Without a token this page answers this machine only, and no proxy: name one with --proxy.",
            )
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._access.knows_host(hosts[0]):
            return _plain(
                421,
                "This page is not served by that name. Name it with --allow-host if it should be.",
            )
        method, path = scope["method"], scope["path"]
        if method not in _METHODS and not (method == "POST" and path in _POST_PATHS):
            return _plain(405, "This page only reads.", {"Allow": "GET, HEAD"})
        if len(scope["query_string"]) + len(path) > _LONGEST_URL:
            return _plain(414, "That address is too long.")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _LARGEST_HEADERS:
            return _plain(431, "Those headers are too large.")
        # A foreign page may lead people here, but not load what stands here behind their backs.
        is_foreign = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        if is_foreign and (headers.get("sec-fetch-mode") != "navigate" or method == "POST"):
            return _plain(403, "Other sites may link to this page, not load it.")
        origin = headers.get("origin")
        if method == "POST" and origin is not None and not self._is_own(origin):
            return _plain(403, "Other sites may link to this page, not send to it.")
        return None

    def _is_own(self, origin: str) -> bool:
        _, separator, host = origin.partition("://")
        return bool(separator) and self._access.knows_host(host)

    def _signing_in(self, scope: Scope) -> Response | None:
        if self._access.token is None or scope["path"].startswith(_OPEN_PATHS):
            return None
        headers = Headers(scope=scope)
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._access.is_token(bearer.strip()):
            return None
        query = scope["query_string"].decode("latin-1")
        pairs = parse_qsl(query, keep_blank_values=True)
        given = [value for name, value in pairs if name == "token"]
        if given:
            if not self._access.is_token(given[0]):
                return self._sign_in("wrong")
            rest = urlencode([pair for pair in pairs if pair[0] != "token"])
            # At once to the address without the token, so that it is in no bookmark and no picture.
            return self.signed_in(
                scope, "/" + scope["path"].lstrip("/") + (f"?{rest}" if rest else "")
            )
        if self._access.is_cookie(_cookie(headers.get("cookie", ""))):
            return None
        return self._sign_in("asked")

    def signed_in(self, scope: Scope, location: str) -> Response:
        """An answer that lets the browser in from now on."""
        response = RedirectResponse(location, 303)
        response.set_cookie(
            COOKIE,
            self._access.cookie,
            httponly=True,
            samesite="lax",
            secure=scope["scheme"] == "https",
        )
        return response


def _cookie(header: str) -> str:
    # Not by http.cookies: of some Pythons it takes time that grows with the square of what a visitor sends.
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, headers)
