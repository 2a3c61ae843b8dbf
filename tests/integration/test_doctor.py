"""The doctor on a real Elasticsearch: all green after the set-up, and each broken state found and named."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import OpenReplayLogExporter, Settings
from openreplay_otel.doctor.examination import Examination
from openreplay_otel.doctor.examine import examine
from openreplay_otel.doctor.findings import CHECKS
from openreplay_otel.stores.elasticsearch import Connection
from openreplay_otel.stores.elasticsearch.schema import session_template
from tests.emitting import App, now_ms, session_id_begun_at
from tests.openreplay_readers import read_as_v1_20, search_as_v1_21
from tests.unit.cli_harness import Done, call, call_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_CLUSTER_CHECKS = [name for name in CHECKS if name not in {"spool", "files", "app", "cors"}]


def today() -> str:
    """The session index of today."""
    return time.strftime("openreplay-logs-%Y.%m.%d", time.gmtime())


def examined(done: Done) -> dict[str, dict[str, Any]]:
    """The findings of a call with --json, by name; none of them is without a way out where it fails."""
    shown = json.loads(done.out)
    found = {check["finding"]: check for check in shown["checks"]}
    for check in shown["checks"]:
        assert check["status"] in {"ok", "skipped"} or check["mend"], check
        assert check["text"]
    assert shown["ok"] == (done.code == 0)
    return found


def doctor(es: ElasticsearchServer, state: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """Call the doctor with the administrator's credentials."""
    done = call_here("doctor", "--json", "--store", es.store_url, *arguments, state=state)
    assert es.password not in done.out + done.err
    assert done.err == ""
    return examined(done)


def set_up(es: ElasticsearchServer, state: Path) -> None:
    """Prepare the cluster."""
    assert call_here("setup", "--store", es.store_url, state=state).code == 0


def keys_of(es: ElasticsearchServer) -> set[str]:
    """Names of the doctor's keys that still work."""
    answer = es.expect("GET", "/_security/api_key?active_only=true")["api_keys"]
    return {key["name"] for key in answer if key["name"].startswith("openreplay-otel-doctor")}


def test_from_an_empty_cluster_to_all_green(es: ElasticsearchServer, tmp_path: Path) -> None:
    """Setup, api-key, the readers' own requests with exactly that key, refused elsewhere, doctor: all is well."""
    es.expect("PUT", "/customers", {})
    assert call("setup", "--store", es.store_url, "--for", "both", state=tmp_path).code == 0
    made = call(
        "api-key", "reader", "--for", "v1.20", "--json", "--store", es.store_url, state=tmp_path
    )
    key = json.loads(made.out)
    writer = json.loads(
        call("api-key", "writer", "--json", "--store", es.store_url, state=tmp_path).out
    )

    began = now_ms() - 60_000
    session = session_id_begun_at(began)
    settings = Settings(tags=("openReplaySession.id", "openReplaySessionToken"))
    app = App(settings=settings)
    for number in range(30):
        app.log(
            session, f"step {number}", level=40 if number % 10 == 9 else 20, at_ms=began + number
        )
    exporter = OpenReplayLogExporter(
        es.url, settings=Settings.load({}, tags=settings.tags, api_key=writer["encoded"])
    )
    exporter.export(app.take())
    assert exporter.force_flush()
    assert exporter.counts.accepted == 30
    exporter.shutdown()
    es.expect("POST", "/openreplay-logs-*/_refresh")

    hits = search_as_v1_21(es, key["encoded"], session)
    assert [hit["_source"]["message"].rpartition("] ")[2] for hit in hits] == [
        f"step {number}" for number in range(30)
    ]
    assert len(read_as_v1_20(es, key["encoded"], "logs", began)[session]) == 3
    assert es.request("HEAD", "/", api_key=key["encoded"])[0] == 200
    for path in (f"/{today()}/_search", "/customers/_search", "/logs/_mapping", "/_cat/indices"):
        assert es.request("GET", path, api_key=key["encoded"])[0] == 403, path
    status, _ = es.request("POST", "/logs/_doc", {"message": "x"}, api_key=key["encoded"])
    assert status == 403
    for path in (f"/{today()}/_search", "/logs/_search"):
        assert es.request("GET", path, api_key=writer["encoded"])[0] == 403, path

    before = es.expect("GET", f"/{today()}/_count")["count"]
    done = call(
        "doctor", "--for", "both", "--key-id", key["id"], "--api-key", key["api_key"],
        "--writer-key", writer["encoded"], "--json", "--store", es.store_url,
        OPENREPLAY_OTEL_TAGS=",".join(settings.tags), state=tmp_path,
    )  # fmt: skip
    found = examined(done)
    assert {check["status"] for name, check in found.items() if "untested" not in name} <= {
        "ok", "skipped",
    }  # fmt: skip
    assert [*dict.fromkeys(f["check"] for f in found.values())][: len(_CLUSTER_CHECKS)] == (
        _CLUSTER_CHECKS
    )
    assert {"probe.ok", "reader.ok", "writer.ok", "alias.ok", "template.ok", "clock.ok"} <= set(
        found
    )
    assert es.expect("GET", f"/{today()}/_count")["count"] == before
    assert keys_of(es) == set()


