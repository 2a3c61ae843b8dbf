"""Django, for WSGI and ASGI."""

from __future__ import annotations

import sys

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from tests.frameworks.apps import shop


def _view(action):
    return lambda request: HttpResponse(action(request.GET["n"]))


def _stream(request):
    # Under ASGI Django wants an asynchronous body.
    is_asgi = hasattr(request, "scope")
    made = shop.stream_async if is_asgi else shop.stream
    return StreamingHttpResponse(made(request.GET["n"]))


urlpatterns = [
    *(path(name[1:], _view(action)) for name, action in shop.ACTIONS.items()),
    path("stream", _stream),
]
wsgi = get_wsgi_application()
asgi = get_asgi_application()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", "runserver", "--noreload", sys.argv[1]])
