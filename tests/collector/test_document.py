"""The Collector's document is the in-process exporter's, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs.export import LogRecordExportResult

from openreplay_otel import OpenReplayLogExporter
from tests.collector.reading import all_documents, wait_for
from tests.collector.records import golden_records
from tests.servers.collector import CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.collector import Collector
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_LINKS: dict[str, Any] = {"app_url": "https://openreplay.example.com/", "project_id": "7"}


@pytest.mark.parametrize("links", [False, True], ids=["plain", "links"])
def test_each_record_becomes_the_same_document_on_both_ways(
    es: ElasticsearchServer, collector: Callable[..., Collector], links: bool
) -> None:
    """Usual, odd and forged records: index, id, and every field as stored and as Elasticsearch reads it are equal."""
    records = golden_records()
    settings: dict[str, Any] = _LINKS if links else {}
    exporter = OpenReplayLogExporter(es.store_url, **settings)
    assert exporter.export(records.all) is LogRecordExportResult.SUCCESS
    exporter.shutdown()
    expected = all_documents(es)
    assert len(expected) == len(records.all)
    es.wipe()

    variables = {f"OPENREPLAY_OTEL_{name.upper()}": value for name, value in settings.items()}
    running = collector(CONFIG / "minimal.yaml", **variables)
    send(running, records.all)
    found = wait_for(es, len(records.all))

    assert set(found) == set(expected)
    differences = {
        name: {
            field: (wanted.get(field), found[name].get(field))
            for field in sorted({*wanted, *found[name]})
            if wanted.get(field) != found[name].get(field)
        }
        for name, wanted in expected.items()
    }
    assert {name: d for name, d in differences.items() if d} == {}
    assert running.complaints() == []


def send(running: Collector, records: list[Any]) -> None:
    """Send records by OTLP over HTTP, as Python's exporter does."""
    exporter = OTLPLogExporter(endpoint=f"{running.otlp_http}/v1/logs")
    for start in range(0, len(records), 100):
        assert exporter.export(records[start : start + 100]) is LogRecordExportResult.SUCCESS
    exporter.shutdown()
