"""``ingest``: how fast records reach a real, warm Elasticsearch, beside raw requests of the same documents.

In each round the same records go in four ways, each into an index of its own with our template:

- *ours, queued*: they lie in the spool already; from the start of the delivery worker until the last one is stored;
- *ours, emitted*: an app logs them as fast as it can; from the first log call until the last one is stored;
- *raw*: ready-made NDJSON of the same documents with the same ids, in requests as large as the delivery worker's, one
  after another on one connection. This is what "ours" is compared with;
- *raw without ids*: the same, Elasticsearch choosing the ids. The difference to raw is what "once" costs.

Clock time, since Elasticsearch is what all of them wait for; the machine has to be quiet.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from openreplay_otel import DurableLogRecordProcessor, OpenReplayLogRecordProcessor, Settings
from openreplay_otel.document.builder import DocumentBuilder
from openreplay_otel.spool import Spool
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.stores import open_store
from openreplay_otel.stores.bulk_lines import lines_of, whole_length
from openreplay_otel.stores.elasticsearch import ElasticsearchStore
from openreplay_otel.stores.elasticsearch.bulk import BULK_PATH
from tests.benchmarks.emitting_app import emitting, requests_of_sessions
from tests.benchmarks.measuring import Rounds, turns
from tests.benchmarks.records import Shop
from tests.benchmarks.report import Row
from tests.emitting import now_ms, session_id_begun_at
from tests.servers.elasticsearch import ElasticsearchServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry import context

RECORDS = 40_000
ROUNDS = 7
WARM_UP = 2
SESSIONS = 200
REQUEST = 2 * 1024 * 1024
AIM = 1 / 0.95
_ID = re.compile(rb',"_id":"[^"]*"')


def run(major: int) -> list[Row]:
    """Start a server of a major and measure; returns the rows of the table."""
    print(f"  starting Elasticsearch {major}", file=sys.stderr, flush=True)
    taken = Rounds()
    with ElasticsearchServer.start(major) as server:
        sides: dict[str, Callable[[str], float]] = {
            "queued": lambda prefix: _queued(server.store_url, prefix),
            "emitted": lambda prefix: _emitted(server.store_url, prefix),
            "raw": lambda prefix: _raw(server.store_url, prefix, with_ids=True),
            "without ids": lambda prefix: _raw(server.store_url, prefix, with_ids=False),
        }
        for number in range(WARM_UP + ROUNDS):
            for name in turns(list(sides), number):
                prefix = f"{name.replace(' ', '-')}-{number}"
                seconds = sides[name](prefix)
                found = _count(server, prefix)
                assert found == RECORDS, (prefix, found)
                if number >= WARM_UP:
                    taken.add(name, seconds / RECORDS * 1e6)
            print(f"  round {number + 1} of {WARM_UP + ROUNDS}", file=sys.stderr, flush=True)
    return [
        Row(what, "µs", taken.median(side), taken.median("raw"), taken.ratio(side, "raw"), aim)
        for side, what, aim in (
            ("queued", "a queued record, of a raw one", AIM),
            ("emitted", "a record from its log call on, of a raw one", None),
            ("without ids", "a raw one without an id, of a raw one", None),
        )
    ]


def _settings(prefix: str, **more: str) -> Settings:
    return Settings(index=prefix, **more)  # pyright: ignore[reportArgumentType]


def _prepared(url: str, settings: Settings) -> ElasticsearchStore:
    store = open_store(url, settings=settings)
    assert isinstance(store, ElasticsearchStore)
    assert not store.prepare()
    return store


def _lines(settings: Settings) -> list[bytes]:
    shop, build = Shop(settings), DocumentBuilder(settings).build
    begun_at = now_ms() - 600_000
    sessions = [session_id_begun_at(begun_at + number, number + 1) for number in range(SESSIONS)]
    for number in range(RECORDS):
        shop.emit(sessions[number % SESSIONS], number, (begun_at + 1_000 + number) * 1_000_000)
    built = map(build, shop.take())
    return [lines_of(*document) for document in built if document is not None]


def _queued(url: str, prefix: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(prefix, spool_dir=folder)
        store = _prepared(url, settings)
        spool = Spool(SpoolFolder.of(folder, store.name), max_bytes=2**30, max_age=3600)
        for lines in _lines(settings):
            spool.append(lines, True)
        spool.close()
        began = time.perf_counter()
        processor = DurableLogRecordProcessor(store, settings=settings)
        # A process that has emitted nothing delivers nothing of itself.
        processor.force_flush(1)
        while processor.counts.delivered < RECORDS:
            time.sleep(0.002)
        seconds = time.perf_counter() - began
        processor.shutdown()
        store.close()
        return seconds


def _emitted(url: str, prefix: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(prefix, spool_dir=folder)
        store = _prepared(url, settings)
        processor = DurableLogRecordProcessor(store, settings=settings)
        requests: list[context.Context] = requests_of_sessions()
        stamp = OpenReplayLogRecordProcessor(settings)
        emit = emitting(requests, [stamp, processor], emits=RECORDS, captured=True)
        began = time.perf_counter()
        emit()
        assert processor.force_flush(120_000)
        seconds = time.perf_counter() - began
        processor.shutdown()
        store.close()
        return seconds


def _raw(url: str, prefix: str, *, with_ids: bool) -> float:
    store = _prepared(url, _settings(prefix))
    content = b"".join(_lines(_settings(prefix)))
    bodies: list[bytes] = []
    while content:
        length = whole_length(content[:REQUEST])
        bodies.append(content[:length] if with_ids else _ID.sub(b"", content[:length]))
        content = content[length:]
    began = time.perf_counter()
    for body in bodies:
        answer = store.connection.request("POST", BULK_PATH, body, timeout=120).body
        assert not answer.get("errors"), answer
    seconds = time.perf_counter() - began
    store.close()
    return seconds


def _count(server: ElasticsearchServer, prefix: str) -> int:
    server.expect("POST", f"/{prefix}-*/_refresh")
    return int(server.expect("GET", f"/{prefix}-*/_count")["count"])
