"""Indexes made before the set-up, or copied by hand: put right by the command, reported and deleted on request."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import OpenReplayLogExporter, Settings
from tests.emitting import App, in_parts, session_id_begun_at
from tests.integration.test_changing_set_ups import BOTH_TAGS, EXAMPLE_DAY, Typist, typed
from tests.openreplay_readers import read_as_v1_20, reader_key, search_as_v1_21
from tests.unit.contract import EXAMPLE_STARTED_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration
__all__ = ["typed"]

_SETTINGS = Settings.load({}, tags=BOTH_TAGS)


def sessions(count: int = 3) -> list[str]:
    """Sessions that began on the example's day."""
    return [session_id_begun_at(EXAMPLE_STARTED_MS + n) for n in range(count)]


def log(es: ElasticsearchServer, begin: int, end: int, *, api_key: str | None = None) -> None:
    """Log errors of each session, numbered, in many parts of the index and not in order."""
    exporter = OpenReplayLogExporter(
        es.url if api_key else es.store_url,
        settings=Settings.load({}, tags=BOTH_TAGS, api_key=api_key),
    )
    app = App(settings=_SETTINGS)
    numbers = sorted(range(begin, end), key=lambda n: (n % 3, n))
    for number in numbers:
        for session in sessions():
            at = EXAMPLE_STARTED_MS + 1000 + number * 10
            app.log(session, f"step {number}", level=40, at_ms=at)
    for part in in_parts(app.take(), 24):
        exporter.export(part)
        assert exporter.force_flush()
        es.expect("POST", "/openreplay-logs-*/_refresh")
    exporter.shutdown()


def check_order(es: ElasticsearchServer, count: int) -> None:
    """Both of OpenReplay's readers get each session's records, all, once, from top to bottom."""
    es.expect("POST", "/openreplay-logs-*/_refresh")
    expected = [f"step {number}" for number in range(count)]
    key = reader_key(es)
    old = read_as_v1_20(es, key, "logs", EXAMPLE_STARTED_MS)
    for session in sessions():
        hits = search_as_v1_21(es, key, session)
        assert [hit["_source"]["message"].rpartition("] ")[2] for hit in hits] == expected
        assert [source["message"].rpartition("] ")[2] for source in old[session]] == expected


def indexes(es: ElasticsearchServer) -> list[str]:
    """Names of the session indexes that are there."""
    return sorted(es.expect("GET", "/openreplay-logs-*/_alias"))


def made_before(es: ElasticsearchServer) -> None:
    """By an app whose key may not make templates: Elasticsearch guesses each field."""
    with_key: dict[str, Any] = {
        "cluster": [],
        "indices": [
            {"names": ["openreplay-logs-*"], "privileges": ["create_doc", "auto_configure"]}
        ],
    }
    key = es.create_api_key("app", {"app": with_key})["encoded"]
    log(es, 0, 20, api_key=key)


def keyword_message(es: ElasticsearchServer) -> None:
    """By a program that maps texts as keywords."""
    mappings = {
        "dynamic_templates": [
            {"all": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}
        ]
    }
    es.expect("PUT", f"/{EXAMPLE_DAY}", {"mappings": mappings})
    made_before(es)


def letters_only(es: ElasticsearchServer) -> None:
    """With an analyzer that drops the digits of ids."""
    mappings = {"properties": {"message": {"type": "text", "analyzer": "simple"}}}
    es.expect("PUT", f"/{EXAMPLE_DAY}", {"mappings": mappings})
    made_before(es)


def several_shards(es: ElasticsearchServer) -> None:
    """With four shards."""
    es.expect("PUT", f"/{EXAMPLE_DAY}", {"settings": {"number_of_shards": 4}})
    made_before(es)


def with_a_suffix(es: ElasticsearchServer) -> None:
    """Reindexed by hand to a name with something behind the day, as the doctor once advised."""
    made_before(es)
    es.expect(
        "POST", "/_reindex?refresh=true",
        {"source": {"index": EXAMPLE_DAY}, "dest": {"index": f"{EXAMPLE_DAY}-fixed"}},
    )  # fmt: skip
    es.expect("DELETE", f"/{EXAMPLE_DAY}")


