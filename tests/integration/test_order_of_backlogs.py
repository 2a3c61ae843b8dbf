"""A recording's logs read from top to bottom, also where they came late: OpenReplay does not sort."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import DurableLogRecordProcessor, Settings, open_store
from openreplay_otel.document.builder import DocumentBuilder
from openreplay_otel.spool import Spool
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.stores.bulk_lines import lines_of
from tests.emitting import App, now_ms, session_id_begun_at
from tests.integration.test_changing_set_ups import Typist, typed
from tests.openreplay_readers import reader_key, search_as_v1_21
from tests.unit.spooled import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from openreplay_otel.stores import Store
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration
__all__ = ["typed"]

SESSIONS = 20
OF_EACH = 900


def steps_back(es: ElasticsearchServer, session: str) -> int:
    """How often OpenReplay shows a record of this session before an older one."""
    times = [hit["_source"]["@timestamp"] for hit in search_as_v1_21(es, reader_key(es), session)]
    return sum(later < earlier for earlier, later in itertools.pairwise(times))


def backlog(folder: str, store: Store, app: App, settings: Settings) -> None:
    """Leave the records of an app as a process does that ended while the store was away."""
    spool = Spool(SpoolFolder.of(folder, store.name), max_bytes=2**30, max_age=3600)
    build = DocumentBuilder(settings).build
    for document in map(build, app.take()):
        assert document is not None
        assert spool.append(lines_of(*document), True)
    spool.close()


WAYS = {"workers": 4, "late": 2}
"""How many processes, and whether they deliver at the same time or one after the other."""


def deliver(es: ElasticsearchServer, folder: Path, session: str, began: int, way: str) -> None:
    """Have several processes catch up: four workers side by side, or one later with what is older."""
    parts = WAYS[way]
    processors: list[DurableLogRecordProcessor] = []
    for part in reversed(range(parts)):
        spool = str(folder / str(part))
        settings = Settings(spool_dir=spool, request_max_bytes=20_000)
        store = open_store(es.store_url, settings=settings)
        app = App(settings=settings)
        for n in (
            range(part, 900, parts) if way == "workers" else range(part * 450, part * 450 + 450)
        ):
            app.log(session, "step %d", n, at_ms=began + 10_000 + n * 200)
        backlog(spool, store, app, settings)
        processors.append(DurableLogRecordProcessor(store, settings=settings))
        if way == "late":
            assert processors[-1].force_flush(60_000)
            es.expect("POST", "/openreplay-logs-*/_refresh")
    threads = [threading.Thread(target=one.force_flush, args=[60_000]) for one in processors]
    for thread in threads:
        thread.start()
    # A refresh ends a part of the index, as it does where somebody looks up sessions meanwhile. After a few more
    # Elasticsearch merges the parts of so small an index by itself.
    for _ in range(3):
        if any(thread.is_alive() for thread in threads):
            es.request("POST", "/openreplay-logs-*/_refresh")
    for thread in threads:
        thread.join()
    for processor in processors:
        processor.shutdown()
    es.expect("POST", "/openreplay-logs-*/_refresh")


@pytest.mark.parametrize("way", WAYS)
def test_what_came_out_of_order_is_named_and_put_right_by_the_command(
    es: ElasticsearchServer, typed: Typist, tmp_path: Path, way: str
) -> None:
    """Four workers catch up side by side; or what is sent by hand later is older than what is there."""
    began = now_ms() - 600_000
    session = session_id_begun_at(began)
    typed.well("setup")
    for attempt in range(10):
        deliver(es, tmp_path / str(attempt), session, began, way)
        if steps_back(es, session) > 0:
            break
        # Elasticsearch happened to merge all of it already: once more.
        for index in es.expect("GET", "/openreplay-logs-*"):
            es.expect("DELETE", f"/{index}")
    else:
        pytest.fail("ten backlogs came in order")

    doctor = typed("doctor").out
    assert "1 of its 1 longest sessions out of order" in doctor
    assert "openreplay-otel setup --repair" in doctor
    assert "900 records, in order" in typed.well("setup", "--repair").out
    es.expect("POST", "/openreplay-logs-*/_refresh")
    assert steps_back(es, session) == 0
    assert "out of order" not in typed("doctor").out
    assert "repair" not in typed.well("setup", "--repair").out


def test_a_backlog_of_one_process_has_no_step_back(es: ElasticsearchServer, tmp_path: Path) -> None:
    """18,000 records of twenty sessions, logged while the store was away: each session in time order."""
    began = now_ms() - 600_000
    sessions = [session_id_begun_at(began + n, n) for n in range(SESSIONS)]
    settings = Settings(spool_dir=str(tmp_path))
    app = App(settings=settings)
    for n in range(OF_EACH):
        for session in sessions:
            app.log(session, "step %d", n, at_ms=began + 10_000 + n * 20)
    store = open_store(es.store_url, settings=settings)
    backlog(str(tmp_path), store, app, settings)

    processor = DurableLogRecordProcessor(store, settings=settings)
    assert processor.force_flush(120_000)
    wait_until(lambda: processor.counts.delivered == SESSIONS * OF_EACH)
    processor.shutdown()
    es.expect("POST", "/openreplay-logs-*/_refresh")
    key = reader_key(es)
    for session in sessions:
        times = [hit["_source"]["@timestamp"] for hit in search_as_v1_21(es, key, session)]
        assert len(times) == OF_EACH
        assert times == sorted(times)
