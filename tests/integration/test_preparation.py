"""Preparing a cluster: templates, alias, names that are taken, keys that may not."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs.export import LogRecordExportResult

from openreplay_otel import OpenReplayLogExporter, SessionLogs, StoreLayoutError
from openreplay_otel.cluster.set_up import SetUp, plan_set_up
from openreplay_otel.stores.elasticsearch import Connection, preparation
from openreplay_otel.stores.elasticsearch.schema import session_template
from tests.emitting import App, now_ms, session_id_begun_at
from tests.openreplay_readers import reader_key, search_as_v1_21, writer_key

if TYPE_CHECKING:
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_PREFIX = "openreplay-logs"


@pytest.fixture
def connection(es: ElasticsearchServer) -> Connection:
    """A connection as the superuser."""
    return Connection(es.store_url)


def key_of(server: ElasticsearchServer, cluster: list[str]) -> str:
    """A writer's key with some privileges on the cluster."""
    role = {
        "cluster": cluster,
        "indices": [
            {
                "names": ["openreplay-logs-*", "logs-openreplay-*"],
                "privileges": ["create_doc", "auto_configure"],
            }
        ],
    }
    return server.create_api_key(f"key-{time.time_ns()}", {"writer": role})["encoded"]


def logged(exporter: OpenReplayLogExporter) -> str:
    """Export one record of a new session and of none; gives the session."""
    session = session_id_begun_at(now_ms())
    app = App()
    app.log(session, "hello")
    app.log(None, "nobody")
    assert exporter.export(app.take()) is LogRecordExportResult.SUCCESS
    assert exporter.force_flush()
    exporter.store.make_visible()
    return session


def templates(server: ElasticsearchServer) -> dict[str, Any]:
    """The index templates of the package by name."""
    found = server.request("GET", "/_index_template/openreplay-*")[1]["index_templates"]
    return {entry["name"]: entry["index_template"] for entry in found}


def test_setup_makes_what_is_missing_and_a_second_time_nothing(
    es: ElasticsearchServer, connection: Connection
) -> None:
    """The plan creates templates; applied, the next plan finds all as it should be."""
    steps = plan_set_up(connection, SetUp()).steps
    assert [step.action for step in steps][:1] == ["create"]
    assert es.request("GET", f"/_index_template/{_PREFIX}")[0] == 404
    preparation.apply(connection, steps)
    again = plan_set_up(connection, SetUp()).steps
    assert {step.action for step in again} == {"unchanged"}
    assert set(templates(es)) == {_PREFIX, f"{_PREFIX}-sessionless"}


def test_setup_mends_an_old_template_and_a_missing_alias(
    es: ElasticsearchServer, connection: Connection
) -> None:
    """A template of an earlier version is updated, and an index outside the alias is taken in."""
    preparation.apply(connection, plan_set_up(connection, SetUp()).steps)
    old = {**session_template(_PREFIX, with_alias=False), "version": 0}
    es.expect("PUT", f"/_index_template/{_PREFIX}", old)
    exporter = OpenReplayLogExporter(es.store_url)
    session = logged(exporter)
    assert es.request("GET", "/logs/_search")[0] == 404

    steps = plan_set_up(connection, SetUp()).steps
    assert [step.action for step in steps if step.action != "unchanged"] == ["update", "update"]
    preparation.apply(connection, steps)
    assert len(search_as_v1_21(es, reader_key(es), session)) == 1
    exporter.shutdown()


