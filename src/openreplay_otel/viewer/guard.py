"""Stands before all pages: refuses foreign hosts and peers, asks for the token, sets the headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response

from .forwarding import is_forwarded
from .signing_in import SIGN_IN, SIGN_OUT

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .access import Access
    from .signing_in import SignIn

_STATIC: Final = "/static/"
_METHODS: Final = frozenset({"GET", "HEAD"})
_OPEN_PATHS: Final = frozenset({SIGN_IN, SIGN_OUT})
_POST_PATHS: Final = _OPEN_PATHS | {"/search"}
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
        sign_in: Asks for the token.
    """

    def __init__(self, app: ASGIApp, access: Access, sign_in: SignIn) -> None:
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

        answer = self._refusal(scope)
        path = scope["path"]
        if answer is None and not path.startswith(_STATIC) and path not in _OPEN_PATHS:
            answer = self._sign_in.answer(scope)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:  # noqa: PLR0911 - one a reason
        headers = Headers(scope=scope)
        client = scope.get("client")
        peer = client[0] if client else None
        forwarded = is_forwarded(headers.keys(), scope["http_version"])
        if not self._access.may_connect(peer, is_forwarded=forwarded):
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


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, headers)
