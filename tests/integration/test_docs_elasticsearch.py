"""What the pages say about Elasticsearch holds on a real one: commands, and the API keys that they name."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs.export import LogRecordExportResult

from openreplay_otel import OpenReplayLogExporter, SessionLogs
from openreplay_otel.cluster.set_up import SetUp, plan_set_up
from openreplay_otel.stores.elasticsearch import Connection, preparation
from tests.docs.markdown import blocks_of
from tests.docs.pages import PAGES, ROOT
from tests.docs.running import PageRun, runnable_blocks
from tests.emitting import App, now_ms, session_id_begun_at
from tests.openreplay_readers import search_as_v1_21

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_PREFIX = "openreplay-logs"


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if runnable_blocks(page, needs_elasticsearch=True)],
    ids=lambda page: page.name,
)
def test_the_blocks_for_elasticsearch_run(
    page: Path, tmp_path: Path, es: ElasticsearchServer
) -> None:
    """Every block of a page that needs a server ends well with a real one."""
    url = es.store_url
    run = PageRun(tmp_path, {"OPENREPLAY_OTEL_STORE": url})
    run.run(runnable_blocks(page, needs_elasticsearch=True))


@pytest.fixture
def keys(es: ElasticsearchServer) -> dict[str, str]:
    """The API keys of docs/elasticsearch.md, made by its own requests, by name."""
    made: dict[str, str] = {}
    for block in blocks_of(ROOT / "docs" / "elasticsearch.md"):
        if block.language == "json":
            request: dict[str, Any] = json.loads(block.code)
            answer = es.expect("POST", "/_security/api_key?refresh=true", request)
            made[request["name"]] = answer["encoded"]
    return made


def test_each_documented_key_is_enough_for_its_work(
    es: ElasticsearchServer, keys: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Setup, apps, lookup and OpenReplay do all of their work, each with its own key."""
    assert set(keys) == {
        "openreplay", "openreplay-otel-apps", "openreplay-otel-lookup", "openreplay-otel-setup",
    }  # fmt: skip
    outside = f"{_PREFIX}-2020.01.01"
    es.expect("PUT", f"/{outside}")
    administrator = Connection(es.url, api_key=keys["openreplay-otel-setup"])
    steps = plan_set_up(administrator, SetUp()).steps
    preparation.apply(administrator, steps)
    assert es.expect("GET", f"/{outside}/_alias")[outside]["aliases"] == {"logs": {}}
    again = plan_set_up(administrator, SetUp()).steps
    assert {step.action for step in again} == {"unchanged"}

    session = session_id_begun_at(now_ms() - 60_000)
    app = App()
    for number in range(1200):
        app.log(session, "step %d", number, level=logging.ERROR if number == 7 else logging.INFO)
    app.log(None, "nobody")
    exporter = OpenReplayLogExporter(es.url, api_key=keys["openreplay-otel-apps"])
    assert exporter.export(app.take()) is LogRecordExportResult.SUCCESS
    assert exporter.force_flush()
    exporter.shutdown()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    es.expect("POST", f"/{_PREFIX}-*/_refresh")

    with SessionLogs(es.url, api_key=keys["openreplay-otel-lookup"]) as lookup:
        messages = [entry.message for entry in lookup.logs(session)]
        assert messages == [f"step {number}" for number in range(1200)]
        (summary,) = lookup.sessions(errors_only=True)
        assert (summary.session_id, summary.records, summary.errors) == (session, 1200, 1)

    hits = search_as_v1_21(es, keys["openreplay"], session)
    shown = [hit["_source"]["message"].partition("] ")[2] for hit in hits]
    assert shown == messages[:1000]
    assert (
        es.request("GET", "/logs-openreplay-default/_search", api_key=keys["openreplay"])[0] == 403
    )


def test_the_old_form_is_content_with_monitor_added(es: ElasticsearchServer) -> None:
    """The settings form up to v1.20 asks for the server itself, which the privilege `monitor` allows."""
    indices = [{"names": ["logs"], "privileges": ["read"]}]
    for cluster, status in ((["monitor"], 200), ([], 403)):
        key = es.create_api_key("old", {"openreplay": {"cluster": cluster, "indices": indices}})
        assert es.request("HEAD", "/", api_key=key["encoded"])[0] == status
