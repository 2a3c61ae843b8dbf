"""Bottle."""

from __future__ import annotations

from typing import Any

from bottle import Bottle, request

from tests.frameworks.apps import shop

app: Any = Bottle()


def _number() -> str:
    query: Any = request.query
    return query.n


for path, action in shop.ACTIONS.items():
    app.route(path, callback=lambda action=action: action(_number()))


@app.route("/stream")
def stream():
    """A streamed answer."""
    return shop.stream(_number())
