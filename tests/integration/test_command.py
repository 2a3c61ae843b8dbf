"""The command on a real Elasticsearch: set-up, demo and lookups as a person types them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from openreplay_otel.stores.elasticsearch.schema import session_template
from tests.unit.cli_harness import Done, call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_STEPS = (
    "component template openreplay-logs@custom for your own settings",
    "index template openreplay-logs for openreplay-logs-*",
    "component template openreplay-logs-sessionless@custom for your own settings",
    "index template openreplay-logs-sessionless for logs-openreplay-default",
    "alias logs over openreplay-logs-*",
)


def actions(done: Done) -> list[tuple[str, str]]:
    """What was done with what, as the command tells it."""
    found = []
    for line in done.out.splitlines():
        action, _, what = line.partition("  ")
        if what.strip() in _STEPS:
            found.append((action.strip(), what.strip()))
    return found


def test_setup_shows_its_plan_carries_it_out_and_finds_it_done(
    es: ElasticsearchServer, tmp_path: Path
) -> None:
    """A dry run changes nothing, the first run makes what is missing, the second finds all as it should be."""
    dry = call("setup", "--store", es.store_url, "--dry-run", state=tmp_path)
    assert (dry.code, dry.err) == (0, "")
    assert [action for action, _ in actions(dry)] == [*["would create"] * 4, "unchanged"]
    assert "PUT /_index_template/openreplay-logs\n" in dry.out
    assert '"index_patterns": [' in dry.out
    assert es.request("GET", "/_index_template/openreplay-logs")[0] == 404

    first = call("setup", "--store", es.store_url, state=tmp_path)
    assert first.code == 0
    assert [action for action, _ in actions(first)] == [*["created"] * 4, "unchanged"]
    second = call("setup", "--store", es.store_url, state=tmp_path)
    assert actions(second) == [("unchanged", what) for what in _STEPS]
    listed = json.loads(call("setup", "--store", es.store_url, "--json", state=tmp_path).out)
    assert [step["action"] for step in listed["steps"]] == ["unchanged"] * 5
    assert es.password not in f"{dry}{first}{second}{listed}"


def test_setup_updates_its_own_template_and_leaves_a_foreign_one(
    es: ElasticsearchServer, tmp_path: Path
) -> None:
    """A template of an older version is replaced; one of somebody else ends it with a sentence."""
    old = {**session_template("openreplay-logs"), "version": 0}
    es.expect("PUT", "/_index_template/openreplay-logs", old)
    done = call("setup", "--store", es.store_url, state=tmp_path)
    assert f"updated       {_STEPS[1]}: version 0 in place of 1\n" in done.out

    es.expect("PUT", "/_index_template/other", {"index_patterns": ["other-*"], "priority": 3})
    refused = call("setup", "--store", es.store_url, "--index", "other", state=tmp_path)
    assert (refused.code, refused.out) == (1, "")
    assert "that openreplay-otel did not make; it was not touched" in refused.err
    assert es.password not in refused.err


def test_the_demo_runs_on_elasticsearch_and_its_next_command_works(
    es: ElasticsearchServer, tmp_path: Path
) -> None:
    """Sessions, timeline and links come from the server, and what it says to type shows them again."""
    done = call("demo", "--store", es.store_url, "--json", state=tmp_path)
    assert done.code == 0, done.err
    shown = json.loads(done.out)
    failed = [session for session in shown["sessions"] if session["errors"]]
    assert len(failed) == 2
    assert es.password not in done.out + done.err
    session = shown["timeline"][0]["document"]["openreplay.session.id"]
    assert f"logs {session}" in shown["next"][0]

    again = call("logs", session, "--json", state=tmp_path, OPENREPLAY_OTEL_STORE=es.store_url)
    documents = [json.loads(line) for line in again.out.splitlines()]
    assert documents == [entry["document"] for entry in shown["timeline"]]
    listed = call("sessions", "--errors", "--json", "--store", es.store_url, state=tmp_path)
    ids = {json.loads(line)["session_id"] for line in listed.out.splitlines()}
    assert {entry["session_id"] for entry in failed} <= ids


def test_a_wrong_password_is_one_sentence(es: ElasticsearchServer, tmp_path: Path) -> None:
    """Every command ends with exit code 1 and no traceback, and the password is not repeated."""
    url = es.url.replace("://", "://elastic:wrong-password@")
    for words in (["demo"], ["setup"], ["sessions"], ["logs", "2618307011354435587"]):
        done = call(*words, "--store", url, state=tmp_path)
        assert (done.code, done.out) == (1, "")
        assert "does not accept the credentials" in done.err
        assert len(done.err.strip().split(os.linesep)) == 1
        assert "wrong-password" not in done.err
