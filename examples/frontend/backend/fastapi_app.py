"""The shop's API with FastAPI. CORS: which page may call it, and with which headers."""

import logging
import os
import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

import openreplay_otel

PAGE = os.environ.get("SHOP_PAGE", "http://localhost:5173")

# The store is OPENREPLAY_OTEL_STORE, or a file in your state folder.
openreplay_otel.configure(service_name="shop", cookie="openreplay_session")
logger = logging.getLogger("shop")
app = FastAPI()
app.add_middleware(OpenTelemetryMiddleware)
app.add_middleware(
    CORSMiddleware,
    allow_origins=[PAGE],
    allow_methods=["GET", "POST"],
    # What the page sends: only one of the three, by the way that you chose.
    allow_headers=[
        "Content-Type",
        "X-Mine",
        "openReplaySession.id",
        "X-OpenReplay-Session-Id",
        "X-OpenReplay-SessionToken",
    ],
)


# An answer made by this handler passes through the CORS middleware; Starlette's own for any Exception would not, and
# the page could not read it.
@app.exception_handler(ConnectionError)
async def failed(request: Request, error: ConnectionError) -> PlainTextResponse:
    """Log what a request failed by: FastAPI leaves that to the server, which knows no session."""
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return PlainTextResponse("sorry", 500)


@app.post("/api/pay/{order}")
def pay(order: str) -> None:
    """Fail."""
    logger.warning("stock is low for order %s", order)
    raise ConnectionError(f"the bank hung up on order {order}")


@app.post("/pay-by-form")
def pay_by_form() -> None:
    """Fail: a form carries no header, only the cookie."""
    raise ConnectionError("the bank hung up on a form")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]) if len(sys.argv) > 1 else 8001, log_level="warning")
