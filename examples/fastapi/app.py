"""A shop in FastAPI. There is nothing of OpenTelemetry or OpenReplay in it."""

import logging

from fastapi import FastAPI

app = FastAPI()
log = logging.getLogger("shop.checkout")


@app.get("/checkout/{order}")
async def checkout(order: int) -> str:
    """Log a line, and fail for one of the orders."""
    log.warning("checkout of order %d", order)
    if order == 7:
        raise RuntimeError("the payment service does not answer")
    return "thanks"