STATES: dict[str, Callable[[ElasticsearchServer], None]] = {
    "made before setup": made_before,
    "message as keyword": keyword_message,
    "analyzer without digits": letters_only,
    "several shards": several_shards,
    "with a suffix": with_a_suffix,
}


@pytest.mark.parametrize("name", STATES)
def test_an_index_of_the_wrong_kind_is_put_right(
    name: str, es: ElasticsearchServer, typed: Typist
) -> None:
    """By the command that the doctor names: one index of the day's name, in order for both readers, also later."""
    STATES[name](es)
    typed.well("setup")
    checks = json.loads(typed("doctor", "--json", "--no-probe").out)["checks"]
    (mend,) = {c["mend"] for c in checks if c["check"] == "indexes"}
    assert mend == "openreplay-otel setup --repair"
    dry = typed.well("setup", "--repair", "--dry-run")
    assert "would repair" in dry.out
    assert typed("setup", "--repair").code == 2
    done = typed.well("setup", "--repair", "--yes")
    assert f"repaired      index {EXAMPLE_DAY}: 60 records, in order" in done.out
    assert indexes(es) == [EXAMPLE_DAY]
    check_order(es, 20)
    log(es, 20, 26)
    es.expect("POST", f"/{EXAMPLE_DAY}/_forcemerge?max_num_segments=1")
    check_order(es, 26)
    after = json.loads(typed.well("doctor", "--json").out)["checks"]
    assert {"indexes.ok", "probe.ok"} <= {c["finding"] for c in after}
    assert json.loads(typed.well("setup", "--repair", "--json").out)["repairs"] == []


