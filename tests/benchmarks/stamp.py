"""``stamp``: what our log record processor adds to the SDK's emit, as a part of the bare emit.

An emit is ``logger.info("… %d … %s", …, extra={…})`` of the standard library with OpenTelemetry's
``LoggingHandler``, through a provider whose last processor does nothing, so that nothing is kept. The bare
side has only that processor. Beside ours stands ``BaggageLogProcessor`` of opentelemetry-processor-baggage
with all keys allowed, which copies the same session to an attribute and does nothing else. "Nothing" is the
bare side once more: what it seems to add is the error of the method.

A request logs ten lines, then comes the next one, of another session; "one line a request" changes the
session at each line, as it looks to a process whose threads or tasks serve many requests at once. "Without a
session" is the same in contexts that hold nothing. The handler stands as ``configure()`` adds it (it notes
where in the code a line comes from), and once as is the SDK's default, which makes the bare emit cheaper.

Limits: one thread; short ASCII texts; no trace; contexts that hold no other baggage.
"""

from __future__ import annotations

import logging
from itertools import cycle, islice
from typing import TYPE_CHECKING

from opentelemetry import baggage, context
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageLogProcessor
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.resources import Resource

from openreplay_otel import OpenReplayLogRecordProcessor, Settings
from tests.benchmarks.measuring import cpu_rounds
from tests.benchmarks.report import Row
from tests.emitting import now_ms, session_id_begun_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadWriteLogRecord

    from tests.benchmarks.measuring import Rounds, Side

EMITS = 500
SESSIONS = 50
BOUTS = 15
ROUNDS = 11
AIM = 0.10


class _Nothing(LogRecordProcessor):
    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        pass

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def run() -> list[Row]:
    """Measure; returns the rows of the table."""
    begun_at = now_ms() - 60_000
    requests = [
        baggage.set_baggage(
            "openreplay.session.id", session_id_begun_at(begun_at + number), context.Context()
        )
        for number in range(SESSIONS)
    ]
    rows: list[Row] = []
    for what, contexts, lines, notes_code in (
        ("", requests, 10, True),
        (", handler without code attributes", requests, 10, False),
        (", one line a request", requests, 1, True),
        (", without a session", [context.Context()] * SESSIONS, 10, True),
    ):
        rounds = _measured(contexts, lines=lines, notes_code=notes_code)
        rows += [
            _row(f"added by ours{what}", rounds, "ours", AIM),
            _row("  by BaggageLogProcessor", rounds, "baggage"),
            _row("  by nothing", rounds, "nothing"),
        ]
    return rows


def _row(what: str, rounds: Rounds, side: str, aim: float | None = None) -> Row:
    added, ratio = rounds.added(side, "bare"), rounds.added_ratio(side, "bare")
    return Row(what, "µs", added, rounds.median("bare"), ratio, aim)


def _measured(requests: Sequence[context.Context], *, lines: int, notes_code: bool) -> Rounds:
    added: dict[str, list[LogRecordProcessor]] = {
        "bare": [],
        "ours": [OpenReplayLogRecordProcessor(Settings())],
        "baggage": [BaggageLogProcessor(ALLOW_ALL_BAGGAGE_KEYS)],
        "nothing": [],
    }
    sides = {
        name: _side(requests, processors, lines=lines, notes_code=notes_code)
        for name, processors in added.items()
    }
    return cpu_rounds(sides, operations=EMITS, rounds=ROUNDS, bouts=BOUTS, warm_up=10)


def _side(
    requests: Sequence[context.Context],
    processors: Sequence[LogRecordProcessor],
    *,
    lines: int,
    notes_code: bool,
) -> Side:
    provider = LoggerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    for processor in (*processors, _Nothing()):
        provider.add_log_record_processor(processor)
    logger = logging.Logger("shop.checkout")  # noqa: LOG001 - apart from other handlers
    logger.addHandler(LoggingHandler(logger_provider=provider, log_code_attributes=notes_code))

    def emit() -> None:
        for request in islice(cycle(requests), EMITS // lines):
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