def wrong_analyzer(es: ElasticsearchServer) -> None:
    """An index in which message is analyzed by simple, behind the name logs."""
    mappings = {"properties": {"message": {"type": "text", "analyzer": "simple"}}}
    body = {"mappings": mappings, "aliases": {"logs": {}}}
    es.expect("PUT", "/openreplay-logs-2024.01.24", body)
    document = {"message": "[openReplaySession.id=77] x", "@timestamp": "2024-01-24T02:27:39Z"}
    es.expect("POST", "/openreplay-logs-2024.01.24/_doc?refresh=true", document)


def keyword_message(es: ElasticsearchServer) -> None:
    """Today's index, made before the template by Elasticsearch's own guess."""
    mappings = {"properties": {"message": {"type": "keyword"}}}
    es.expect("PUT", f"/{today()}", {"mappings": mappings, "aliases": {"logs": {}}})


def missing_alias(es: ElasticsearchServer) -> None:
    """A session index that does not stand behind the name."""
    es.expect("PUT", f"/{today()}", {})
    actions = [{"remove": {"index": today(), "alias": "logs"}}]
    es.expect("POST", "/_aliases", {"actions": actions})


def foreign_logs(es: ElasticsearchServer) -> None:
    """An index of somebody else, called logs."""
    es.expect("DELETE", "/_index_template/openreplay-logs")
    es.expect("PUT", "/logs", {})


def read_only_index(es: ElasticsearchServer) -> None:
    """Today's index after the disk was full."""
    es.expect("PUT", f"/{today()}", {})
    es.expect("PUT", f"/{today()}/_settings", {"index.blocks.read_only_allow_delete": True})


def old_template(es: ElasticsearchServer) -> None:
    """Our template, of an older version."""
    old = session_template("openreplay-logs")
    old["template"]["mappings"]["properties"]["message"].pop("similarity")
    es.expect("PUT", "/_index_template/openreplay-logs", {**old, "version": 0})


def data_stream_beside(es: ElasticsearchServer) -> None:
    """A data stream behind the name logs, which then no index can join."""
    template = {
        "index_patterns": ["other-stream"], "data_stream": {}, "priority": 900,
        "template": {"aliases": {"logs": {}}},
    }  # fmt: skip
    es.expect("PUT", "/_index_template/other", template)
    es.expect("POST", "/other-stream/_doc", {"@timestamp": "2024-01-24T02:27:39Z"})


def stream_in_the_prefix(es: ElasticsearchServer) -> None:
    """A data stream that takes the session indexes' place."""
    template = {"index_patterns": ["openreplay-logs-*"], "data_stream": {}, "priority": 900}
    es.expect("PUT", "/_index_template/other", template)
    es.expect("POST", "/openreplay-logs-all/_doc", {"@timestamp": "2024-01-24T02:27:39Z"})


def changed_template(es: ElasticsearchServer) -> None:
    """A template of somebody else that counts in place of ours."""
    es.expect(
        "PUT", "/_index_template/everything",
        {"index_patterns": ["openreplay-*"], "priority": 900, "template": {}},
    )  # fmt: skip


