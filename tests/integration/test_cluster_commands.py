"""Set-up, keys, retention and taking back, on a real Elasticsearch, as a person types them."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel.stores.elasticsearch.schema import session_template
from tests.emitting import now_ms, session_id_begun_at
from tests.openreplay_readers import search_as_v1_21
from tests.unit.cli_harness import Done, call_here

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_REQUEST = re.compile(r"^(PUT|POST|DELETE|GET) (\S+)\n(\{.*?^\})?", re.MULTILINE | re.DOTALL)


class Typist:
    """Types commands for one cluster."""

    def __init__(self, es: ElasticsearchServer, state: Path) -> None:
        self._es = es
        self._state = state

    def __call__(self, *arguments: str, store: str | None = None, **variables: Any) -> Done:
        """Run a command; the administrator's credentials are nowhere in what it says."""
        done = call_here(
            *arguments, "--store", store or self._es.store_url, state=self._state, **variables
        )
        assert self._es.password not in done.out + done.err
        assert "Traceback" not in done.err
        return done

    def json(self, *arguments: str, **more: Any) -> Any:
        """Run a command that ends well, and read its JSON."""
        done = self(*arguments, "--json", **more)
        assert done.code == 0, done.err
        return json.loads(done.out)


@pytest.fixture
def typed(es: ElasticsearchServer, tmp_path: Path) -> Typist:
    """Somebody at a terminal."""
    keys = es.expect("GET", "/_security/api_key?active_only=true")["api_keys"]
    if keys:
        es.expect("DELETE", "/_security/api_key", {"ids": [key["id"] for key in keys]})
    return Typist(es, tmp_path)


def state_of(es: ElasticsearchServer) -> dict[str, Any]:
    """Templates, pipelines and aliases that are there."""
    return {
        "templates": sorted(
            t["name"] for t in es.expect("GET", "/_index_template")["index_templates"]
        ),
        "components": sorted(
            t["name"] for t in es.expect("GET", "/_component_template")["component_templates"]
        ),
        "pipelines": sorted(es.expect("GET", "/_ingest/pipeline")),
        "aliases": {
            index: sorted(entry["aliases"])
            for index, entry in es.expect("GET", "/_alias").items()
            if not index.startswith(".")
        },
    }


