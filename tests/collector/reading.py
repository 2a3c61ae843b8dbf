"""Reads back what stands in Elasticsearch, whole and flat."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.client import ElasticsearchClient

ALL = "openreplay-logs-*,logs-openreplay-*"
_WAIT_SECONDS = 60
_PAGE = 1000


def count(es: ElasticsearchClient) -> int:
    """How many documents there are, those of this moment included."""
    es.request("POST", f"/{ALL}/_refresh")
    path = f"/{ALL}/_count?ignore_unavailable=true&allow_no_indices=true"
    status, answer = es.request("GET", path)
    # An index that is just being made cannot be asked yet.
    return 0 if status == 503 else answer["count"]


def all_documents(es: ElasticsearchClient) -> dict[str, dict[str, Any]]:
    """All documents by ``_id``, flat: each field as it was sent, and (``read: …``) as Elasticsearch reads it."""
    return {hit["_id"]: _flat_hit(hit) for hit in hits(es)}


def wait_for(
    es: ElasticsearchClient, number: int, seconds: float = _WAIT_SECONDS
) -> dict[str, dict[str, Any]]:
    """All documents, as soon as there are so many; what there is, when they do not come."""
    wait_for_count(es, number, seconds)
    return all_documents(es)


def wait_for_count(es: ElasticsearchClient, number: int, seconds: float = _WAIT_SECONDS) -> int:
    """How many documents there are, as soon as there are so many."""
    deadline = time.monotonic() + seconds
    while True:
        found = count(es)
        if found >= number or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def hits(es: ElasticsearchClient, source: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """All hits, page by page; ``source`` names the only fields that are wanted."""
    es.request("POST", f"/{ALL}/_refresh")
    after: list[Any] | None = None
    pit = es.expect("POST", f"/{ALL}/_pit?keep_alive=1m&ignore_unavailable=true")["id"]
    while True:
        body: dict[str, Any] = {
            "size": _PAGE,
            "query": {"match_all": {}},
            "_source": True if source is None else source,
            "pit": {"id": pit, "keep_alive": "1m"},
            "sort": [{"_shard_doc": "asc"}],
        }
        if source is None:
            body["fields"] = ["*"]
        if after is not None:
            body["search_after"] = after
        page = es.expect("POST", "/_search", body)["hits"]["hits"]
        if not page:
            return
        yield from page
        after = page[-1]["sort"]


def _flat_hit(hit: dict[str, Any]) -> dict[str, Any]:
    index = hit["_index"]
    if index.startswith(".ds-"):
        # The data stream's name; the backing index has a date and a number.
        index = index.removeprefix(".ds-").rsplit("-", 2)[0]
    read = {f"read: {name}": value for name, value in hit.get("fields", {}).items()}
    return {"_index": index, **flat(hit["_source"]), **read}


def flat(source: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted and nested names made equal, as they are to Elasticsearch."""
    made: dict[str, Any] = {}
    for name, value in source.items():
        if isinstance(value, dict):
            made.update(flat(value, f"{prefix}{name}."))
        else:
            made[f"{prefix}{name}"] = value
    return made
