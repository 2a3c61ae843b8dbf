"""An app that logs lines in requests of sessions, for the benchmarks of what an emit costs."""

from __future__ import annotations

import logging
from itertools import cycle, islice
from typing import TYPE_CHECKING

from opentelemetry import baggage, context
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.resources import Resource

from openreplay_otel.capture import LoggingCapture
from tests.emitting import now_ms, session_id_begun_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadWriteLogRecord

    from tests.benchmarks.measuring import Side

SESSIONS = 50


class Nothing(LogRecordProcessor):
    """Does nothing: what is left is the SDK's own emit."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Nothing."""

    def shutdown(self) -> None:
        """Nothing."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits."""
        return True


def requests_of_sessions() -> list[context.Context]:
    """The contexts of requests, each of another session."""
    begun_at = now_ms() - 60_000
    return [
        baggage.set_baggage(
            "openreplay.session.id", session_id_begun_at(begun_at + number), context.Context()
        )
        for number in range(SESSIONS)
    ]


def emitting(
    requests: Sequence[context.Context],
    processors: Sequence[LogRecordProcessor],
    *,
    emits: int,
    lines: int = 10,
    notes_code: bool = True,
    captured: bool = False,
) -> Side:
    """A side that logs so many lines through the processors, so many in each request.

    With ``captured`` as this package takes the lines, otherwise through OpenTelemetry's handler.
    """
    provider = LoggerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    for processor in processors:
        provider.add_log_record_processor(processor)
    logger = logging.Logger("shop.checkout")  # noqa: LOG001 - apart from other handlers
    if not captured:
        logger.addHandler(LoggingHandler(logger_provider=provider, log_code_attributes=notes_code))
    capture = LoggingCapture(provider)

    def emit() -> None:
        if captured:
            capture.start()
        try:
            emit_all()
        finally:
            capture.stop()

    def emit_all() -> None:
        for request in islice(cycle(requests), emits // lines):
            token = context.attach(request)
            try:
                for number in range(lines):
                    logger.info(
                        "order %d placed for customer %s",
                        number,
                        "c-77",
                        extra={"order_id": number},
                    )
            finally:
                context.detach(token)

    return emit
