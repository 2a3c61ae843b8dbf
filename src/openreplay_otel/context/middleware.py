"""Middleware for apps without OpenTelemetry's instrumentation: the session of each request, nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..settings import Settings
from .request_scope import RequestReader, enter, leave

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from typing_extensions import Unpack

    from ..settings import SettingsArguments


class OpenReplayWSGIMiddleware:
    """Makes the session of each request the current one, for a WSGI app.

    ::

        app = OpenReplayWSGIMiddleware(app)

    It goes outermost, and beside OpenTelemetry's instrumentation does no harm. While the body of a
    response is produced, the session counts as well.

    Args:
        app: The WSGI app.
        settings: Where a session is looked for; read from the environment where None.
        **arguments: Single settings, such as ``headers`` or ``cookie``.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        settings: Settings | None = None,
        **arguments: Unpack[SettingsArguments],
    ) -> None:
        self.app = app
        self._reader = RequestReader(Settings.load(**arguments) if settings is None else settings)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer a request."""
        session_id = self._reader.of_environ(environ)
        token = enter(session_id)
        try:
            body: Any = self.app(environ, start_response)
        finally:
            leave(token, is_app=True)
        if session_id is None or isinstance(body, (list, tuple)):
            return cast("Any", body)
        file_wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
            return body  # Servers know it by its type and send the file themselves.
        return _Body(body, session_id)


class _Body:
    """A response's body: each part is produced with the session, and nothing is held in between."""

    def __init__(self, body: Iterable[bytes], session_id: str) -> None:
        self._body = body
        self._session_id = session_id
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        token = enter(self._session_id)
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)
        finally:
            leave(token, is_app=True)

    def close(self) -> None:
        """End the body, as servers do in any case."""
        close = getattr(self._body, "close", None)
        if close is None:
            return
        token = enter(self._session_id)
        try:
            close()
        finally:
            leave(token, is_app=True)


class OpenReplayASGIMiddleware:
    """Makes the session of each request (or websocket) the current one, for an ASGI app.

    ::

        app = OpenReplayASGIMiddleware(app)

    Args:
        app: The ASGI app.
        settings: Where a session is looked for; read from the environment where None.
        **arguments: Single settings, such as ``headers`` or ``cookie``.
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[Any]],
        settings: Settings | None = None,
        **arguments: Unpack[SettingsArguments],
    ) -> None:
        self.app = app
        self._reader = RequestReader(Settings.load(**arguments) if settings is None else settings)

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        token = enter(self._reader.of_headers(scope["headers"]))
        try:
            await self.app(scope, receive, send)
        finally:
            leave(token, is_app=True)