def test_set_up_and_taken_back_leaves_what_was_before(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """Templates, alias and pipeline come and go; other indexes, their aliases, and the logs stay."""
    es.expect("PUT", "/customers", {"aliases": {"people": {}}})
    es.expect("PUT", "/_index_template/theirs", {"index_patterns": ["theirs-*"], "priority": 2})
    before = state_of(es)
    assert typed("setup", "--pipeline").code == 0
    es.expect("PUT", "/openreplay-logs-2024.01.24", {})
    assert state_of(es)["aliases"]["openreplay-logs-2024.01.24"] == ["logs"]
    planned = typed("teardown", "--dry-run")
    assert planned.out.count("would remove") == 6
    refused = typed("teardown")
    assert refused.code == 2
    assert "give --yes" in refused.err
    assert typed("teardown", "--yes").code == 0
    after = state_of(es)
    assert after["aliases"].pop("openreplay-logs-2024.01.24") == []
    assert after == before
    assert "nothing that `openreplay-otel setup` made" in typed("teardown", "--yes").out

    assert typed("setup").code == 0
    assert typed("teardown", "--yes", "--delete-logs").code == 0
    assert state_of(es) == before


def test_what_is_printed_for_an_administrator_is_the_whole_set_up(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """The console's requests, sent by hand, leave nothing to do; no server is asked for them."""
    printed = typed("setup", "--pipeline", "--print", "console", store="http://127.0.0.1:9")
    requests = _REQUEST.findall(printed.out)
    assert len(requests) == 5
    for method, path, body in requests:
        es.expect(method, f"/{path}", json.loads(body))
    steps = typed.json("setup", "--pipeline")["steps"]
    assert {step["action"] for step in steps} == {"unchanged"}
    old = ("setup", "--for", "v1.20")
    for method, path, body in _REQUEST.findall(typed(*old, "--print", "console").out):
        # What is there already is refused, as its line says.
        es.request(method, f"/{path}", json.loads(body) if body else None)
    assert {step["action"] for step in typed.json(*old)["steps"]} == {"unchanged"}
    curl = typed("setup", "--print", "curl", store="https://es.example.com:9200").out
    assert "-X PUT https://es.example.com:9200/_index_template/openreplay-logs" in curl


def test_several_prefixes_and_names_for_the_old_reader(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """A comma list of prefixes; for v1.20 names of one's own, also where logs is somebody else's."""
    es.expect("PUT", "/logs", {})
    refused = typed("setup")
    assert refused.code == 1
    assert "an index called 'logs'" in refused.err
    assert "--for v1.20" in refused.err
    assert typed("setup", "--alias", "sessions").code == 2
    done = typed("setup", "--for", "v1.20", "--alias", "sessions", "--index", "shop-logs,bank-logs")
    assert done.code == 0
    assert "OPENREPLAY_OTEL_TAGS=openReplaySession.id,openReplaySessionToken" in done.err
    es.expect("PUT", "/bank-logs-2024.01.24", {})
    assert state_of(es)["aliases"]["bank-logs-2024.01.24"] == ["sessions"]
    again = typed.json("setup", "--for", "v1.20", "--index", "shop-logs,bank-logs")
    assert {step["action"] for step in again["steps"]} == {"unchanged"}


def test_indexes_that_are_wrong_are_named_and_not_touched(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """What was made before the template is told with its fault; a data stream in the way too."""
    es.expect(
        "PUT", "/openreplay-logs-2024.01.24",
        {"mappings": {"properties": {"message": {"type": "keyword"}, "level": {"type": "long"}}}},
    )  # fmt: skip
    done = typed("setup")
    assert done.code == 0
    assert "openreplay-logs-2024.01.24 maps message as keyword" in done.err
    assert "maps level as long" in done.err
    mapping = es.expect("GET", "/openreplay-logs-2024.01.24/_mapping")
    assert mapping["openreplay-logs-2024.01.24"]["mappings"]["properties"]["message"] == {
        "type": "keyword"
    }


def test_missing_privileges_are_named_before_anything_is_changed(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """All of them at once, with the way out."""
    role = {"cluster": ["monitor"], "indices": [{"names": ["*"], "privileges": ["read"]}]}
    key = es.create_api_key("weak", {"weak": role})["encoded"]
    before = state_of(es)
    done = typed("setup", "--pipeline", store=es.url, OPENREPLAY_OTEL_API_KEY=key)
    assert done.code == 1
    for said in (
        "manage_index_templates", "manage_ingest_pipelines", "manage on openreplay-logs-*",
        "--print console",
    ):  # fmt: skip
        assert said in done.err, said
    assert state_of(es) == before


def test_a_pipeline_of_somebody_else_is_left_alone(es: ElasticsearchServer, typed: Typist) -> None:
    """It is named, and stays as it was."""
    es.expect("PUT", "/_ingest/pipeline/openreplay-logs", {"processors": []})
    done = typed("setup", "--pipeline")
    assert done.code == 1
    assert "ingest pipeline called 'openreplay-logs' that openreplay-otel did not make" in done.err
    found = es.expect("GET", "/_ingest/pipeline/openreplay-logs")["openreplay-logs"]
    assert found["processors"] == []


def test_keys_are_made_listed_and_revoked(es: ElasticsearchServer, typed: Typist) -> None:
    """Each kind with its own rights, its name and end; keys that others made are not touched."""
    assert typed("setup").code == 0
    foreign = es.create_api_key("openreplay-theirs", {})
    made = {kind: typed.json("api-key", kind) for kind in ("reader", "writer", "lookup")}
    short = typed.json(
        "api-key", "reader", "--name", "for a day", "--expires", "1d", "--indexes", "logs,shop-*"
    )
    assert short["expires_at"] is not None
    assert short["indexes"] == ["logs", "shop-*"]
    listed = typed.json("api-key", "list")
    assert {key["id"] for key in listed} == {key["id"] for key in (*made.values(), short)}
    shown = typed("api-key", "list").out
    assert foreign["id"] not in shown
    assert not any(key["api_key"] in shown for key in made.values())

    session = session_id_begun_at(now_ms() - 1000)
    body = {"message": f"[openReplaySession.id={session}] x", "@timestamp": "2026-01-01T00:00:00Z"}
    writer = made["writer"]["encoded"]
    path = "/openreplay-logs-2026.01.01/_create/1"
    assert es.request("PUT", path, body, api_key=writer)[0] == 201
    assert es.request("DELETE", path.replace("_create", "_doc"), api_key=writer)[0] == 403
    es.expect("POST", "/openreplay-logs-*/_refresh")
    assert len(search_as_v1_21(es, made["reader"]["encoded"], session)) == 1
    lookup = made["lookup"]["encoded"]
    assert es.request("GET", "/openreplay-logs-*/_search", api_key=lookup)[0] == 200

    none = typed("api-key", "revoke", foreign["id"], "--yes")
    assert none.code == 1
    assert "nothing was revoked" in none.err
    assert typed("api-key", "revoke", made["reader"]["id"], "for a day", "--yes").code == 0
    left = {key["id"] for key in typed.json("api-key", "list")}
    assert left == {made["writer"]["id"], made["lookup"]["id"]}
    assert es.request("GET", "/logs/_search", api_key=made["reader"]["encoded"])[0] == 401
    assert es.request("GET", "/", api_key=foreign["encoded"])[0] == 200


def test_a_key_is_printed_as_what_is_wanted(es: ElasticsearchServer, typed: Typist) -> None:
    """As lines of an .env file that work as they are, as a request to hand on, as a table."""
    lines = typed("api-key", "writer", "--env").out.splitlines()
    variables = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert variables["OPENREPLAY_OTEL_STORE"] == es.url
    answer = es.request(
        "GET", "/_security/_authenticate", api_key=variables["OPENREPLAY_OTEL_API_KEY"]
    )
    assert answer[0] == 200
    printed = typed("api-key", "reader", "--for", "v1.20", "--print", "console").out
    (request,) = _REQUEST.findall(printed)
    made = es.expect(request[0], f"/{request[1]}", json.loads(request[2]))
    assert es.request("HEAD", "/", api_key=made["encoded"])[0] == 200
    table = typed("api-key", "reader").out
    assert "It is shown this once." in table
    derived = typed(
        "api-key",
        "reader",
        store=es.url,
        OPENREPLAY_OTEL_API_KEY=es.create_api_key("a", {})["encoded"],
    )
    assert derived.code == 1
    assert "an API key cannot make another one" in derived.err


def test_old_indexes_are_pruned_and_only_ours(es: ElasticsearchServer, typed: Typist) -> None:
    """By the day in their names; an index that only looks like ours, and a foreign one, stay."""
    assert typed("setup").code == 0
    ours = ["openreplay-logs-2024.01.24", "openreplay-logs-2024.01.25"]
    recent = f"openreplay-logs-{time.strftime('%Y.%m.%d', time.gmtime())}"
    for name in (*ours, recent):
        es.expect("PUT", f"/{name}", {})
    es.expect("DELETE", "/_index_template/openreplay-logs")
    kept = ["openreplay-logs-2024.01.26", "openreplay-logs-old", "customers", recent]
    for name in kept[:3]:
        es.expect("PUT", f"/{name}", {})
    dry = typed.json("prune", "--retention", "30d", "--dry-run")
    assert dry["indexes"] == ours
    assert typed("prune", "--retention", "30d").code == 2
    done = typed("prune", "--retention", "4w", "--yes")
    assert [line.split()[-1] for line in done.out.splitlines()] == ours
    assert sorted(state_of(es)["aliases"]) == sorted(kept)


def test_a_retention_without_lifecycle_management_says_what_to_do(typed: Typist) -> None:
    """The server of these tests has none, as serverless has none: the command for cron is named."""
    done = typed("setup", "--retention", "30d")
    assert done.code == 0
    assert "openreplay-otel prune --retention 30d --yes" in done.err
    assert typed("setup", "--retention", "soon").code == 2


def test_an_old_template_keeps_what_was_chosen(es: ElasticsearchServer, typed: Typist) -> None:
    """An update leaves further names that an earlier set-up was told."""
    old = session_template("openreplay-logs")
    old["version"] = 0
    old["template"]["aliases"] = {"logs": {}, "sessions": {}}
    es.expect("PUT", "/_index_template/openreplay-logs", old)
    assert typed("setup").code == 0
    template = es.expect("GET", "/_index_template/openreplay-logs")["index_templates"][0]
    assert set(template["index_template"]["template"]["aliases"]) == {"logs", "sessions"}
    assert template["index_template"]["version"] == 1
