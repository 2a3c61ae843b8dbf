"""A recording's logs read from top to bottom, also where they came late: OpenReplay does not sort."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from openreplay_otel import DurableLogRecordProcessor, Settings, open_store
from openreplay_otel.export.document import DocumentBuilder
from openreplay_otel.export.spool import Spool
from openreplay_otel.export.spool.folder import SpoolFolder
from openreplay_otel.stores.bulk_lines import lines_of
from tests.emitting import App, now_ms, session_id_begun_at
from tests.openreplay_readers import reader_key, search_as_v1_21
from tests.unit.spooled import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

SESSIONS = 20
OF_EACH = 900


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
    spool = Spool(SpoolFolder.of(str(tmp_path), store.name), max_bytes=2**30, max_age=3600)
    build = DocumentBuilder(settings).build
    for document in map(build, app.take()):
        assert document is not None
        assert spool.append(lines_of(*document), True)
    spool.close()

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
