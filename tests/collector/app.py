"""An app behind a Collector: run under `opentelemetry-instrument`, it sends what it logs by OTLP.

Its arguments are session ids; it answers one request for each, as a web framework would, and ends.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, cast

from opentelemetry import context, propagate, trace
from opentelemetry._logs import get_logger_provider

from openreplay_otel import OpenReplayLogRecordProcessor, OpenReplayPropagator, add_first

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider

logger = logging.getLogger("shop.checkout")


def answer(session_id: str) -> None:
    """Handle a request of a recorded user."""
    carrier = {"openReplaySession.id": session_id}
    token = context.attach(OpenReplayPropagator().extract(carrier))
    try:
        with trace.get_tracer("shop").start_as_current_span("POST /checkout"):
            logger.info("order %d placed", 7, extra={"order": 7})
            logger.warning("stock is low")
            try:
                raise ConnectionError("the bank hung up")
            except ConnectionError:
                logger.exception("payment failed")
    finally:
        context.detach(token)


def main() -> None:
    """Answer the requests."""
    logging.getLogger().setLevel(logging.INFO)
    add_first(cast("LoggerProvider", get_logger_provider()), OpenReplayLogRecordProcessor())
    assert propagate.get_global_textmap() is not None
    for session_id in sys.argv[1:]:
        answer(session_id)
    logger.info("outside of any session")


if __name__ == "__main__":
    main()
