"""A shop in Flask. There is nothing of OpenTelemetry or OpenReplay in it."""

import logging

from flask import Flask

app = Flask(__name__)
log = logging.getLogger("shop.checkout")


@app.get("/checkout/<int:order>")
def checkout(order: int) -> str:
    """Log a line, and fail for one of the orders."""
    log.warning("checkout of order %d", order)
    if order == 7:
        raise RuntimeError("the payment service does not answer")
    return "thanks"
