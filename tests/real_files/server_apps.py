"""Apps for the servers that write log files: ``python -m tests.real_files.server_apps Django`` runs its own server."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from .programs import work_in_a_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

logging.basicConfig(level=logging.INFO)


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """For gunicorn and waitress."""
    body = work_in_a_request(environ["PATH_INFO"]).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """For uvicorn and hypercorn."""
    if scope["type"] != "http":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = work_in_a_request(scope["path"]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def run_django(port: int) -> None:
    """Django's development server."""
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.http import HttpRequest, HttpResponse
    from django.urls import re_path

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(work_in_a_request(request.path).encode())

    settings.configure(DEBUG=True, ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"])
    globals()["urlpatterns"] = [re_path(".*", view)]
    django.setup()
    call_command("runserver", f"127.0.0.1:{port}", "--noreload", "--skip-checks")


def run_flask(port: int) -> None:
    """Flask's development server, of werkzeug."""
    from flask import Flask

    app = Flask("shop")
    app.add_url_rule("/<path>", "work", work_in_a_request)
    app.run("127.0.0.1", port)


def run_aiohttp(port: int) -> None:
    """The server of aiohttp, with its access lines."""
    from aiohttp import web

    async def work(request: web.Request) -> web.Response:
        return web.Response(text=work_in_a_request(request.path))

    app = web.Application()
    app.router.add_get("/{who}", work)
    web.run_app(app, host="127.0.0.1", port=port)


if __name__ == "__main__":
    {"Django": run_django, "Flask": run_flask, "aiohttp": run_aiohttp}[sys.argv[1]](
        int(os.environ["PORT"])
    )
