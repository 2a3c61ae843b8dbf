"""An app behind a Collector: run under `opentelemetry-instrument`, it sends what it logs by OTLP.

    opentelemetry-instrument python app.py [--forever] [SESSION_ID …]

It answers a request for each session, as a web framework would; without ids it makes some up.
"""  # noqa: INP001 - an example

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, cast

from opentelemetry import context, trace
from opentelemetry._logs import get_logger_provider

from openreplay_otel import OpenReplayLogRecordProcessor, OpenReplayPropagator, add_first

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider

logger = logging.getLogger("shop.checkout")
propagator = OpenReplayPropagator()


def answer(session_id: str) -> None:
    """Handle a request of a recorded user."""
    token = context.attach(propagator.extract({"openReplaySession.id": session_id}))
    try:
        with trace.get_tracer("shop").start_as_current_span("POST /checkout"):
            logger.info("order %d placed", 7, extra={"order": 7})
            logger.warning("stock is low")
            try:
                pay()
            except ConnectionError:
                logger.exception("payment failed")
    finally:
        context.detach(token)


def pay() -> None:
    """Ask the bank."""
    raise ConnectionError("the bank hung up")


def made_up_session() -> str:
    """An id as OpenReplay makes them, of a session that begins now."""
    return str((time.time_ns() // 1_000_000 - 1_550_000_000_000) << 24 | 1)


def main() -> None:
    """Answer the requests."""
    logging.getLogger().setLevel(logging.INFO)
    # Before the exporter: what it sends has to be stamped.
    add_first(cast("LoggerProvider", get_logger_provider()), OpenReplayLogRecordProcessor())
    sessions = [argument for argument in sys.argv[1:] if argument != "--forever"]
    for session_id in sessions or [made_up_session()]:
        answer(session_id)
    logger.info("outside of any session")
    while "--forever" in sys.argv:
        time.sleep(10)
        answer(made_up_session())


if __name__ == "__main__":
    main()
