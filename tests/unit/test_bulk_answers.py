"""What ``_bulk`` answers: which documents are stored, which wait and which are refused for good."""

from __future__ import annotations

from typing import Any

import pytest

from openreplay_otel.errors import StoreLayoutError
from openreplay_otel.stores.base import Document
from openreplay_otel.stores.elasticsearch.bulk import bulk_result, checked

DOCUMENTS = [Document("index", f"id{n}", b"{}") for n in range(3)]


def item(status: int, kind: str | None = None, reason: str = "why") -> dict[str, Any]:
    """A document's part of an answer."""
    error = {} if kind is None else {"error": {"type": kind, "reason": reason}}
    return {"create": {"status": status, **error}}


STORED = {"errors": False, "items": [item(201)] * 3}


@pytest.mark.parametrize(
    "answer",
    [
        None, "", "<html>sign in</html>", [], {}, {"errors": False}, {"items": [item(201)] * 3},
        {"status": "ok"}, {"errors": None, "items": [item(201)] * 3},
        {"errors": False, "items": [item(201)] * 2}, {"errors": False, "items": [item(201)] * 4},
        {"errors": False, "items": [{"index": {"status": 201}}] * 3},
        {"errors": False, "items": ["created"] * 3}, {"errors": False, "items": 3},
        {"errors": True, "items": [{"create": {"status": "201"}}] * 3},
    ],
)  # fmt: skip
def test_an_answer_that_does_not_speak_of_each_document_stores_none(answer: object) -> None:
    """A login page, a proxy, an answer cut short: whoever sent it, nobody knows what was stored."""
    with pytest.raises(StoreLayoutError, match="3 documents"):
        checked(answer, 3)


def test_a_document_that_was_not_stored_is_seen_without_the_flag() -> None:
    """The flag ``errors`` alone is not believed."""
    answer = {"errors": False, "items": [item(201), item(401, "security_exception"), item(200)]}
    result = bulk_result(DOCUMENTS, checked(answer, 3))
    assert (2, [DOCUMENTS[1]], []) == (result.accepted, result.retry, result.refused)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, "index_closed_exception", "closed"),
        (400, "validation_exception", "Validation Failed: 1: this action would add [2] shards, but …"),
        (400, "illegal_argument_exception", "pipeline with id [nope] does not exist"),
        (400, "illegal_argument_exception", "no write index is defined for alias [logs]. The …"),
        (400, "script_exception", "runtime error"),
        (400, "routing_missing_exception", "routing is required"),
        (400, "invalid_index_name_exception", "Invalid index name"),
        (400, "an_exception_of_next_year", "who knows"),
        (401, "security_exception", "missing authentication credentials"),
        (403, "cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)];"),
        (404, "index_not_found_exception", "no such index"),
        (429, "es_rejected_execution_exception", "rejected"),
        (500, "fail_processor_exception", "no thanks"),
        (503, "unavailable_shards_exception", "primary shard is not active"),
    ],
)  # fmt: skip
def test_what_an_administrator_can_fix_waits(status: int, kind: str, reason: str) -> None:
    """Nothing is wrong with the document."""
    answer = {"errors": True, "items": [item(201), item(status, kind, reason), item(409)]}
    result = bulk_result(DOCUMENTS, checked(answer, 3))
    assert (1, 1, [DOCUMENTS[1]], []) == (
        result.accepted, result.known, result.retry, result.refused,
    )  # fmt: skip
    assert result.hindrance == f"{status} {kind}: {reason}"
    assert result.is_busy is False
    alone = {"errors": True, "items": [item(status, kind, reason)] * 3}
    assert bulk_result(DOCUMENTS, checked(alone, 3)).is_busy is (status == 429 or status >= 500)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("document_parsing_exception", "[1:72] failed to parse field [level] of type [integer]"),
        ("mapper_parsing_exception", "failed to parse"),
        ("strict_dynamic_mapping_exception", "mapping set to strict, dynamic introduction of [x]"),
        ("x_content_parse_exception", "[1:2] Unexpected character"),
        ("illegal_argument_exception", "mapper [a] cannot be changed from type [long] to [text]"),
        ("illegal_argument_exception", "Document contains at least one immense term"),
    ],
)
def test_a_fault_of_the_document_itself_is_for_good(kind: str, reason: str) -> None:
    """It becomes a dead letter, the others go on."""
    answer = {"errors": True, "items": [item(201), item(400, kind, reason), item(201)]}
    (refused,) = bulk_result(DOCUMENTS, checked(answer, 3)).refused
    assert (DOCUMENTS[1], 400, f"{kind}: {reason}") == (
        refused.document, refused.status, refused.reason,
    )  # fmt: skip
