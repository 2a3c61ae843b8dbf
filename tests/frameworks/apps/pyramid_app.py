"""Pyramid."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.response import Response

from tests.frameworks.apps import shop


def _view(action):
    return lambda request: Response(action(request.params["n"]))


def _stream(request):
    return Response(app_iter=shop.stream(request.params["n"]))


with Configurator() as config:
    for path, action in shop.ACTIONS.items():
        config.add_route(path, path)
        config.add_view(_view(action), route_name=path)
    config.add_route("stream", "/stream")
    config.add_view(_stream, route_name="stream")
    app = config.make_wsgi_app()
