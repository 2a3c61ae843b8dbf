"""Connexion: its endpoints are named in a specification."""

from __future__ import annotations

from connexion import FlaskApp
from flask import Response

from tests.frameworks.apps import shop


def child(n: str):
    """A line."""
    return shop.child(n)


def handled(n: str):
    """A handled error."""
    return shop.handled(n)


def fail(n: str):
    """Fails."""
    return shop.fail(n)


def slow(n: str):
    """Waits."""
    return shop.slow(n)


def background(n: str):
    """Goes on later."""
    return shop.background(n)


def stream(n: str):
    """A streamed answer."""
    return Response(shop.stream(n), mimetype="text/plain")


def _operation(name):
    parameter = {"name": "n", "in": "query", "required": True, "schema": {"type": "string"}}
    return {
        "get": {
            "operationId": f"{__name__}.{name}",
            "parameters": [parameter],
            "responses": {"200": {"description": "done"}},
        }
    }


_views = ("child", "handled", "fail", "slow", "background", "stream")
app = FlaskApp(__name__)
app.add_api(
    {
        "openapi": "3.0.3",
        "info": {"title": "shop", "version": "1"},
        "paths": {f"/{name}": _operation(name) for name in _views},
    }
)
