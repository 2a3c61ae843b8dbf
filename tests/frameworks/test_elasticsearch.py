"""The core rows of the table once more, with a real Elasticsearch for a store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.frameworks.cases import CASES, ask, outcome
from tests.frameworks.rows import CORE
from tests.frameworks.serving import MOST_SECONDS, serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.frameworks.rows import Row
    from tests.servers.elasticsearch import ElasticsearchServer

_ALL = "/openreplay-logs-*,logs-openreplay-default/_search?size=1000&ignore_unavailable=true"


@pytest.mark.integration
@pytest.mark.parametrize("row", CORE, ids=lambda row: row.name)
def test_the_core_rows_are_in_elasticsearch(
    row: Row, es: ElasticsearchServer, tmp_path: Path
) -> None:
    """Each record with its own session, while the server runs."""
    until = time.monotonic() + MOST_SECONDS
    with serving(row, es.store_url, tmp_path) as server:
        asked = ask(server)
        found: dict[str, str] = {}
        while set(found.values()) != {"yes"} and time.monotonic() < until:
            time.sleep(0.5)
            es.request("POST", "/_refresh")
            _, answer = es.request("GET", _ALL)
            hits: list[dict[str, Any]] = answer.get("hits", {}).get("hits", [])
            documents = [hit["_source"] for hit in hits]
            found = {case: outcome(row, case, asked, documents) for case in CASES}
    assert dict.fromkeys(CASES, "yes") == found, server.output()