def test_records_that_apps_send_meanwhile_wait_and_come(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """While the index is copied and made anew, an app goes on: nothing is lost, doubled or out of order."""
    made_before(es)
    writer = json.loads(typed.well("api-key", "writer", "--json").out)["encoded"]
    exporter = OpenReplayLogExporter(
        es.url, settings=Settings.load({}, tags=BOTH_TAGS, api_key=writer)
    )
    app = App(settings=_SETTINGS)
    is_over = threading.Event()
    sent = 20

    def go_on() -> None:
        nonlocal sent
        while not is_over.wait(0.02):
            for session in sessions():
                at = EXAMPLE_STARTED_MS + 1000 + sent * 10
                app.log(session, f"step {sent}", level=40, at_ms=at)
            exporter.export(app.take())
            sent += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        typed.well("setup", "--repair", "--yes")
    finally:
        is_over.set()
        thread.join()
    assert exporter.force_flush(60_000)
    exporter.shutdown()
    assert sent > 20
    assert indexes(es) == [EXAMPLE_DAY]
    typed.well("setup")
    es.expect("POST", f"/{EXAMPLE_DAY}/_forcemerge?max_num_segments=1")
    check_order(es, sent)


@pytest.mark.parametrize("copied", [0, 7, 60])
def test_a_repair_that_was_broken_off_goes_on(
    copied: int, es: ElasticsearchServer, typed: Typist
) -> None:
    """Killed before, amid or after the copy, or when the day's index was gone already: the next one ends it."""
    typed.well("setup")
    log(es, 0, 20)
    aside = f"{EXAMPLE_DAY}-repair"
    es.expect("PUT", f"/{aside}")
    es.expect("POST", "/_aliases", {"actions": [{"remove": {"index": aside, "alias": "logs"}}]})
    es.expect(
        "POST",
        "/_reindex?refresh=true",
        {"source": {"index": EXAMPLE_DAY}, "dest": {"index": aside}},
    )
    if copied == 60:
        es.expect("DELETE", f"/{EXAMPLE_DAY}")
    elif copied:
        body = {"query": {"match_all": {}}, "max_docs": 60 - copied}
        es.expect("POST", f"/{EXAMPLE_DAY}/_delete_by_query?refresh=true", body)
    else:
        es.expect("POST", f"/{aside}/_delete_by_query?refresh=true", {"query": {"match_all": {}}})
    checks = json.loads(typed("doctor", "--json", "--no-probe").out)["checks"]
    assert "openreplay-otel setup --repair" in {c["mend"] for c in checks}
    typed.well("setup", "--repair", "--yes")
    assert indexes(es) == [EXAMPLE_DAY]
    check_order(es, 20)


def test_a_record_that_the_new_index_refuses_leaves_all_as_it_was(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """The old index stays, takes records again, and the reason is told."""
    made_before(es)
    foreign = {"@timestamp": "2024-01-24T03:00:00Z", "message": "x", "host": "web1"}
    es.expect("POST", f"/{EXAMPLE_DAY}/_doc?refresh=true", foreign)
    done = typed("setup", "--repair", "--yes")
    assert done.code == 1
    assert "object mapping for [host]" in done.err
    assert "none was deleted" in done.err
    assert indexes(es) == [EXAMPLE_DAY]
    assert es.expect("GET", f"/{EXAMPLE_DAY}/_count")["count"] == 61
    assert es.request("POST", f"/{EXAMPLE_DAY}/_doc", {"message": "y"})[0] == 201


def test_a_repair_needs_to_read_and_write(es: ElasticsearchServer, typed: Typist) -> None:
    """A key with the privileges of the guide does it; one that may only set up is refused, and all is as it was."""
    made_before(es)
    for privileges, code in ((["manage"], 1), (["manage", "read", "write"], 0)):
        role = {
            "cluster": ["monitor", "manage_index_templates"],
            "indices": [{"names": ["openreplay-logs-*", "logs"], "privileges": privileges}],
        }
        key = es.create_api_key("setup", {"setup": role})["encoded"]
        done = typed("setup", "--repair", "--yes", "--store", es.url, OPENREPLAY_OTEL_API_KEY=key)
        assert done.code == code, done.err
        assert indexes(es) == [EXAMPLE_DAY]
        assert es.request("POST", f"/{EXAMPLE_DAY}/_doc?refresh=true", {"message": "y"})[0] == 201
        assert es.expect("GET", f"/{EXAMPLE_DAY}/_count")["count"] == 62 - code


def test_what_setup_did_not_make_is_reported_and_deleted_on_request(
    es: ElasticsearchServer, typed: Typist
) -> None:
    """By prune and teardown alike; an index with no record of a session is never touched."""
    made_before(es)
    kept = ["openreplay-logs-2024.01.25", "openreplay-logs-old"]
    es.expect("PUT", f"/{kept[0]}", {"mappings": {"properties": {"a": {"type": "long"}}}})
    es.expect("PUT", f"/{kept[1]}")
    typed.well("setup")
    with_suffix = f"{EXAMPLE_DAY}-1"
    es.expect("PUT", f"/{with_suffix}")
    ours = "openreplay-logs-2024.01.26"
    es.expect("PUT", f"/{ours}")
    for arguments in (("prune", "--retention", "30d"), ("teardown", "--delete-logs")):
        told = json.loads(typed.well(*arguments, "--dry-run", "--json").out)
        assert told["left_over"] == [EXAMPLE_DAY, with_suffix]
        done = typed.well(*arguments, "--dry-run")
        assert f"left alone, since setup's template did not make them: {EXAMPLE_DAY}" in done.err
    typed.well("prune", "--retention", "30d", "--yes")
    assert indexes(es) == sorted([EXAMPLE_DAY, with_suffix, *kept])
    told = json.loads(typed.well("prune", "--retention", "30d", "--all", "--yes", "--json").out)
    assert told == {**told, "indexes": [EXAMPLE_DAY, with_suffix], "left_over": []}
    assert indexes(es) == sorted(kept)

    es.expect("PUT", f"/{ours}")
    es.expect("PUT", f"/{with_suffix}")
    typed.well("teardown", "--delete-logs", "--yes")
    assert indexes(es) == sorted([with_suffix, *kept])
    typed.well("teardown", "--delete-logs", "--all", "--yes")
    # Without the template again: what was left has no name of ours any more.
    assert {
        name
        for entry in es.expect("GET", "/openreplay-logs-*/_alias").values()
        for name in entry["aliases"]
    } == set()
    assert indexes(es) == sorted(kept)
