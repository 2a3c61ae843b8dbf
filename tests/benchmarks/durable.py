"""``durable``: what the durable processor costs the app, beside the SDK's batch processor.

``logger.info`` (see ``emitting_app``), ten lines a request, each request of another session; once more with
one line a request, as it looks to a process whose threads or tasks serve many requests at once. Our side is set
up as the README does it, links to recordings (``app_url``, ``project_id``) included.

- *A log line*: CPU of the app's thread alone. Ours: the line taken from ``logging``, stamp, document, the write
  to the spool. The other: OpenTelemetry's handler and the SDK's ``BatchLogRecordProcessor``, with no stamp,
  behind it an exporter that does nothing.
- *A delivered record*: CPU of the whole process, background threads included, until a server in another
  process (see ``null_server``) has accepted it. The other: ``BatchLogRecordProcessor`` with
  ``OTLPLogExporter`` over HTTP, no stamp. "Beyond the bare emit" takes off what the same lines cost with a
  processor that does nothing, through OpenTelemetry's handler.

A bout ends with a flush, so that all that it emitted is delivered within it. The SDK's queue is made large
enough to lose nothing.

Limits: short ASCII texts, one thread that emits, a spool on the local disk.
"""

from __future__ import annotations

import tempfile
import time
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
)

from openreplay_otel import DurableLogRecordProcessor, OpenReplayLogRecordProcessor, Settings
from openreplay_otel.stores import open_store
from tests.benchmarks.emitting_app import Nothing, emitting, requests_of_sessions
from tests.benchmarks.measuring import cpu_rounds
from tests.benchmarks.null_server import NullServer
from tests.benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord

    from tests.benchmarks.measuring import Side

EMITS = 1_000
DELIVERED = 5_000
BOUTS = 7
ROUNDS = 9
AIM_EMIT = 1.35
AIM_ALL = 0.65


class _ExportsNothing(LogRecordExporter):
    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def run() -> list[Row]:
    """Measure; returns the rows of the table."""
    with tempfile.TemporaryDirectory() as folder, NullServer() as server:
        settings = Settings(
            spool_dir=folder, app_url="https://openreplay.example.com", project_id=1
        )
        stamp = OpenReplayLogRecordProcessor(settings)
        durable = DurableLogRecordProcessor(
            open_store(server.url, settings=settings), settings=settings
        )
        idle = BatchLogRecordProcessor(_ExportsNothing())
        otlp = BatchLogRecordProcessor(
            OTLPLogExporter(
                endpoint=f"{server.url}/v1/logs", compression=Compression.NoCompression
            ),
            max_queue_size=2 * DELIVERED,
        )
        ours: list[LogRecordProcessor] = [stamp, durable]
        rows = _emits({"ours": ours, "batch": [idle], "bare": [Nothing()]}, lines=10)
        rows += _emits({"ours": ours, "batch": [idle], "bare": [Nothing()]}, lines=1)
        rows += _delivered({"ours": ours, "otlp": [otlp], "bare": [Nothing()]})
        counts = durable.counts
        for processor in (durable, idle, otlp):
            processor.shutdown()
        assert counts.accepted == counts.delivered, counts
    return rows


def _emits(sides: dict[str, list[LogRecordProcessor]], *, lines: int) -> list[Row]:
    requests = requests_of_sessions()
    taken = cpu_rounds(
        {
            name: emitting(requests, added, emits=EMITS, lines=lines, captured=name == "ours")
            for name, added in sides.items()
        },
        operations=EMITS,
        rounds=ROUNDS,
        bouts=BOUTS,
        warm_up=5,
        clock=time.thread_time,
    )
    return [
        Row(
            f"a log line, {lines} a request, of the batch processor's", "µs",
            taken.median("ours"), taken.median("batch"), taken.ratio("ours", "batch"), AIM_EMIT,
        ),
        Row("  a bare emit", "µs", taken.median("bare")),
    ]  # fmt: skip


def _delivered(sides: dict[str, list[LogRecordProcessor]]) -> list[Row]:
    requests = requests_of_sessions()
    taken = cpu_rounds(
        {
            name: _with_flush(
                emitting(requests, added, emits=DELIVERED, captured=name == "ours"), added
            )
            for name, added in sides.items()
        },
        operations=DELIVERED,
        rounds=ROUNDS,
        bouts=3,
        warm_up=2,
    )
    return [
        Row(
            "a delivered record, of batch and OTLP", "µs",
            taken.median("ours"), taken.median("otlp"), taken.ratio("ours", "otlp"), AIM_ALL,
        ),
        Row(
            "  beyond the bare emit", "µs", taken.added("ours", "bare"), taken.added("otlp", "bare"),
            taken.ratio_of_added("ours", "otlp", "bare"),
        ),
    ]  # fmt: skip


def _with_flush(emit: Side, processors: Sequence[LogRecordProcessor]) -> Side:
    def emit_and_deliver() -> None:
        emit()
        for processor in processors:
            assert processor.force_flush()

    return emit_and_deliver
