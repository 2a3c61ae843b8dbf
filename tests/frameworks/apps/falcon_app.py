"""Falcon."""

from __future__ import annotations

import falcon

from tests.frameworks.apps import shop


class _Resource:
    def __init__(self, action):
        self._action = action

    def on_get(self, request, response):
        response.text = self._action(request.get_param("n"))


class _Stream:
    def on_get(self, request, response):
        response.stream = shop.stream(request.get_param("n"))


app = falcon.App()
for path, action in shop.ACTIONS.items():
    app.add_route(path, _Resource(action))
app.add_route("/stream", _Stream())
