"""The ingest pipeline: documents that others wrote become those that OpenReplay and the lookup read."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ecs_logging
import pytest

from openreplay_otel import SessionLogs
from openreplay_otel.cluster.ingest import pipeline
from openreplay_otel.message_tag import LOOKALIKES
from tests.openreplay_readers import (
    READER_OF_TOKENS,
    check_panel_rules,
    read_as_v1_20,
    reader_key,
    search_as_v1_21,
)
from tests.unit.cli_harness import TOKEN, call_here
from tests.unit.contract import EXAMPLE_ID, EXAMPLE_STARTED_MS

if TYPE_CHECKING:
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_OTHER_ID = "4114245275701215239"
_TAGS = "openReplaySession.id,openReplaySessionToken"


@pytest.fixture
def piped(es: ElasticsearchServer, tmp_path: Path) -> ElasticsearchServer:
    """The server with the pipeline, which writes both tags."""
    done = call_here(
        "setup", "--pipeline", "--store", es.store_url, OPENREPLAY_OTEL_TAGS=_TAGS, state=tmp_path
    )
    assert done.code == 0
    return es


def send(es: ElasticsearchServer, documents: list[dict[str, Any]], index: str = "filebeat") -> None:
    """Write documents by the pipeline, as Filebeat and Logstash do with its name in their output."""
    lines: list[str] = []
    for document in documents:
        lines += [json.dumps({"create": {"_index": index}}), json.dumps(document)]
    answer = es.expect(
        "POST", "/_bulk?pipeline=openreplay-logs&refresh=true", "\n".join(lines) + "\n"
    )
    assert not answer["errors"], answer


def ecs_document(text: str, *, level: int = logging.INFO, error: bool = False) -> dict[str, Any]:
    """What ecs-logging's own formatter writes of a record."""
    record = logging.LogRecord("shop.pay", level, "/srv/shop/pay.py", 88, text, (), None)
    record.created = EXAMPLE_STARTED_MS / 1000 + 60
    if error:
        try:
            raise ConnectionError("the bank hung up")
        except ConnectionError as raised:
            record.exc_info = (type(raised), raised, raised.__traceback__)
    return json.loads(ecs_logging.StdlibFormatter().format(record))


def test_documents_of_ecs_logging(piped: ElasticsearchServer) -> None:
    """Text, level, exception and origin arrive; both readers and the lookup find them by the id."""
    send(
        piped,
        [
            ecs_document(f"[openReplaySessionToken={TOKEN}] old patch"),
            ecs_document(f"[asayer_session_id={EXAMPLE_ID}] of 2021", level=logging.WARNING),
            ecs_document(
                f"[openReplaySession.id={EXAMPLE_ID}] failed", level=logging.ERROR, error=True
            ),
            ecs_document("of no session"),
            {**ecs_document("by a field"), "openReplaySession.id": EXAMPLE_ID},
        ],
    )
    key = reader_key(piped)
    hits = search_as_v1_21(piped, key, EXAMPLE_ID)
    check_panel_rules(hits)
    prefix = f"[openReplaySession.id={EXAMPLE_ID}][openReplaySessionToken={EXAMPLE_ID}] "
    assert {hit["_source"]["message"]: hit["_source"]["level"] for hit in hits} == {
        f"{prefix}old patch": "info",
        f"{prefix}of 2021": "warning",
        f"{prefix}failed": "error",
        f"{prefix}by a field": "info",
    }
    assert {hit["_index"] for hit in hits} == {"openreplay-logs-2024.01.24"}
    old = read_as_v1_20(piped, key, "logs", EXAMPLE_STARTED_MS)
    assert [source["message"] for source in old[EXAMPLE_ID]] == [f"{prefix}failed"]
    entries = {e.message: e for e in SessionLogs(piped.store_url).logs(EXAMPLE_ID)}
    failed = entries["failed"]
    assert failed.exception is not None
    assert (failed.exception.type, failed.exception.message) == (
        "ConnectionError", "the bank hung up",
    )  # fmt: skip
    assert (failed.logger, failed.level) == ("shop.pay", "error")
    everything = json.dumps(piped.expect("GET", "/_all/_search?size=100"))
    assert TOKEN not in everything
    stayed = piped.expect("GET", "/filebeat/_search")["hits"]["hits"]
    assert [hit["_source"]["message"] for hit in stayed] == ["of no session"]


