"""Apps for the servers that write log files in the tests."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from .log_writers import worked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

logging.basicConfig(level=logging.INFO)


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """For gunicorn and waitress."""
    body = worked(environ["PATH_INFO"]).encode()
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
    body = worked(scope["path"]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def runserver(port: str) -> None:
    """Django's development server."""
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.http import HttpRequest, HttpResponse
    from django.urls import re_path

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(worked(request.path).encode())

    settings.configure(DEBUG=True, ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"])
    globals()["urlpatterns"] = [re_path(".*", view)]
    django.setup()
    call_command("runserver", f"127.0.0.1:{port}", "--noreload", "--skip-checks")


if __name__ == "__main__":
    runserver(os.environ["PORT"])
