"""``collector``: CPU that a Collector needs for a record, from OTLP to its acceptance by a server.

Stamped records (see ``records``) go by OTLP over HTTP, 500 a request, to Collectors that all run at once and get
them in turns; the CPU is that of the Collector's process, its garbage collector included, so a turn is long. Behind
them is a server that accepts everything (see ``null_server``), without compression.

- document: minimal.yaml; production: production.yaml, with its queue on disk;
- otel: the same exporter in its default mapping mode and no transform, which makes another document;
- ours: ``OpenReplayLogExporter`` in a Python process, what an app pays that needs no Collector;
- the transform alone: with it and without it before an exporter that throws away.

Limits: short ASCII texts, an exception in one record of fifty, forty sessions in turn.
"""

from __future__ import annotations

import http.client
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs

from openreplay_otel import OpenReplayLogExporter, Settings
from tests.benchmarks.measuring import Rounds, turns
from tests.benchmarks.null_server import NullServer
from tests.benchmarks.records import Shop
from tests.benchmarks.report import Row
from tests.emitting import in_parts, now_ms, session_id_begun_at
from tests.servers.collector import CONFIG, Collector

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord

BATCH = 500
RECORDS = 20_000
"""Of a turn."""
ROUNDS = 7
AIM_TRANSFORM = 20.0
SESSIONS = 40
_WAIT_SECONDS = 120.0

_PLAIN = "exporters: {elasticsearch: {compression: none}}\n"
_OTEL = """\
exporters:
  elasticsearch: {mapping: {mode: otel, allowed_modes: [otel]}}
service:
  pipelines:
    logs: {processors: []}
"""
_THROWN_AWAY = """\
exporters:
  debug: {verbosity: basic, sampling_initial: 1, sampling_thereafter: 1000000}
service:
  pipelines:
    logs: {exporters: [debug]}
"""
_UNTOUCHED = """\
service:
  pipelines:
    logs: {processors: []}
"""
_SIDES = {
    "document": ("minimal.yaml", _PLAIN),
    "production": ("production.yaml", _PLAIN),
    "otel": ("minimal.yaml", _PLAIN, _OTEL),
    "transform": ("minimal.yaml", _THROWN_AWAY),
    "nothing": ("minimal.yaml", _THROWN_AWAY, _UNTOUCHED),
}


class _Side:
    """A Collector that is fed, and asked what it took."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._netloc = urlsplit(collector.otlp_http).netloc
        self._sent = 0

    def take_turn(self, bodies: list[bytes]) -> float:
        """Feed it and wait until all is delivered; returns CPU microseconds a record."""
        before = self._collector.cpu_seconds()
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        for body in bodies:
            connection.request("POST", "/v1/logs", body, {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
        connection.close()
        self._sent += len(bodies) * BATCH
        deadline = time.monotonic() + _WAIT_SECONDS
        while self._collector.metrics().get("otelcol_exporter_sent_log_records", 0) < self._sent:
            assert time.monotonic() < deadline, self._collector.output()[-3000:]
            time.sleep(0.2)
        return (self._collector.cpu_seconds() - before) / (len(bodies) * BATCH) * 1e6


def run() -> list[Row]:
    """Measure; returns the rows of the table."""
    with ExitStack() as stack:
        server = stack.enter_context(NullServer())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides = {
            name: _Side(stack.enter_context(_collector(name, server.url, folder)))
            for name in _SIDES
        }
        records = _records()
        bodies = [encode_logs(part).SerializeToString() for part in in_parts(records, BATCH)]
        exporter = OpenReplayLogExporter(server.url, settings=Settings())
        batches = [*in_parts(records, BATCH)]
        taken = Rounds()
        for number in range(-1, ROUNDS):
            for name in turns([*sides, "ours"], max(number, 0)):
                figure = (
                    _ours(exporter, batches) if name == "ours" else sides[name].take_turn(bodies)
                )
                # The first round warms up.
                if number >= 0:
                    taken.add(name, figure)
        exporter.shutdown()
    share = taken.added("transform", "nothing")
    return [
        Row("the transform, a record", "µs", share, aim=AIM_TRANSFORM),
        Row("minimal.yaml, of the otel mapping without a transform", "µs", taken.median("document"),
            taken.median("otel"), taken.ratio("document", "otel")),
        Row("minimal.yaml, of our exporter in Python", "µs", taken.median("document"),
            taken.median("ours"), taken.ratio("document", "ours")),
        Row("production.yaml, of minimal.yaml", "µs", taken.median("production"),
            taken.median("document"), taken.ratio("production", "document")),
    ]  # fmt: skip


def _collector(name: str, url: str, folder: Path) -> Collector:
    file, *changes = _SIDES[name]
    files = [CONFIG / file]
    for number, change in enumerate(changes):
        path = folder / f"{name}-{number}.yaml"
        path.write_text(change, encoding="utf-8")
        files.append(path)
    variables = {"OPENREPLAY_OTEL_STORE": url, "OPENREPLAY_OTEL_API_KEY": "bm90OmFueQ=="}
    return Collector(*files, environment=variables, state=folder / name)


def _ours(exporter: OpenReplayLogExporter, batches: list[list[ReadableLogRecord]]) -> float:
    before = time.process_time()
    for batch in batches:
        exporter.export(batch)
        assert exporter.force_flush()
    return (time.process_time() - before) / (len(batches) * BATCH) * 1e6


def _records() -> list[ReadableLogRecord]:
    begun_at = now_ms() - 600_000
    sessions = [session_id_begun_at(begun_at + number, number + 1) for number in range(SESSIONS)]
    shop = Shop(Settings())
    for number in range(RECORDS):
        time_ns = (begun_at + 1_000) * 1_000_000 + number * 1_234_567
        shop.emit(sessions[number % SESSIONS], number, time_ns)
    return shop.take()
