"""Servers: a request's session from its first line to its last, the server's own traceback included.

An instrumentation begins and ends within the server's call of the app. What the server itself logs, the
traceback of a failed request and the access line, comes after that. So the session is made the current
one around the server's own handling of a request. Each row below is one such function.
"""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .app_servers import hook_app_servers
from .request_scope import RequestReader, enter, leave

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches
    from ..settings import Settings

    _Find = Callable[[RequestReader, Any, Sequence[Any]], str | None]

_logger = logging.getLogger(__name__)


def _scope_of_self(reader: RequestReader, instance: Any, _: Sequence[Any]) -> str | None:
    return reader.of_headers(instance.scope["headers"])


def _scope_third(reader: RequestReader, _: Any, args: Sequence[Any]) -> str | None:
    return reader.of_headers(args[2].get("headers", ()))


def _request_first(reader: RequestReader, _: Any, args: Sequence[Any]) -> str | None:
    return None if args[0] is None else reader.of_headers(args[0].headers)


def _request_second(reader: RequestReader, _: Any, args: Sequence[Any]) -> str | None:
    return reader.of_headers(args[1].headers)


def _mapping_first(reader: RequestReader, _: Any, args: Sequence[Any]) -> str | None:
    return reader.of_headers(args[0].headers.items())


def _headers_of_self(reader: RequestReader, instance: Any, _: Sequence[Any]) -> str | None:
    return reader.of_headers(instance.headers.items())


def _request_of_self(reader: RequestReader, instance: Any, _: Sequence[Any]) -> str | None:
    return reader.of_headers(instance.request.headers.get_all())


def _inheaders_of_self(reader: RequestReader, instance: Any, _: Sequence[Any]) -> str | None:
    return reader.of_headers(instance.inheaders.items())


def _environ_of_self(reader: RequestReader, instance: Any, _: Sequence[Any]) -> str | None:
    return reader.of_environ(instance.base_env)


def _waiting_request(reader: RequestReader, instance: Any, _: Sequence[Any]) -> str | None:
    # waitress spells header names as an environ has them, without HTTP_.
    headers = instance.requests[0].headers
    return reader.of_headers((name.replace("_", "-"), value) for name, value in headers.items())


class _Row(NamedTuple):
    module: str
    owner: str | None
    name: str
    find: _Find
    logs_errors: bool = True


_ROWS: Final = (
    _Row("gunicorn.workers.sync", "SyncWorker", "handle_request", _request_second),
    _Row("gunicorn.workers.gthread", "ThreadWorker", "handle_request", _request_first),
    _Row("gunicorn.workers.base_async", "AsyncWorker", "handle_request", _request_second),
    _Row("gunicorn.workers.base", "Worker", "handle_error", _request_first),
    _Row("uvicorn.protocols.http.h11_impl", "RequestResponseCycle", "run_asgi", _scope_of_self),
    _Row("uvicorn.protocols.http.httptools_impl", "RequestResponseCycle", "run_asgi", _scope_of_self),
    _Row("uvicorn.protocols.websockets.websockets_impl", "WebSocketProtocol", "run_asgi", _scope_of_self),
    _Row(
        "uvicorn.protocols.websockets.websockets_sansio_impl", "WebSocketsSansIOProtocol",
        "run_asgi", _scope_of_self,
    ),
    _Row("uvicorn.protocols.websockets.wsproto_impl", "WSProtocol", "run_asgi", _scope_of_self),
    _Row("hypercorn.asyncio.task_group", None, "_handle", _scope_third),
    _Row("hypercorn.trio.task_group", None, "_handle", _scope_third),
    _Row("waitress.channel", "HTTPChannel", "service", _waiting_request),
    _Row("werkzeug.serving", "WSGIRequestHandler", "run_wsgi", _headers_of_self),
    # Also Django's runserver.
    _Row("wsgiref.handlers", "BaseHandler", "run", _environ_of_self),
    _Row("aiohttp.web_protocol", "RequestHandler", "_handle_request", _mapping_first),
    _Row("tornado.web", "RequestHandler", "_execute", _request_of_self),
    _Row("cheroot.server", "HTTPRequest", "respond", _inheaders_of_self, logs_errors=False),
)  # fmt: skip


def hook_servers(patches: Patches, settings: Settings) -> None:
    """Put the session around the request handling of the servers that the app imports.

    Args:
        patches: Takes the patches off again.
        settings: Where a session is looked for in a request.
    """
    reader = RequestReader(settings)
    for row in _ROWS:
        patches.after_import(row.module, _patch(patches, row, reader))
    hook_app_servers(patches, reader, settings)


def _patch(patches: Patches, row: _Row, reader: RequestReader) -> Callable[[Any], None]:
    def patch(module: Any) -> None:
        owner = module if row.owner is None else getattr(module, row.owner)
        is_async = inspect.iscoroutinefunction(getattr(owner, row.name))
        patches.wrap(owner, row.name, (_around_async if is_async else _around)(row, reader))

    return patch


def _around(row: _Row, reader: RequestReader) -> Any:
    def around(
        wrapped: Callable[..., Any], instance: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        token = enter(_found(row, reader, instance, args))
        try:
            return wrapped(*args, **kwargs)
        finally:
            leave(token, is_app=not row.logs_errors)

    return around


def _around_async(row: _Row, reader: RequestReader) -> Any:
    async def awaited(
        wrapped: Callable[..., Any], instance: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        token = enter(_found(row, reader, instance, args))
        try:
            return await wrapped(*args, **kwargs)
        finally:
            leave(token, is_app=not row.logs_errors)

    return awaited


def _found(row: _Row, reader: RequestReader, instance: Any, args: Sequence[Any]) -> str | None:
    try:
        return row.find(reader, instance, args)
    except Exception as error:  # noqa: BLE001 - another version of the server: its requests must not fail
        _logger.debug("reading a request of %s failed: %s", row.module, type(error).__name__)
        return None
