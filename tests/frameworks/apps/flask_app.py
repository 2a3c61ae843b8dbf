"""Flask."""

from __future__ import annotations

from flask import Flask, Response, request

from tests.frameworks.apps import shop

app = Flask(__name__)
for path, action in shop.ACTIONS.items():
    app.add_url_rule(path, path, lambda action=action: action(request.args["n"]))


@app.get("/stream")
def stream() -> Response:
    """A streamed answer."""
    return app.response_class(shop.stream(request.args["n"]))