@pytest.mark.parametrize("kind", ["index", "data stream"])
def test_a_foreign_logs_is_not_touched(
    es: ElasticsearchServer, connection: Connection, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Where `logs` is somebody else's, setup names the way out, and records are stored and found all the same."""
    if kind == "index":
        es.expect("PUT", "/logs")
    else:
        es.expect(
            "PUT", "/_index_template/foreign", {"index_patterns": ["logs"], "data_stream": {}}
        )
        es.expect("POST", "/logs/_doc?refresh", {"@timestamp": "2026-01-01T00:00:00Z", "a": 1})
    with pytest.raises(StoreLayoutError, match=f"has an? {kind} called 'logs'.*Rename it"):
        plan_set_up(connection, SetUp())
    exporter = OpenReplayLogExporter(es.store_url)
    session = logged(exporter)
    assert "called 'logs'" in caplog.text
    entries = list(SessionLogs(es.store_url).logs(session))
    assert [entry.message for entry in entries] == ["hello"]
    exporter.shutdown()
    es.request("DELETE", "/_index_template/foreign")


def test_a_foreign_template_of_our_name_is_not_touched(
    es: ElasticsearchServer, connection: Connection
) -> None:
    """A template that somebody else called openreplay-logs stays as it is."""
    foreign = {"index_patterns": ["something-else"], "priority": 7}
    es.expect("PUT", f"/_index_template/{_PREFIX}", foreign)
    with pytest.raises(StoreLayoutError, match="did not make; it was not touched"):
        plan_set_up(connection, SetUp())
    assert es.expect("GET", f"/_index_template/{_PREFIX}")["index_templates"][0]["index_template"][
        "index_patterns"
    ] == ["something-else"]


def test_an_exporter_makes_a_missing_template_where_its_key_allows(
    es: ElasticsearchServer,
) -> None:
    """With manage_index_templates the first export prepares the cluster."""
    exporter = OpenReplayLogExporter(
        es.url, api_key=key_of(es, ["monitor", "manage_index_templates"])
    )
    session = logged(exporter)
    assert set(templates(es)) == {_PREFIX, f"{_PREFIX}-sessionless"}
    es.expect("POST", "/openreplay-logs-*/_refresh")
    assert len(search_as_v1_21(es, reader_key(es), session)) == 1
    exporter.shutdown()


def test_an_exporter_that_may_not_says_once_what_is_missing(
    es: ElasticsearchServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that sees the template missing but may not make it: one warning with the command; records go out."""
    exporter = OpenReplayLogExporter(es.url, api_key=key_of(es, ["monitor"]))
    session = logged(exporter)
    logged(exporter)
    assert templates(es) == {}
    warnings = [r for r in caplog.records if r.name.startswith("openreplay_otel")]
    assert len(warnings) == 1
    assert f"`openreplay-otel setup --store {es.url}`" in caplog.text
    es.expect("POST", "/openreplay-logs-*/_refresh")
    entries = list(SessionLogs(es.store_url).logs(session))
    assert [entry.message for entry in entries] == ["hello"]
    exporter.shutdown()


def test_the_least_key_is_told_nothing_false(
    es: ElasticsearchServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that may not even look for the template logs no warning."""
    caplog.set_level(logging.WARNING)
    exporter = OpenReplayLogExporter(es.url, api_key=writer_key(es))
    logged(exporter)
    assert [r for r in caplog.records if r.name.startswith("openreplay_otel")] == []
    exporter.shutdown()


def test_sessions_of_two_days_stand_in_two_indexes(es: ElasticsearchServer) -> None:
    """A record goes to the index of its session's first day; one of a made-up id to the record's day."""
    exporter = OpenReplayLogExporter(es.store_url)
    day = 86_400_000
    midnight = now_ms() // day * day
    late, early = session_id_begun_at(midnight - 60_000), session_id_begun_at(midnight + 60_000)
    app = App()
    app.log(late, "late evening", at_ms=midnight - 30_000)
    app.log(late, "past midnight", at_ms=midnight + 30_000)
    app.log(early, "morning", at_ms=midnight + 90_000)
    app.log("77", "made up", at_ms=midnight + 90_000)
    app.log(session_id_begun_at(midnight - 40 * day), "forty days old", at_ms=midnight + 1)
    app.log(str(2**64 - 1), "of the future", at_ms=midnight + 2)
    assert exporter.export(app.take()) is LogRecordExportResult.SUCCESS
    assert exporter.force_flush()
    exporter.store.make_visible()
    yesterday = time.strftime("openreplay-logs-%Y.%m.%d", time.gmtime(midnight / 1000 - 1))
    today = time.strftime("openreplay-logs-%Y.%m.%d", time.gmtime(midnight / 1000))
    found = es.expect("GET", "/openreplay-logs-*/_search?size=100")["hits"]["hits"]
    by_text = {hit["_source"]["message"].partition("] ")[2]: hit["_index"] for hit in found}
    assert by_text == {
        "late evening": yesterday,
        "past midnight": yesterday,
        "morning": today,
        "made up": today,
        "forty days old": today,
        "of the future": today,
    }
    for session in (late, "77", str(2**64 - 1)):
        assert list(SessionLogs(es.store_url).logs(session)) != []
    exporter.shutdown()
