"""Set-ups that change: what an earlier one, a user or another program left, and what the next one makes of it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.resources import Resource

from openreplay_otel import OpenReplayLogExporter, Settings, open_store
from openreplay_otel.document.builder import DocumentBuilder
from openreplay_otel.document.fields import RECORD_FIELDS, RESOURCE_FIELDS
from openreplay_otel.stores.elasticsearch.schema import session_template
from tests.emitting import App, now_ms, session_id_begun_at
from tests.openreplay_readers import read_as_v1_20, search_as_v1_21
from tests.unit.cli_harness import Done, call_here
from tests.unit.contract import EXAMPLE_ID
from tests.unit.records import readable

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

EXAMPLE_DAY = "openreplay-logs-2024.01.24"
BOTH_TAGS = ("openReplaySession.id", "openReplaySessionToken")


class Typist:
    """Types commands for one cluster, as its administrator."""

    def __init__(self, es: ElasticsearchServer, state: Path) -> None:
        self._es = es
        self._state = state

    def __call__(self, *arguments: str, **variables: str) -> Done:
        """Run a command."""
        store = () if "--store" in arguments else ("--store", self._es.store_url)
        return call_here(*arguments, *store, state=self._state, **variables)

    def well(self, *arguments: str, **variables: str) -> Done:
        """Run one that ends well."""
        done = self(*arguments, **variables)
        assert done.code == 0, done.err + done.out
        return done

    def steps(self, *arguments: str) -> dict[str, str]:
        """Run ``setup``: what it did, by what it did it to; without what stayed as it was."""
        done = self.well("setup", *arguments, "--json")
        return {
            step["what"]: step["action"]
            for step in json.loads(done.out)["steps"]
            if step["action"] != "unchanged"
        }


@pytest.fixture
def typed(es: ElasticsearchServer, tmp_path: Path) -> Typist:
    """Somebody at a terminal."""
    keys = es.expect("GET", "/_security/api_key?active_only=true")["api_keys"]
    if keys:
        es.expect("DELETE", "/_security/api_key", {"ids": [key["id"] for key in keys]})
    return Typist(es, tmp_path)


def today() -> str:
    """The session index of today."""
    return time.strftime("openreplay-logs-%Y.%m.%d", time.gmtime())


def template_of(es: ElasticsearchServer, name: str = "openreplay-logs") -> dict[str, Any]:
    """An index template as it is, without the dates that Elasticsearch 9 gives and does not take."""
    found = es.expect("GET", f"/_index_template/{name}")["index_templates"][0]["index_template"]
    return {part: value for part, value in found.items() if "_date" not in part}


def logged(es: ElasticsearchServer, **settings: Any) -> str:
    """Log one error of a new session; gives the session."""
    session = session_id_begun_at(now_ms() - 1000)
    app = App(settings=Settings.load({}, **settings))
    app.log(session, "boom", level=40)
    exporter = OpenReplayLogExporter(es.store_url, settings=Settings.load({}, **settings))
    exporter.export(app.take())
    assert exporter.force_flush()
    assert exporter.counts.accepted == 1
    exporter.shutdown()
    es.expect("POST", "/_all/_refresh")
    return session


def without_alias(template: dict[str, Any]) -> None:
    """As `setup --for v1.20` once made it."""
    del template["template"]["aliases"]


def filtered_alias(template: dict[str, Any]) -> None:
    """An alias that hides most records."""
    template["template"]["aliases"]["logs"] = {"filter": {"term": {"level": "error"}}}


def other_similarity(template: dict[str, Any]) -> None:
    """A field of which only a part differs."""
    del template["template"]["mappings"]["properties"]["message"]["similarity"]


def other_shards(template: dict[str, Any]) -> None:
    """A setting on which the order hangs."""
    template["template"]["settings"]["index"]["number_of_shards"] = 3


def lower_priority(template: dict[str, Any]) -> None:
    """A part beside settings, fields and aliases."""
    template["priority"] = 7


def no_component(template: dict[str, Any]) -> None:
    """Without the component of one's own settings."""
    del template["composed_of"], template["ignore_missing_component_templates"]


def dynamic_dates(template: dict[str, Any]) -> None:
    """A part of the mappings that is no field."""
    template["template"]["mappings"]["date_detection"] = True