_STATES: dict[str, tuple[Callable[[ElasticsearchServer], None], set[str], str]] = {
    "wrong analyzer": (
        wrong_analyzer, {"indexes.analyzer", "probe.mixed"}, "openreplay-logs-2024.01.24",
    ),
    "keyword message": (keyword_message, {"indexes.message", "probe.unseen"}, "message as keyword"),
    "missing alias": (missing_alias, {"alias.missing"}, "does not stand behind"),
    "foreign logs": (foreign_logs, {"alias.foreign"}, "an index called 'logs'"),
    "read-only index": (read_only_index, {"indexes.blocked", "probe.refused"}, "the disk is full"),
    "old template": (old_template, {"template.old"}, "version 0 in place of 1"),
    "data stream beside": (data_stream_beside, {"alias.data-stream"}, "other-stream"),
    "data stream in the prefix": (
        stream_in_the_prefix, {"alias.stream-beside", "template.overridden"}, "openreplay-logs-all",
    ),
    "overridden template": (changed_template, {"template.overridden"}, "everything counts for"),
}  # fmt: skip


@pytest.mark.parametrize("name", _STATES)
def test_a_broken_cluster_is_found_and_named(
    name: str, es: ElasticsearchServer, tmp_path: Path
) -> None:
    """The finding says which state it is, and by which name; what the doctor sent is gone again."""
    break_it, expected, said = _STATES[name]
    set_up(es, tmp_path)
    break_it(es)
    es.expect("POST", "/_all/_refresh")
    count = es.expect("GET", "/_all/_count")["count"]
    found = doctor(es, tmp_path)
    failed = {finding for finding, check in found.items() if check["status"] == "failed"}
    assert expected <= failed
    assert any(said in check["text"] for check in found.values())
    assert "too busy" not in str(found)
    es.request("PUT", f"/{today()}/_settings", {"index.blocks.read_only_allow_delete": None})
    es.expect("POST", "/_all/_refresh")
    assert es.expect("GET", "/_all/_count")["count"] == count
    assert keys_of(es) == set()


def test_a_mended_cluster_is_green_again(es: ElasticsearchServer, tmp_path: Path) -> None:
    """The command of the finding mends what a command can mend: the alias, and the template."""
    set_up(es, tmp_path)
    missing_alias(es)
    old_template(es)
    found = doctor(es, tmp_path)
    assert {found["alias.missing"]["mend"], found["template.old"]["mend"]} == {
        "openreplay-otel setup"
    }
    set_up(es, tmp_path)
    assert {check["status"] for check in doctor(es, tmp_path).values()} <= {"ok", "skipped"}


def test_each_wrong_key_is_told_apart(es: ElasticsearchServer, tmp_path: Path) -> None:
    """Wrong, revoked, for the target only, for nothing, too wide, and without what the old form needs."""
    set_up(es, tmp_path)
    es.expect("PUT", f"/{today()}", {})
    es.expect("PUT", "/customers", {})

    def reader(names: list[str], cluster: list[str] | None = None) -> dict[str, Any]:
        role = {"cluster": cluster or [], "indices": [{"names": names, "privileges": ["read"]}]}
        return es.create_api_key("reader", {"reader": role})

    def found_with(key: dict[str, Any], *more: str) -> dict[str, dict[str, Any]]:
        arguments = ("--key-id", key["id"], "--api-key", key["api_key"], *more)
        return doctor(es, tmp_path, *arguments)

    good = reader(["logs"])
    assert "reader.ok" in found_with(good)
    assert "reader.invalid" in found_with({**good, "api_key": "x" * 22})
    revoked = reader(["logs"])
    es.expect("DELETE", "/_security/api_key", {"ids": [revoked["id"]]})
    assert "reader.invalid" in found_with(revoked)
    assert "reader.target" in found_with(reader(["openreplay-logs-*"]))
    assert "reader.refused" in found_with(reader(["customers"]))
    assert "customers" in found_with(reader(["logs", "customers"]))["reader.wide"]["text"]
    assert "reader.no-monitor" in found_with(good, "--for", "v1.20")
    assert "reader.ok" in found_with(reader(["logs"], ["monitor"]), "--for", "v1.20")
    # The recipe of the integration's own documentation.
    recipe = found_with(reader(["*log*"], ["all"]))
    assert recipe["reader.wide"]["status"] == "warning"
    assert "cluster privilege all, read on *log*" in recipe["reader.wide"]["text"]
    assert "openreplay-otel api-key reader" in recipe["reader.wide"]["mend"]
    assert "probe.ok" in recipe

    wrong_writer = doctor(es, tmp_path, "--writer-key", good["encoded"])
    assert "writer.cannot" in wrong_writer
    assert "writer.wide" in doctor(
        es, tmp_path, "--writer-key", es.create_api_key("all", {})["encoded"]
    )
    assert "writer.invalid" in doctor(es, tmp_path, "--writer-key", "abc:def")


