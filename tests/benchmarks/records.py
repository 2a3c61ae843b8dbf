"""Makes records as a web shop would emit them, stamped, for the benchmarks that export and look up.

A record is what ``LoggingHandler`` makes of ``logger.info("…", …, extra={"order_id": …})`` in a request
with a trace and a session: a short text, where in the code, one extra. One in fifty is an error with an
exception of twelve frames.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opentelemetry import baggage, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from openreplay_otel import OpenReplayLogRecordProcessor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk._logs import ReadableLogRecord

    from openreplay_otel import Settings

ERROR_EVERY = 50

_TEXTS = (
    "order %d placed for customer c-%d after %d ms",
    "cart %d of customer c-%d priced in %d ms",
    "GET /api/v2/products/%d?customer=%d answered 200 in %d ms",
    "cache miss for key product:%d:%d, loaded in %d ms",
    "payment %d authorised by gateway, attempt %d, took %d ms",
)
_FRAME = (
    '  File "/srv/shop/checkout/step_{0}.py", line {0}7, in step_{0}\n'
    "    return self.next_step(order, customer)\n"
)
_STACK_TRACE = (
    "Traceback (most recent call last):\n"
    + "".join(_FRAME.format(number) for number in range(1, 13))
    + "shop.errors.PaymentRefused: the card was refused by the bank\n"
)
_RESOURCE = {
    "service.name": "shop",
    "service.version": "2026.7.1",
    "service.instance.id": "shop-7d9c5b-x2x9k",
    "deployment.environment.name": "production",
    "host.name": "node-17.example.com",
    "process.pid": 4711,
}


class Shop:
    """A service whose records are stamped and kept until they are taken.

    Args:
        settings: For the stamp.
    """

    def __init__(self, settings: Settings) -> None:
        self._kept = InMemoryLogRecordExporter()
        provider = LoggerProvider(resource=Resource(_RESOURCE), shutdown_on_exit=False)
        provider.add_log_record_processor(OpenReplayLogRecordProcessor(settings))
        provider.add_log_record_processor(SimpleLogRecordProcessor(self._kept))
        self._logger = provider.get_logger("shop.checkout")

    def emit(self, session_id: str, number: int, time_ns: int) -> None:
        """Emit a record.

        Args:
            session_id: The session of the request.
            number: The record's number, which decides what it says.
            time_ns: Unix nanoseconds.
        """
        is_error = number % ERROR_EVERY == ERROR_EVERY - 1
        text = _TEXTS[number % len(_TEXTS)] % (number, number * 7919 % 9973, number * 31 % 997)
        self._logger.emit(
            LogRecord(
                timestamp=time_ns,
                observed_timestamp=time_ns + 20_000,
                context=_request_context(session_id),
                severity_text="ERROR" if is_error else "INFO",
                severity_number=SeverityNumber.ERROR if is_error else SeverityNumber.INFO,
                body=f"checkout failed: {text}" if is_error else text,
                attributes=_attributes(number, is_error=is_error),
            )
        )

    def take(self) -> list[ReadableLogRecord]:
        """The records since the last call."""
        taken = list(self._kept.get_finished_logs())
        self._kept.clear()
        return taken


def _attributes(number: int, *, is_error: bool) -> Mapping[str, Any]:
    attributes: dict[str, Any] = {
        "order_id": number,
        "code.file.path": "/srv/shop/checkout/views.py",
        "code.function.name": "place_order",
        "code.line.number": 120 + number % 5,
    }
    if is_error:
        attributes["exception.type"] = "PaymentRefused"
        attributes["exception.message"] = "the card was refused by the bank"
        attributes["exception.stacktrace"] = _STACK_TRACE
    return attributes


@lru_cache(maxsize=4096)
def _request_context(session_id: str) -> Context:
    context = baggage.set_baggage("openreplay.session.id", session_id, Context())
    number = int(session_id)
    span = trace.SpanContext(
        trace_id=number << 32 | 1,
        span_id=number | 1,
        is_remote=False,
        trace_flags=trace.TraceFlags(1),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(span), context)
