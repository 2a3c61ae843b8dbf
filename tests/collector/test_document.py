"""The Collector's document is the in-process exporter's, field by field, with each file that takes OTLP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs.export import LogRecordExportResult

from openreplay_otel import OpenReplayLogExporter, SessionLogs
from tests.collector.reading import all_documents, wait_for
from tests.collector.records import golden_records
from tests.openreplay_readers import (
    check_panel_rules,
    read_as_v1_20,
    reader_key,
    search_as_v1_21,
)
from tests.servers.collector import CONFIG, Collector
from tests.servers.kafka import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

Make: TypeAlias = "Callable[..., Collector]"

LINKS = {"app_url": "https://openreplay.example.com/", "project_id": "7"}
BOTH_TAGS = {"tags": "openReplaySession.id,openReplaySessionToken"}


def minimal(make: Make, variables: dict[str, str], _request: pytest.FixtureRequest) -> list[Any]:
    """One Collector, minimal.yaml."""
    return [make(CONFIG / "minimal.yaml", **variables)]


def production(make: Make, variables: dict[str, str], _request: pytest.FixtureRequest) -> list[Any]:
    """One Collector, production.yaml."""
    return [make(CONFIG / "production.yaml", **variables)]


def agent_and_gateway(
    make: Make, variables: dict[str, str], _request: pytest.FixtureRequest
) -> list[Any]:
    """An agent that sends to a gateway, which asks for the token."""
    token = {"GATEWAY_TOKEN": "a-secret-of-the-two"}
    gateway = make(CONFIG / "gateway.yaml", state="gateway", **token, **variables)
    agent = make(CONFIG / "agent.yaml", state="agent", GATEWAY_URL=gateway.otlp_http, **token)
    return [agent, gateway]


def kafka(make: Make, variables: dict[str, str], request: pytest.FixtureRequest) -> list[Any]:
    """One Collector that writes to a Kafka and reads it."""
    return [
        make(
            CONFIG / "kafka.yaml",
            KAFKA_BROKERS=request.getfixturevalue("broker").address,
            **variables,
        )
    ]


@pytest.fixture
def broker() -> Any:
    """A Kafka."""
    with Kafka() as running:
        yield running


@pytest.mark.parametrize(
    ("way", "settings"),
    [
        (minimal, {}),
        (minimal, LINKS),
        (minimal, BOTH_TAGS),
        (production, {}),
        (agent_and_gateway, {}),
        (kafka, {}),
    ],
    ids=["minimal", "links", "both tags", "production", "agent and gateway", "kafka"],
)
def test_each_record_becomes_the_same_document_on_both_ways(
    es: ElasticsearchServer,
    collector: Make,
    way: Callable[..., list[Collector]],
    settings: dict[str, Any],
    request: pytest.FixtureRequest,
) -> None:
    """Usual, odd and forged records: index, id, and every field as stored and as Elasticsearch reads it are equal."""
    records = golden_records()
    exporter = OpenReplayLogExporter(es.store_url, **settings)
    assert exporter.export(records.all) is LogRecordExportResult.SUCCESS
    assert exporter.force_flush()
    exporter.shutdown()
    expected = all_documents(es)
    assert len(expected) == len(records.all)
    es.wipe()

    variables = {f"OPENREPLAY_OTEL_{name.upper()}": value for name, value in settings.items()}
    running = way(collector, variables, request)
    send(running[0], records.all)
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
    assert [complaint for one in running for complaint in one.complaints()] == []
    find_again(es, records.session, settings)


def find_again(es: ElasticsearchServer, session: str, settings: dict[str, Any]) -> None:
    """The lookup and the readers of OpenReplay find the session's documents."""
    with SessionLogs(es.store_url) as lookup:
        stored = len(list(lookup.logs(session)))
    assert stored > 100
    key = reader_key(es)
    seen = search_as_v1_21(es, key, session)
    check_panel_rules(seen)
    # Records of 1970 and of 2200 are no part of it to the lookup: they stand in indexes of their own.
    assert len(seen) == stored + 2
    collected = read_as_v1_20(es, key, "logs", since_ms=0)
    assert (session in collected) is (settings == BOTH_TAGS)


def test_sending_a_record_twice_stores_it_once_with_and_without_a_stamp(
    es: ElasticsearchServer, collector: Make
) -> None:
    """A repeat has the same id: the stamp's, or one made of the record's content."""
    records = golden_records()
    for record in records.all[::2]:
        del record.log_record.attributes["elasticsearch.document_id"]  # type: ignore[attr-defined]
    running = collector(CONFIG / "minimal.yaml")
    send(running, records.all)
    wait_for(es, len(records.all))
    send(running, records.all)
    send(running, records.all[:1])
    assert len(wait_for(es, len(records.all) + 1, seconds=4)) == len(records.all)


def test_records_without_a_session_and_our_own_lines_can_be_left_out(
    es: ElasticsearchServer, collector: Make
) -> None:
    """With OPENREPLAY_OTEL_SESSIONLESS=drop only sessions are stored, in the index of the given prefix."""
    records = golden_records()
    running = collector(
        CONFIG / "minimal.yaml",
        OPENREPLAY_OTEL_SESSIONLESS="drop",
        OPENREPLAY_OTEL_INDEX="openreplay-logs-shop",
    )
    send(running, records.all)
    with_session = [r for r in records.all if r.log_record.body == "a made-up id"]
    found = wait_for(es, 150)
    sessionless = [one for one in found.values() if "openreplay.session.id" not in one]
    assert sessionless == []
    assert sum(one["message"].endswith("a made-up id") for one in found.values()) == len(
        with_session
    )
    assert all(one["_index"].startswith("openreplay-logs-shop-") for one in found.values())


def send(running: Collector, records: Sequence[ReadableLogRecord]) -> None:
    """Send records by OTLP over HTTP, as Python's exporter does."""
    exporter = OTLPLogExporter(endpoint=f"{running.otlp_http}/v1/logs")
    for start in range(0, len(records), 100):
        assert exporter.export(records[start : start + 100]) is LogRecordExportResult.SUCCESS
        assert exporter.force_flush()
    exporter.shutdown()