def test_wrong_credentials_and_no_server_are_told_apart(
    es: ElasticsearchServer, tmp_path: Path
) -> None:
    """A wrong or revoked key in the settings, a wrong password, and an address where nothing listens."""
    revoked = es.create_api_key("x", {})
    es.expect("DELETE", "/_security/api_key", {"ids": [revoked["id"]]})
    for arguments, expected in (
        (("--store", es.url, "--api-key", "abc:def"), "server.credentials"),
        (("--store", es.url, "--api-key", revoked["encoded"]), "server.credentials"),
        (("--store", es.store_url.replace(es.password, "wrong")), "server.credentials"),
        (("--store", "http://elastic:secret@127.0.0.1:1"), "server.unreachable"),
    ):
        done = call_here("doctor", "--json", *arguments, state=tmp_path)
        assert done.code == 1
        assert expected in examined(done)
        assert "secret" not in done.out


@pytest.mark.parametrize(("minutes", "side"), [(10, "ahead of"), (-10, "behind")])
def test_a_clock_ten_minutes_off_is_found(
    minutes: int, side: str, es: ElasticsearchServer, tmp_path: Path
) -> None:
    """By the cluster's own time, also for a key that may only read."""
    set_up(es, tmp_path)
    es.expect("PUT", f"/{today()}", {})
    role = {"indices": [{"names": ["logs", "openreplay-logs-*"], "privileges": ["read"]}]}
    reader = es.create_api_key("reader", {"reader": role})["encoded"]
    for connection in (Connection(es.store_url), Connection(es.url, api_key=reader)):
        examination = Examination(
            settings=Settings.load({}, store=es.store_url),
            connection=connection,
            wants_probe=False,
            clock=lambda: time.time() + minutes * 60,
        )
        found = {result.name: result for result in examine(examination)}
        connection.close()
        assert found["clock.off"].status == "failed"
        assert side in found["clock.off"].text


def test_a_key_that_may_little_is_told_what_was_not_looked_at(
    es: ElasticsearchServer, tmp_path: Path
) -> None:
    """With the lookup's or the apps' own key nothing fails that is right; what is unseen is said to be."""
    set_up(es, tmp_path)
    for kind in ("lookup", "writer"):
        made = call_here("api-key", kind, "--json", "--store", es.store_url, state=tmp_path)
        key = json.loads(made.out)["encoded"]
        done = call_here("doctor", "--json", "--store", es.url, "--api-key", key, state=tmp_path)
        found = examined(done)
        assert done.code == 0, found
        assert {"reader.untested", "probe.untested"} <= set(found)


def test_a_session_too_long_for_the_panel_is_named(es: ElasticsearchServer, tmp_path: Path) -> None:
    """More than 1,000 records: a warning with the session, and with the command that shows all."""
    set_up(es, tmp_path)
    session = session_id_begun_at(now_ms() - 60_000)
    app = App()
    for number in range(1001):
        app.log(session, f"step {number}")
    exporter = OpenReplayLogExporter(es.store_url)
    exporter.export(app.take())
    assert exporter.force_flush()
    exporter.shutdown()
    es.expect("POST", "/openreplay-logs-*/_refresh")
    found = doctor(es, tmp_path)["size.over"]
    assert found["status"] == "warning"
    assert f"{session} (1,001)" in found["text"]
    assert f"openreplay-otel logs {session}" in found["mend"]
