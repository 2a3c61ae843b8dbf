"""The shop's API with Flask. CORS: which page may call it, and with which headers."""

import os
import sys

from flask import Flask, request
from flask_cors import CORS
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

import openreplay_otel

PAGE = os.environ.get("SHOP_PAGE", "http://localhost:5173")

# The store is OPENREPLAY_OTEL_STORE, or a file in your state folder.
openreplay_otel.configure(service_name="shop", cookie="openreplay_session")
app = Flask(__name__)
app.wsgi_app = OpenTelemetryMiddleware(app.wsgi_app)
CORS(
    app,
    origins=[PAGE],
    # What the page sends: only one of the three, by the way that you chose.
    allow_headers=[
        "Content-Type",
        "X-Mine",
        "openReplaySession.id",
        "X-OpenReplay-Session-Id",
        "X-OpenReplay-SessionToken",
    ],
)


@app.post("/api/pay/<order>")
def pay(order: str) -> str:
    """Fail: Flask logs the exception itself."""
    app.logger.warning("stock is low for order %s", order)
    raise ConnectionError(f"the bank hung up on order {order}")


@app.post("/pay-by-form")
def pay_by_form() -> str:
    """Fail: a form carries no header, only the cookie."""
    raise ConnectionError("the bank hung up on a form")


@app.get("/headers")
def headers() -> list[str]:
    """The names of the headers that arrived, to see what a proxy let through."""
    return sorted(name for name, _ in request.headers)


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8001)
