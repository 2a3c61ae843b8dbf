"""Servers whose request handling cannot be wrapped where it stands: the app is, when they are handed it.

Daphne logs an exception in a timer, Sanic compiles its own methods anew when it starts, and granian calls the app
from Rust.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.context import Context, attach, get_current

from .exception_memory import chain, left, mark_logged
from .middleware import OpenReplayASGIMiddleware
from .request_scope import enter, leave
from .session_context import attach_owned, end_life, session_id_of, with_session_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextvars import Token

    from ..patching import Patches
    from ..settings import Settings
    from .request_scope import RequestReader


_logger = logging.getLogger(__name__)


def hook_app_servers(patches: Patches, reader: RequestReader, settings: Settings) -> None:
    """Put the session around the apps of Daphne, Sanic and granian.

    Args:
        patches: Takes the patches off again.
        reader: Finds the session of a request.
        settings: Where a session is looked for.
    """
    patches.after_import("daphne.server", lambda module: _hook_daphne(patches, settings, module))
    patches.after_import(
        "sanic.server.protocols.http_protocol", lambda module: _hook_sanic(patches, reader, module)
    )
    for name, around in (("granian.asgi", _granian_asgi), ("granian.wsgi", _granian_wsgi)):
        patches.after_import(name, _hook_granian(patches, around, reader))


def _hook_daphne(patches: Patches, settings: Settings, module: Any) -> None:
    def init(
        wrapped: Callable[..., Any], server: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        wrapped(*args, **kwargs)
        server.application = OpenReplayASGIMiddleware(server.application, settings)

    patches.wrap(module.Server, "__init__", init)


def _hook_sanic(patches: Patches, reader: RequestReader, module: Any) -> None:
    def init(
        wrapped: Callable[..., Any], protocol: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        wrapped(*args, **kwargs)
        original = protocol.request_handler
        tokens: list[Token[Context]] = []

        async def request_handler(request: Any) -> None:
            # The access line comes after this: the session ends with the connection's task, or at its next request.
            if tokens:
                leave(tokens.pop())
            tokens.append(enter(_found(reader.of_headers, request.headers.items)))
            await original(request)

        protocol.request_handler = request_handler

    patches.wrap(module.HttpProtocol, "__init__", init)


def _hook_granian(
    patches: Patches, around: Callable[..., Any], reader: RequestReader
) -> Callable[[Any], None]:
    def wrap_callback(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        return around(wrapped, reader, *args, **kwargs)

    return lambda module: patches.wrap(module, "_callback_wrapper", wrap_callback)


def _granian_asgi(
    make: Callable[..., Any], reader: RequestReader, *args: Any, **kwargs: Any
) -> Any:
    inner = make(*args, **kwargs)

    @functools.wraps(inner)
    async def handle(scope: Any, proto: Any) -> Any:
        # Each request is a task of its own, whose context ends with it: what granian logs last has the session, too.
        token = enter(_found(reader.of_headers, lambda: scope["headers"]))
        try:
            return await inner(scope, proto)
        except BaseException as error:
            _will_be_logged(error)
            raise
        finally:
            end_life(token)

    return handle


def _granian_wsgi(
    make: Callable[..., Any],
    reader: RequestReader,
    callback: Callable[..., Any],
    *args: Any,
    **kwargs: Any,
) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        body = callback(environ, start_response)
        session_id = session_id_of()
        if session_id is not None and not isinstance(body, list):
            return _GranianBody(body, session_id)
        return cast("Any", body)

    inner = make(app, *args, **kwargs)

    @functools.wraps(inner)
    def handle(proto: Any, scope: Any) -> Any:
        with _OwnThread(_found(reader.of_environ, lambda: scope), Context()):
            return inner(proto, scope)

    return handle


class _OwnThread:
    """The session on a thread that does nothing but call the app; it stays after an exception, which granian logs next.

    The thread's next call begins with a context of its own.

    Args:
        session_id: The request's session, or None.
        after: The context that counts afterwards.
    """

    def __init__(self, session_id: str | None, after: Context) -> None:
        self._session_id = session_id
        self._after = after

    def __enter__(self) -> None:
        context = Context()
        if self._session_id is not None:
            context = with_session_id(self._session_id, context)
        self._token = attach_owned(context)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        end_life(self._token)
        if error is None or isinstance(error, StopIteration):
            attach(self._after)
        else:
            _will_be_logged(error)


class _GranianBody:
    """A response's body: each part is produced with the session, on whichever thread."""

    def __init__(self, body: Iterable[bytes], session_id: str) -> None:
        self._body = body
        self._parts = iter(body)
        self._session_id = session_id

    def __iter__(self) -> _GranianBody:
        return self

    def __next__(self) -> bytes:
        with _OwnThread(self._session_id, get_current()):
            return next(self._parts)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            with _OwnThread(self._session_id, get_current()):
                close()


def _will_be_logged(error: BaseException) -> None:
    # granian logs the traceback next, as a text, but not those of the causes.
    if sum(1 for _ in chain(error)) == 1:
        mark_logged(error)
    else:
        left(error, is_unhandled=True)


def _found(find: Callable[[Any], str | None], headers: Callable[[], Any]) -> str | None:
    try:
        return find(headers())
    except Exception as error:  # noqa: BLE001 - another version of the server: its requests must not fail
        _logger.debug("reading a request failed: %s", type(error).__name__)
        return None
