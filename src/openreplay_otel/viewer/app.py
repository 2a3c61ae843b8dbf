"""The application: routes, templates, answers to errors."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ..errors import InvalidSessionError, OpenReplayError, SettingsError, StoreUnavailableError
from ..store_url import sqlite_path_of
from ..text.harmless import harmless
from ..version import __version__
from .guard import Guard
from .pages import Pages
from .signing_in import SIGN_IN, SIGN_OUT, SignIn, own_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from ..lookup.session_logs import SessionLogs
    from .access import Access
    from .signing_in import Asking

_STATIC_TYPES: Final = {
    "viewer.css": "text/css; charset=utf-8",
    "viewer.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOREVER: Final = "public, max-age=31536000, immutable"
_LONGEST_FORM: Final = 8_000


def create_app(lookup: SessionLogs, access: Access) -> ASGIApp:
    """The page as an ASGI application, for uvicorn or any other server.

    Args:
        lookup: What it shows; its settings give the links to recordings.
        access: Who may see it.

    Raises:
        SettingsError: ``access`` would show the logs to everybody.
    """
    access.check()
    return _Viewer(lookup, access).app


class _Viewer:
    def __init__(self, lookup: SessionLogs, access: Access) -> None:
        self._lookup = lookup
        self._static = _static_files()
        self._templates = Environment(
            loader=PackageLoader("openreplay_otel.viewer"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        known = cast("dict[str, Any]", self._templates.globals)  # pyright: ignore[reportUnknownMemberType] - Jinja leaves it open
        known.update(
            version=__version__,
            store_name=harmless(lookup.store.name),
            has_app_url=lookup.settings.app_url is not None and lookup.settings.project_id is not None,
            style="/static/viewer.css?" + self._static["viewer.css"][1],
            script="/static/viewer.js?" + self._static["viewer.js"][1],
            icon="/static/icon.svg?" + self._static["icon.svg"][1],
            can_sign_out=access.token is not None,
        )  # fmt: skip
        self._access = access
        self._doors = SignIn(access, self._ask_for_token)
        pages = Pages(lookup, self)
        routes = [
            Route("/", pages.sessions),
            Route("/search", self._search, methods=["POST"]),
            Route("/session/{session_id:str}", pages.session),
            Route("/session/{session_id:str}/record", pages.record),
            Route("/session/{session_id:str}/download.{kind:str}", pages.download),
            Route("/static/{name:str}", self._static_file),
            Route(SIGN_IN, self._sign_in, methods=["GET", "POST"]),
            Route(SIGN_OUT, self._sign_out, methods=["POST"]),
        ]
        handlers: Any = {
            OpenReplayError: self._on_error,
            HTTPException: self._on_http_error,
            Exception: self._on_crash,
        }
        pages_app = Starlette(routes=routes, exception_handlers=handlers)
        pages_app.router.redirect_slashes = False
        # Around all of it: what Starlette answers to a crash needs the headers, too.
        self.app = Guard(pages_app, access, self._doors)

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """An answer made of a template."""
        return HTMLResponse(self._templates.get_template(template).render(**values), status)

    def part(self, template: str, /, **values: Any) -> Markup:
        """A part of a page: safe, as its template escapes what is put into it."""
        return Markup(self._templates.get_template(template).render(**values))  # noqa: S704 - escaped by the template

    async def _search(self, request: Request) -> Response:
        # Sent and not asked for: a token would stay in the address, and that in the browser's history.
        return self._find((await _form(request)).get("q", ""))

    def _find(self, text: str) -> Response:
        from ..session import Session
        from .filters import SessionsFilter

        text = text.strip()
        if not text:
            return RedirectResponse("/", 303)
        try:
            session = Session.parse(text)
        except InvalidSessionError:
            if _looks_secret(text):
                return self._problem(
                    400,
                    "That is no whole token",
                    "It looks like a part of a session token, or like one of another kind. Paste the whole"
                    " token, the session's id or the link of its recording.",
                )
            wanted = SessionsFilter.read({"show": "all", "text": text})
            return RedirectResponse(wanted.address(), 303)
        return RedirectResponse(f"/session/{session.id}", 303)

    def _ask_for_token(self, why: Asking, address: str) -> Response:
        return self.page("sign_in.html", 401, was_wrong=why == "wrong", address=address)

    async def _sign_in(self, request: Request) -> Response:
        if self._access.token is None:
            return RedirectResponse("/", 303)
        form = await _form(request) if request.method == "POST" else {}
        given, address = form.get("token", ""), own_address(form.get("address", ""))
        if self._access.is_token(given.strip()):
            return self._doors.signed_in(request.scope, address)
        return self._ask_for_token("wrong" if given else "asked", address)

    async def _sign_out(self, request: Request) -> Response:
        return self._doors.signed_out(request.scope)

    def _static_file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._static:
            raise HTTPException(404)
        content, _ = self._static[name]
        return Response(
            content, media_type=_STATIC_TYPES[name], headers={"Cache-Control": _FOREVER}
        )

    def _on_error(self, _: Request, error: OpenReplayError) -> Response:
        # The sentences of this package hold no credentials.
        sentence = harmless(str(error))
        if isinstance(error, (SettingsError, InvalidSessionError)):
            return self._problem(400, "That cannot be shown", sentence)
        if self._has_no_file():
            return self.page("empty.html", reason="no-store")
        status = 503 if isinstance(error, StoreUnavailableError) else 500
        return self._problem(status, "The store cannot be read", sentence)

    def _on_http_error(self, _: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return self._problem(404, "There is no such page", "Nothing stands at that address.")
        return self._problem(error.status_code, "That cannot be answered", error.detail)

    def _on_crash(self, _: Request, __: Exception) -> Response:
        return self._problem(
            500,
            "Something went wrong",
            "That is a fault of this page. What happened stands in the terminal in which it was started.",
        )

    def _problem(self, status: int, title: str, sentence: str) -> Response:
        return self.page("problem.html", status, title=title, sentence=sentence)

    def _has_no_file(self) -> bool:
        from pathlib import Path

        path = sqlite_path_of(self._lookup.store.name)
        return path is not None and not Path(path).exists()


async def _form(request: Request) -> dict[str, str]:
    """The values of a short form; what is longer than anybody types is refused unread."""
    from urllib.parse import parse_qs

    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "A form was expected.")
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST_FORM:
                raise HTTPException(413, "That is too long.")
    except ClientDisconnect:
        # Nobody reads this answer. Without it, the server would tell the visitor's end as a fault of the page.
        raise HTTPException(400, "The form did not arrive.") from None
    try:
        values = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    except ValueError:
        raise HTTPException(400, "That form has too many fields.") from None
    return {name: given[0] for name, given in values.items()}


def _looks_secret(text: str) -> bool:
    """A long word with dots, such as a token with a piece missing, or a JSON web token."""
    return (
        len(text) > 24 and text.count(".") >= 2 and not any(c.isspace() or c == "/" for c in text)
    )


def _static_files() -> Mapping[str, tuple[bytes, str]]:
    folder = resources.files("openreplay_otel.viewer") / "static"
    contents = {name: (folder / name).read_bytes() for name in _STATIC_TYPES}
    return {
        name: (content, hashlib.sha256(content).hexdigest()[:12])
        for name, content in contents.items()
    }