@pytest.mark.parametrize("mapping", ["otel", "ecs"])
def test_documents_of_the_collectors_exporter(mapping: str, piped: ElasticsearchServer) -> None:
    """Of both of its mappings, as it stored them: reindexed through the pipeline they are as ours."""
    file = Path(__file__).with_name("collector_documents.json")
    documents = json.loads(file.read_text(encoding="utf-8"))[mapping]
    lines = "".join(f'{{"index":{{}}}}\n{json.dumps(document)}\n' for document in documents)
    template = {
        "index_patterns": ["collector"], "priority": 3,
        "template": {"mappings": {"properties": {"@timestamp": {"type": "date_nanos"}}}},
    }  # fmt: skip
    piped.expect("PUT", "/_index_template/collector", template)
    piped.expect("POST", "/collector/_bulk?refresh=true", lines)
    answer = piped.expect(
        "POST", "/_reindex?refresh=true",
        {"source": {"index": "collector"}, "dest": {"index": "rest", "pipeline": "openreplay-logs"}},
    )  # fmt: skip
    assert (answer["created"], answer["failures"]) == (4, [])
    hits = search_as_v1_21(piped, reader_key(piped), EXAMPLE_ID)
    check_panel_rules(hits)
    entries = list(SessionLogs(piped.store_url).logs(EXAMPLE_ID))
    assert [entry.message for entry in entries] == [
        "stamped by the processor", "order failed", "written by the old patch",
    ]  # fmt: skip
    assert [hit["_source"]["@timestamp"] for hit in hits] == [
        "2024-01-24T02:28:20.000009Z", "2024-01-24T02:28:21.000009Z", "2024-01-24T02:28:22.000009Z",
    ]  # fmt: skip
    assert [entry.level for entry in entries] == ["info", "error", "warning"]
    failed = entries[1]
    assert failed.exception is not None
    assert failed.exception.type == "ConnectionError"
    assert "ConnectionError: the bank hung up" in (failed.exception.stack_trace or "")
    assert failed.service == "shop"
    assert TOKEN not in json.dumps(piped.expect("GET", "/logs/_search"))


def test_a_tag_inside_a_text_is_made_harmless_here_too(piped: ElasticsearchServer) -> None:
    """A stranger's tag, in a record with a session and in one without, reaches no other recording."""
    forged = f"name [openReplaySession.id={_OTHER_ID}] openReplaySessionToken={TOKEN} asayer_session_id=7"
    send(
        piped,
        [
            {"message": f"[openReplaySession.id={EXAMPLE_ID}] {forged}", "log.level": "error"},
            {"message": forged, "@timestamp": "2024-01-24T02:27:39Z"},
        ],
    )
    assert search_as_v1_21(piped, reader_key(piped), _OTHER_ID) == []
    role = {"all": {"indices": [{"names": ["*"], "privileges": ["read"]}]}}
    every = piped.create_api_key("all", role)["encoded"]
    assert set(read_as_v1_20(piped, every, "*", 0)) <= {EXAMPLE_ID}
    assert TOKEN not in json.dumps(piped.expect("GET", "/_all/_search"))


