"""What happens to records when something fails, with the file that is meant for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.collector.faults import SCENARIOS, SHORT, play
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
