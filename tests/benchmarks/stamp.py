"""``stamp``: what our log record processor adds to the SDK's emit, as a part of the bare emit.

An emit is ``logger.info("… %d … %s", …, extra={…})`` of the standard library with OpenTelemetry's
``LoggingHandler``, through a provider whose last processor does nothing, so that nothing is kept. The bare
side has only that processor. "As this package takes the lines" is what ``configure()`` and zero code put in
place: no handler, the record is made where ``logging`` calls its handlers. Beside ours stands
``BaggageLogProcessor`` of opentelemetry-processor-baggage with all keys allowed, which copies the
same session to an attribute and does nothing else. "Nothing" is the bare side once more: what it seems to add
is the error of the method.

A request logs ten lines, then comes the next one, of another session; "one line a request" changes the
session at each line, as it looks to a process whose threads or tasks serve many requests at once. "Without a
session" is the same in contexts that hold nothing. The handler notes where in the code a line comes from, and once
does not, which is its default and makes the bare emit cheaper. The stamp has links to recordings set, as the README
sets them; they are no work of its own.

Limits: one thread; short ASCII texts; no trace; contexts that hold no other baggage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import context
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageLogProcessor

from openreplay_otel import OpenReplayLogRecordProcessor, Settings
from tests.benchmarks.emitting_app import SESSIONS, Nothing, emitting, requests_of_sessions
from tests.benchmarks.measuring import cpu_rounds
from tests.benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import LogRecordProcessor

    from tests.benchmarks.measuring import Rounds

EMITS = 500
BOUTS = 15
ROUNDS = 11
AIM = 0.10
_SETTINGS = Settings(app_url="https://openreplay.example.com", project_id=1)


def run() -> list[Row]:
    """Measure; returns the rows of the table."""
    requests = requests_of_sessions()
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
            _row("  by ours as this package takes the lines, all told", rounds, "captured"),
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
        "ours": [OpenReplayLogRecordProcessor(_SETTINGS)],
        "captured": [OpenReplayLogRecordProcessor(_SETTINGS)],
        "baggage": [BaggageLogProcessor(ALLOW_ALL_BAGGAGE_KEYS)],
        "nothing": [],
    }
    sides = {
        name: emitting(
            requests,
            [*processors, Nothing()],
            emits=EMITS,
            lines=lines,
            notes_code=notes_code,
            captured=name == "captured",
        )
        for name, processors in added.items()
    }
    return cpu_rounds(sides, operations=EMITS, rounds=ROUNDS, bouts=BOUTS, warm_up=10)