CHANGES = {
    without_alias: "alias logs",
    filtered_alias: "alias logs",
    other_similarity: "field message.similarity",
    other_shards: "setting number_of_shards",
    lower_priority: "priority",
    no_component: "composed_of",
    dynamic_dates: "field date_detection",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_part_of_a_template_is_compared(
    change: Any, es: ElasticsearchServer, typed: Typist
) -> None:
    """Whatever was changed, the doctor finds it, `setup` names and updates it, and then there is nothing to do."""
    typed.well("setup")
    template = session_template("openreplay-logs")
    change(template)
    es.expect("PUT", "/_index_template/openreplay-logs", template)
    done = typed("doctor", "--json", "--no-probe")
    failed = [c for c in json.loads(done.out)["checks"] if c["status"] == "failed"]
    assert [check["check"] for check in failed] == ["template"]
    (what,) = typed.steps()
    assert CHANGES[change] in what
    assert typed.steps() == {}
    assert typed("doctor", "--json", "--no-probe").code == 0
    session = logged(es)
    assert es.expect("GET", f"/logs/_search?q=openreplay.session.id:{session}")["hits"]["hits"]


def test_a_further_name_reaches_an_existing_template(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """`--alias` on a template that is there: indexes of tomorrow get it too, and it is kept."""
    typed.well("setup", "--for", "both")
    assert any(
        "alias sessions" in what for what in typed.steps("--for", "both", "--alias", "sessions")
    )
    es.expect("PUT", "/openreplay-logs-2099.01.01")
    found = es.expect("GET", "/openreplay-logs-2099.01.01/_alias")
    assert set(found["openreplay-logs-2099.01.01"]["aliases"]) == {"logs", "sessions"}
    assert typed.steps("--for", "both") == {}


SET_UPS = {
    "v1.21": ("--for", "v1.21"),
    "v1.20": ("--for", "v1.20"),
    "both": ("--for", "both"),
    "v1.20 by another name": ("--for", "v1.20", "--alias", "sessions"),
    "both by two names": ("--for", "both", "--alias", "sessions"),
}


@pytest.mark.parametrize("name", SET_UPS)
@pytest.mark.parametrize("index", ["openreplay-logs", "shop-logs,bank-logs"])
def test_set_up_key_and_form_fit_each_other(
    name: str, index: str, es: ElasticsearchServer, typed: Typist
) -> None:
    """What the form of each OpenReplay is told, its key may read, before the first record too; the doctor is green."""
    options = SET_UPS[name]
    version = options[1]
    more = ("--index", index) if index != "openreplay-logs" else ()
    typed.well("setup", *options, *more)
    key = json.loads(typed.well("api-key", "reader", "--for", version, *more, "--json").out)
    names = ",".join(key["indexes"])
    assert names == ("sessions" if name == "v1.20 by another name" else "logs")
    form = json.loads(
        typed.well("openreplay-form", "--for", version, "--indexes", names, "--json").out
    )
    since = now_ms() - 86_400_000
    if version != "v1.21":
        assert form[-1]["fields"]["Indexes"] == names
        # Before the first record: a 404 counts as a failure there, and after 40 it never asks again.
        assert read_as_v1_20(es, key["encoded"], names, since) == {}
        assert es.request("HEAD", "/", api_key=key["encoded"])[0] == 200
    for prefix in index.split(","):
        session = logged(es, tags=BOTH_TAGS, index=prefix)
        if version != "v1.21":
            assert len(read_as_v1_20(es, key["encoded"], names, since)[session]) == 1
        if version != "v1.20":
            assert len(search_as_v1_21(es, key["encoded"], session)) == 1
    for given in ((), ("--key-id", key["id"], "--api-key", key["api_key"])):
        done = typed(
            "doctor", "--for", version, *more, *given, "--json",
            OPENREPLAY_OTEL_TAGS=",".join(BOTH_TAGS),
        )  # fmt: skip
        checks = json.loads(done.out)["checks"]
        assert {c["status"] for c in checks} <= {"ok", "skipped"}, checks
        assert {"probe.ok", "reader.ok"} <= {c["finding"] for c in checks}


def test_a_name_for_the_old_reader_is_found_where_logs_is_taken(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """Without a name of its own `--for v1.20` is refused there, with one that works."""
    es.expect("PUT", "/logs")
    for version in ("v1.21", "v1.20", "both"):
        refused = typed("setup", "--for", version)
        assert refused.code == 1
        assert "openreplay-otel setup --for v1.20 --alias openreplay" in refused.err
    done = typed.well("setup", "--for", "v1.20", "--alias", "openreplay")
    assert "api-key reader --for v1.20 --indexes openreplay" in done.err
    assert typed.steps("--for", "v1.20") == {}


def test_what_a_user_chose_outlives_each_set_up(es: ElasticsearchServer, typed: Typist) -> None:
    """Replicas, refresh, field limit and fields: in the component of one's own, or moved there from our template."""
    typed.well("setup")
    custom = "/_component_template/openreplay-logs@custom"
    chosen = {
        "settings": {"index": {"auto_expand_replicas": "false", "number_of_replicas": "2"}},
        "mappings": {"properties": {"customer": {"type": "long"}}},
    }
    es.expect("PUT", custom, {"template": chosen})
    assert typed.steps() == {}

    changed = template_of(es)
    changed["template"]["settings"]["index"]["refresh_interval"] = "30s"
    changed["template"]["settings"]["index"]["mapping"]["total_fields"]["limit"] = "5000"
    changed["template"]["settings"]["index"]["number_of_shards"] = "4"
    changed["template"]["mappings"]["properties"]["host"]["properties"]["rack"] = {"type": "long"}
    es.expect("PUT", "/_index_template/openreplay-logs", changed)
    done = typed.well("setup")
    assert "number_of_shards" in done.out
    assert "your own parts go to openreplay-logs@custom" in done.out
    assert typed.steps() == {}
    assert typed("doctor", "--json").code == 0

    es.expect("PUT", f"/{EXAMPLE_DAY}")
    made = es.expect("GET", f"/{EXAMPLE_DAY}")[EXAMPLE_DAY]
    settings = made["settings"]["index"]
    assert settings["number_of_replicas"] == "2"
    assert settings["refresh_interval"] == "30s"
    assert settings["mapping"]["total_fields"]["limit"] == "5000"
    assert settings["number_of_shards"] == "1"
    assert settings["sort"]["field"] == ["openreplay.session.id", "@timestamp"]
    fields = made["mappings"]["properties"]
    assert fields["customer"] == {"type": "long"}
    assert set(fields["host"]["properties"]) >= {"name", "rack"}
    # Choices are no work of ours: taking back leaves them.
    typed.well("teardown", "--yes")
    assert es.request("GET", custom)[0] == 200


def test_choices_in_a_template_of_the_first_version_are_kept(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """What once stood in the template itself moves to the component, changed or not."""
    old = session_template("openreplay-logs")
    del old["composed_of"], old["ignore_missing_component_templates"]
    old["template"]["settings"]["index"]["auto_expand_replicas"] = "0-all"
    old["template"]["settings"]["index"]["mapping"]["total_fields"]["limit"] = 2000
    es.expect("PUT", "/_index_template/openreplay-logs", old)
    typed.well("setup")
    es.expect("PUT", f"/{today()}")
    settings = es.expect("GET", f"/{today()}")[today()]["settings"]["index"]
    assert settings["auto_expand_replicas"] == "0-all"
    assert settings["mapping"]["total_fields"]["limit"] == "2000"
    assert typed.steps() == {}


@pytest.mark.parametrize("alias", ["logs", "sessions"])
def test_a_name_over_a_data_stream_is_refused_beforehand(
    alias: str, es: ElasticsearchServer, typed: Typist
) -> None:
    """No index can stand beside one, so that every record would wait for ever: nothing is set up."""
    template = {
        "index_patterns": ["other-stream"], "data_stream": {}, "priority": 900,
        "template": {"aliases": {alias: {}}},
    }  # fmt: skip
    es.expect("PUT", "/_index_template/other", template)
    es.expect("POST", "/other-stream/_doc", {"@timestamp": "2024-01-24T02:27:39Z"})
    refused = typed("setup", "--for", "both", "--alias", alias)
    assert refused.code == 1
    assert f"an alias '{alias}'" in refused.err
    assert "over the data stream other-stream" in refused.err
    assert es.request("GET", "/_index_template/openreplay-logs")[0] == 404
    session = logged(es)
    assert es.expect("GET", f"/openreplay-logs-*/_search?q=openreplay.session.id:{session}")


def test_keys_of_one_kind_are_told_apart(es: ElasticsearchServer, typed: Typist) -> None:
    """Each gets a name of its own; a name of several revokes none; a revoked key is named as what it is."""
    typed.well("setup")
    first, second, third = (
        json.loads(typed.well("api-key", "reader", "--json").out) for _ in range(3)
    )
    assert [key["name"] for key in (first, second, third)] == [
        "openreplay", "openreplay-2", "openreplay-3",
    ]  # fmt: skip
    assert typed("api-key", "reader", "--name", "openreplay-2").code == 2
    typed.well("api-key", "revoke", "openreplay-2", "--yes")
    assert es.request("GET", "/logs/_search", api_key=second["encoded"])[0] == 401
    assert (
        es.request("GET", "/logs/_search?ignore_unavailable=true", api_key=first["encoded"])[0]
        == 200
    )
    assert json.loads(typed.well("api-key", "reader", "--json").out)["name"] == "openreplay-2"

    # Made by hand, or by an older version: two of one name.
    body = {"name": "twin", "metadata": {"managed_by": "openreplay-otel", "kind": "reader"}}
    twins = [es.expect("POST", "/_security/api_key", body)["id"] for _ in range(2)]
    refused = typed("api-key", "revoke", "twin", "--yes")
    assert refused.code == 1
    assert all(twin in refused.err for twin in twins)
    assert len(json.loads(typed.well("api-key", "list", "--json").out)) == 5

    done = typed("doctor", "--json", "--key-id", second["id"], "--api-key", second["api_key"])
    (finding,) = [c for c in json.loads(done.out)["checks"] if c["finding"] == "reader.invalid"]
    assert second["id"] in finding["text"]
    assert "OPENREPLAY_OTEL_API_KEY" not in finding["text"] + finding["mend"]


def _paths() -> set[str]:
    ours = {*RECORD_FIELDS.values(), *RESOURCE_FIELDS.values()}
    more = "event.action log.level log.logger openreplay.truncated openreplay.assumed labels.n"
    return {*ours, *more.split(), "ecs.version", "trace.id", "span.id", "openreplay.session.id"}


def _nested(path: str, value: Any) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


@pytest.mark.parametrize("first", ["objects", "fields"])
def test_no_foreign_document_has_our_records_refused(
    first: str, es: ElasticsearchServer, typed: Typist
) -> None:
    """Our fields, and the objects around them, first come as something else; our record is taken all the same."""
    typed.well("setup")
    paths = sorted(_paths())
    around = {path.rpartition(".")[0] for path in paths} | {path.split(".")[0] for path in paths}
    fields = [_nested(path, value) for path in paths for value in ("web1", 7, 1.5, True, {"a": 1})]
    objects = [_nested(name, value) for name in around for value in ("web1", 7, True, ["a"])]
    odd = [*objects, *fields] if first == "objects" else [*fields, *objects]
    lines = "".join(
        f'{{"create":{{}}}}\n{json.dumps({"@timestamp": "2026-01-01T00:00:00Z", **document})}\n'
        for document in odd
    )
    status, _ = es.request("POST", f"/{EXAMPLE_DAY}/_bulk?refresh=true", lines.encode())
    assert status == 200
    text = {**dict.fromkeys(RECORD_FIELDS, "text"), "n": "text", "code.line.number": 7}
    resource = Resource({**dict.fromkeys(RESOURCE_FIELDS, "text"), "process.pid": 7})
    exception = {"exception.type": "E", "exception.message": "m", "exception.stacktrace": "s"}
    record = readable(
        "ours", {**text, **exception}, session_id=EXAMPLE_ID, resource=resource,
        severity_text="INFO", trace_id=1, span_id=1, event_name="signed in",
    )  # fmt: skip
    document = DocumentBuilder(Settings()).build(record)
    assert document is not None
    assert document.index == EXAMPLE_DAY
    written = open_store(es.store_url).write([document])
    assert written.refused == ()
    assert written.accepted == 1