@pytest.mark.parametrize(
    "text",
    [
        "[openReplaySess\u0130on.id={v}] lower-cased by Elasticsearch only",
        "[openReplaySession.\u0130d={v}] in the other half",
        "openReplaySe\u017fsionToken={v} lower-cased by Go only",
        "openReplaySessionTo\u212aen={v} lower-cased by both",
        "openReplaySession.id=openReplaySessionToken={v} one in the other's value",
        "openReplaySession.id=a.b.c.openReplaySession.id={v} behind a token",
        "asayer_session_id=openReplaySession.id={v} of two generations",
        '{{\\"openReplaySession.id\\": \\"{v}\\"}} escaped',
        "[openReplaySession.id={v}]" * 9 + " more than this package writes",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["message", "list", "body", "error", "broken"])
def test_no_forged_tag_of_any_spelling_gets_through(
    form: str, text: str, piped: ElasticsearchServer
) -> None:
    """Behind a session's own tag and without one, wherever this text is what becomes or stays the message."""
    forged = "name " + text.format(v=_OTHER_ID)
    own = f"[openReplaySession.id={EXAMPLE_ID}] "
    documents: dict[str, list[dict[str, Any]]] = {
        "message": [{"message": forged}, {"message": own + forged, "log.level": "error"}],
        "list": [{"message": [forged, forged]}],
        "body": [
            {"body": {"text": forged}, "severity_text": "ERROR"},
            {"body": {"text": own + forged}, "severity_text": "ERROR"},
        ],
        "error": [{"openReplaySession.id": EXAMPLE_ID, "error": {"message": [forged, forged]}}],
        "broken": [{"message": own + forged}, {"message": [forged]}, {"body": {"text": forged}}],
    }
    if form == "broken":
        # Whatever the script cannot do: what is stored then must not bear a stranger's tag either.
        broken = pipeline("openreplay-logs", tags=("openReplaySession.id",))
        broken["processors"][0]["script"]["source"] = "throw new RuntimeException('x');"
        piped.expect("PUT", "/_ingest/pipeline/openreplay-logs", broken)
    body = {"properties": {"text": {"type": "text"}}}
    mapping = {"properties": {"body": body, "utc_time": {"type": "date"}}}
    piped.expect("PUT", "/filebeat", {"mappings": mapping})
    send(piped, documents[form])
    for field in ("message", "body.text"):
        query = {"match_phrase": {field: f"openReplaySession.id={_OTHER_ID}"}}
        assert piped.expect("POST", "/_all/_search", {"query": query})["hits"]["hits"] == []
    role = {"all": {"indices": [{"names": ["*"], "privileges": ["read"]}]}}
    every = piped.create_api_key("all", role)["encoded"]
    assert set(read_as_v1_20(piped, every, "*", 0)) <= {EXAMPLE_ID}
    for hit in piped.expect("POST", "/_all/_search", {"size": 50})["hits"]["hits"]:
        shown = json.dumps(
            hit["_source"].get("message", hit["_source"].get("body")), ensure_ascii=False
        )
        assert READER_OF_TOKENS.search(shown.replace(EXAMPLE_ID, "")) is None


def test_elasticsearch_and_go_fold_no_other_character(es: ElasticsearchServer) -> None:
    """Every character there is, in a word of the standard analyzer: none else becomes a letter of ASCII, or nothing."""
    settings = {"index.analyze.max_token_count": 500_000}
    es.expect("PUT", "/folds", {"settings": settings})
    found: dict[str, str] = {}
    for start in range(0, 0x110000, 0x10000):
        codes = range(max(start, 0x80), start + 0x10000)
        text = " ".join(f"x{chr(code)}x" for code in codes if not 0xD800 <= code < 0xE000)
        body = {"analyzer": "standard", "text": text}
        for token in es.expect("POST", "/folds/_analyze", body)["tokens"]:
            word = token["token"]
            assert word != "xx"
            if len(word) == 3 and word.isascii() and word[1].isalnum():
                # Offsets count in UTF-16, as Python does as long as there is no larger character.
                found[text[token["start_offset"] + 1]] = word[1]
    known = {character: letter for letter, character in LOOKALIKES.items()}
    assert found == {"\u0130": "i", "\u212a": "k"}
    assert found.items() <= known.items()


@pytest.mark.parametrize(
    "document",
    [
        {"message": 7, "openReplaySession.id": EXAMPLE_ID},
        {"message": {"a": 1}, "openReplaySession.id": EXAMPLE_ID},
        {"@timestamp": "yesterday", "message": f"[openReplaySession.id={EXAMPLE_ID}] x"},
        {"message": f"[openReplaySession.id={EXAMPLE_ID}]", "tags": "one"},
        {"message": f"[openReplaySession.id={EXAMPLE_ID}] x", "level": "AUDIT", "tags": [1]},
        {"openReplaySession.id": EXAMPLE_ID, "error": {"message": "only an error"}},
        {"message": f"[openReplaySession.id={EXAMPLE_ID}] " + "x session y " * 20_000},
        {"body": {"structured": {"a": 1}}, "attributes": {"openreplay.session.id": EXAMPLE_ID}},
    ],
    ids=range(8),
)  # fmt: skip
def test_odd_documents_become_ones_that_the_panel_shows(
    document: dict[str, Any], piped: ElasticsearchServer
) -> None:
    """Numbers and maps for texts, unknown levels, missing times, huge texts: nothing breaks the panel."""
    send(piped, [document])
    hits = search_as_v1_21(piped, reader_key(piped), EXAMPLE_ID)
    assert len(hits) == 1
    check_panel_rules(hits)


@pytest.mark.parametrize(
    "text", ["[openReplaySession.id=0] x", "[openReplaySession.id=] x", "x", "[a"]
)
def test_documents_of_no_session_keep_their_index(text: str, piped: ElasticsearchServer) -> None:
    """An id that is none moves nothing."""
    send(piped, [{"message": text, "@timestamp": "2024-01-24T02:27:39Z"}])
    (hit,) = piped.expect("GET", "/filebeat/_search")["hits"]["hits"]
    assert hit["_source"]["@timestamp"] == "2024-01-24T02:27:39Z"
    assert "error" not in hit["_source"]


def test_a_document_that_the_script_cannot_read_is_stored_as_it_came(
    piped: ElasticsearchServer,
) -> None:
    """It is not lost, and says what went wrong."""
    broken = pipeline("openreplay-logs", tags=("openReplaySession.id",))
    broken["processors"][0]["script"]["params"]["levels"] = None
    piped.expect("PUT", "/_ingest/pipeline/openreplay-logs", broken)
    send(piped, [{"message": f"[openReplaySession.id={EXAMPLE_ID}] x", "log.level": "info"}])
    (hit,) = piped.expect("GET", "/filebeat/_search")["hits"]["hits"]
    assert "pipeline" in hit["_source"]["error"]


def test_one_value_in_an_objects_place_finds_its_field(piped: ElasticsearchServer) -> None:
    """Documents with host: "web1" and the like are taken, and none of them decides what a field is for ours."""
    text = f"[openReplaySession.id={EXAMPLE_ID}] boom"
    singles = (
        "host", "service", "container", "process", "error", "event", "log", "labels", "trace", "span",
        "session", "ecs", "openreplay",
    )  # fmt: skip
    documents: list[dict[str, Any]] = [{name: "web1"} for name in singles]
    documents += [{name: 7} for name in singles] + [{"labels": ["a", "b"], "host": True}]
    at = "2024-01-24T02:28:39.324Z"
    send(piped, [{"message": text, "@timestamp": at, **document} for document in documents])
    hits = piped.expect("GET", "/logs/_search?size=100")["hits"]["hits"]
    assert len(hits) == len(documents)
    hosts = [hit["_source"]["host"] for hit in hits if "host" in hit["_source"]]
    assert {"name": "web1"} in hosts
    assert not any("pipeline" in hit["_source"].get("error", {}) for hit in hits)
