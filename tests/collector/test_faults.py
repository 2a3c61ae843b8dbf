"""What happens to records when something fails, with the file that is meant for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.collector.document_server import DocumentServer
from tests.collector.faults import SCENARIOS, SHORT, play
from tests.collector.faulty_proxy import FaultyProxy
from tests.collector.reading import wait_for
from tests.collector.records import Records
from tests.collector.test_document import send
from tests.servers.collector import CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.collector import Collector
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration


def test_nothing_is_lost_or_doubled_whatever_fails(es: ElasticsearchServer, otelcol: Path) -> None:
    """Outage, 429, 503, SIGKILL and SIGTERM, one after the other: each acknowledged record is stored once."""
    found = play(es, SHORT, *SCENARIOS.values())
    assert found.sent > 1000
    assert (found.stored, found.lost, found.doubled) == (found.sent, 0, 0)


def test_what_a_proxy_answers_is_tried_again(
    collector: Callable[..., Collector], tmp_path: Path
) -> None:
    """Redirects, refusals that a store does not give to a whole request, a proxy's own errors: none loses a record."""
    faster = tmp_path / "faster.yaml"
    faster.write_text(
        "exporters: {elasticsearch: {retry: {initial_interval: 50ms, max_interval: 50ms},"
        " sending_queue: {batch: {flush_timeout: 50ms}}}}"
    )
    with DocumentServer() as server, FaultyProxy(server.url) as proxy:
        proxy.answer(302)
        running = collector(CONFIG / "production.yaml", faster, OPENREPLAY_OTEL_STORE=proxy.url)
        records = Records()
        for number in range(10):
            records.add(f"step {number}", records.session)
        send(running, records.all)
        for status in (302, 307, 400, 403, 405, 407, 408, 409, 413, 429, 500, 502, 520, 522, 524):
            proxy.answer(status)
            before = proxy.answered_by_itself
            while proxy.answered_by_itself < before + 2:
                assert "Dropping data" not in running.output(), status
                time.sleep(0.02)
        proxy.pass_on()
        assert len(server.wait_for(10)) == 10
        assert running.complaints() == []


@pytest.mark.parametrize("with_reason", [False, True])
def test_a_refused_document_costs_only_itself_and_is_told(
    es: ElasticsearchServer,
    collector: Callable[..., Collector],
    with_reason: bool,
    tmp_path: Path,
) -> None:
    """Of a hundred records the one that the index cannot take is missing, logged, and counted."""
    files = [CONFIG / "production.yaml"]
    if with_reason:
        files.append(tmp_path / "reason.yaml")
        text = "exporters: {elasticsearch: {include_source_on_error: false}}"
        files[-1].write_text(text, encoding="utf-8")
    running = collector(*files)
    records = Records()
    for number in range(100):
        records.add(f"step {number}", records.session, event_name="odd" if number == 50 else None)
    # Somebody's own mapping: an object where our documents have a text.
    event = {"properties": {"action": {"properties": {"name": {"type": "keyword"}}}}}
    day = records.session_day
    es.expect("PUT", f"/openreplay-logs-{day}", {"mappings": {"properties": {"event": event}}})

    send(running, records.all)
    assert len(wait_for(es, 99)) == 99

    (complaint,) = running.complaints()
    assert "failed to index document" in complaint
    assert "document_parsing_exception" in complaint
    assert ("[event.action]" in complaint) is with_reason
    processed = {
        name: value
        for name, value in running.metrics().items()
        if name.startswith("otelcol_elasticsearch_docs_processed{")
    }
    refused = [value for name, value in processed.items() if 'outcome="failed_client"' in name]
    assert refused == [1.0], running.metrics()
    assert sum(processed.values()) == 100
