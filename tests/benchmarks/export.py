"""``export``: CPU a record costs from the SDK's ``ReadableLogRecord`` until a server has accepted it.

Three exports of the same stamped records (see ``records``), each over a kept connection to a server in
another process that accepts everything (see ``null_server``), without compression, a request a batch:

- ours: ``OpenReplayLogExporter.export``, its store prepared beforehand;
- ``OTLPLogExporter`` of opentelemetry-exporter-otlp-proto-http;
- ``elasticsearch.helpers.bulk`` with dicts (see ``plain_documents``) and the client's default serializer.

Then ours in its two parts, each alone: building the documents, and the request with the look at its answer.
They add up to less than the whole, in which all documents of a batch are held at once: the larger the
batch, the more of its memory is fetched anew from the system and given back, on every side.

Limits: short ASCII texts, an exception in one record of fifty, forty sessions in turn, one thread. Ours
and helpers.bulk get the same documents there; OTLP leaves that work to a Collector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs.export import LogRecordExportResult

from openreplay_otel import OpenReplayLogExporter, Settings
from openreplay_otel.document.builder import DocumentBuilder
from openreplay_otel.session import replay_url_base
from tests.benchmarks.measuring import cpu_rounds
from tests.benchmarks.null_server import NullServer
from tests.benchmarks.plain_documents import action, resource_fields
from tests.benchmarks.records import Shop
from tests.benchmarks.report import Row
from tests.emitting import in_parts, now_ms, session_id_begun_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk._logs.export import LogRecordExporter

    from openreplay_otel.stores.base import Document
    from tests.benchmarks.measuring import Side

BATCH_SIZES = (512, 2_000)
RECORDS = 2_000
PASSES = 3
"""How often a bout exports the records: the first time works in a heap that another side left."""
SESSIONS = 40
BOUTS = 5
ROUNDS = 11
AIM = 0.25

_SETTINGS = Settings(app_url="https://openreplay.example.com", project_id=7)


def run() -> list[Row]:
    """Measure; returns the rows of the table."""
    rows: list[Row] = []
    with NullServer() as server:
        for size in BATCH_SIZES:
            rows += _with_batches_of(size, server.url)
    return rows


def _with_batches_of(size: int, url: str) -> list[Row]:
    batch_count = max(1, RECORDS // size)
    batches = [*in_parts(_records(size * batch_count), size)]
    ours = OpenReplayLogExporter(url, settings=_SETTINGS)
    build = DocumentBuilder(_SETTINGS).build
    built = [[document for record in batch if (document := build(record))] for batch in batches]
    otlp = OTLPLogExporter(endpoint=f"{url}/v1/logs", compression=Compression.NoCompression)
    client = Elasticsearch(url)
    to_action = _action_maker(batches[0][0])
    _check_equal([d for part in built for d in part], [to_action(r) for b in batches for r in b])

    def build_all() -> None:
        for batch in batches:
            for record in batch:
                build(record)

    def write_all() -> None:
        for documents in built:
            assert ours.store.write(documents).accepted == size

    def bulk_all() -> None:
        for batch in batches:
            done, _ = bulk(client, map(to_action, batch), chunk_size=size, raise_on_error=False)
            assert done == size

    sides: dict[str, Side] = {
        "ours": _exporting(ours, batches),
        "otlp": _exporting(otlp, batches),
        "helpers": bulk_all,
        "build": build_all,
        "write": write_all,
    }
    taken = cpu_rounds(
        {name: _repeated(side) for name, side in sides.items()},
        operations=size * batch_count * PASSES,
        rounds=ROUNDS,
        bouts=BOUTS,
        warm_up=3,
    )
    for exporter in (ours, otlp):
        exporter.shutdown()
    client.close()
    rows = [
        Row(what, "µs", taken.median("ours"), taken.median(side), taken.ratio("ours", side), AIM)
        for side, what in (
            ("otlp", f"batches of {size:,}: OTLP over HTTP"),
            ("helpers", f"batches of {size:,}: elasticsearch.helpers.bulk"),
        )
    ]
    parts = (("build", "  ours: building documents"), ("write", "  ours: request and answer"))
    return [*rows, *(Row(what, "µs", taken.median(side)) for side, what in parts)]


def _records(count: int) -> list[ReadableLogRecord]:
    begun_at = now_ms() - 600_000
    sessions = [session_id_begun_at(begun_at + number, number + 1) for number in range(SESSIONS)]
    shop = Shop(_SETTINGS)
    for number in range(count):
        time_ns = (begun_at + 1_000) * 1_000_000 + number * 1_234_567
        shop.emit(sessions[number % SESSIONS], number, time_ns)
    return shop.take()


def _exporting(exporter: LogRecordExporter, batches: list[list[ReadableLogRecord]]) -> Side:
    def export_all() -> None:
        for batch in batches:
            assert exporter.export(batch) is LogRecordExportResult.SUCCESS
            assert exporter.force_flush()

    return export_all


def _repeated(side: Side) -> Side:
    def several_times() -> None:
        for _ in range(PASSES):
            side()

    return several_times


def _action_maker(example: ReadableLogRecord) -> Callable[[ReadableLogRecord], dict[str, Any]]:
    resource = resource_fields(example.resource.attributes)
    assert _SETTINGS.app_url is not None
    assert _SETTINGS.project_id is not None
    link = replay_url_base(_SETTINGS.app_url, _SETTINGS.project_id)
    return lambda record: action(record, resource, link)


def _check_equal(ours: list[Document], plain: list[dict[str, Any]]) -> None:
    """Fail where the two ways to a document do not lead to the same one."""
    for document, made in zip(ours, plain, strict=True):
        assert (document.index, document.id) == (made["_index"], made["_id"])
        source = orjson.loads(document.source)
        assert source == made["_source"], (source, made["_source"])
