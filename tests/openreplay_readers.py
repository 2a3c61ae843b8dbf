"""The requests of OpenReplay's two readers, as they go over the wire, and the rules of its panel.

Written from what OpenReplay sends, and sharing no code with the package: it judges what the package
stored.
"""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.servers.client import ElasticsearchClient

_LEVELS = {"error", "warning", "info", "debug"}
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?(Z|[+-]\d\d:\d\d)")
READER_OF_TOKENS = re.compile(
    # As Go ignores case: ASCII, and one look-alike each for s and k.
    r"(?i)openReplay[s\u017f]e[s\u017f][s\u017f]ionTo[k\u212a]en=([0-9a-zA-Z\u017f\u212a.]+)",
    re.ASCII,
)
"""The expression of the reader up to v1.20, which looks for it in the text of each hit."""


def search_as_v1_21(
    server: ElasticsearchClient, encoded_key: str, session_id: str
) -> list[dict[str, Any]]:
    """The hits that the reader of v1.21 and later gets for a session, in the order it shows them."""
    status, answer = server.request(
        "POST",
        "/logs/_search?track_total_hits=true",
        {
            "size": 1000,
            "query": {"match_phrase": {"message": f"openReplaySession.id={session_id}"}},
        },
        headers={"Authorization": f"APIKey {encoded_key}"},
    )
    assert status == 200, answer
    return answer["hits"]["hits"]


def read_as_v1_20(
    server: ElasticsearchClient, encoded_key: str, indexes: str, since_ms: int
) -> dict[str, list[dict[str, Any]]]:
    """What the reader up to v1.20 collects in one round: documents by session id, in their order."""
    headers = {"Authorization": f"ApiKey {encoded_key}"}
    body = {
        "query": {
            "bool": {
                "filter": [
                    {"match": {"message": {"query": "openReplaySessionToken="}}},
                    {"range": {"utc_time": {"gte": str(since_ms), "lte": "now"}}},
                    {"term": {"tags": "error"}},
                ]
            }
        }
    }
    status, answer = server.request(
        "POST",
        f"/{indexes}/_search?scroll=120000ms&size=1000&sort=utc_time%3Aasc",
        body,
        headers=headers,
    )
    found: dict[str, list[dict[str, Any]]] = {}
    while True:
        assert status == 200, answer
        hits = answer["hits"]["hits"]
        if not hits:
            return found
        for hit in hits:
            source = hit["_source"]
            # Its process ends where one of these is missing or of another type.
            assert isinstance(source["message"], str)
            assert _ISO.fullmatch(source["utc_time"]), source["utc_time"]
            match = READER_OF_TOKENS.search(source["message"])
            if match is not None and match[1].isdigit():
                found.setdefault(match[1], []).append(source)
        status, answer = server.request(
            "POST",
            f"/_search/scroll?scroll=120000ms&scroll_id={answer['_scroll_id']}",
            headers=headers,
        )


def check_panel_rules(hits: list[dict[str, Any]]) -> None:
    """Fail where a hit would break the panel, or show wrongly in it."""
    for hit in hits:
        source = hit["_source"]
        assert source["level"] in _LEVELS
        assert isinstance(source["message"], str)
        assert source["message"]
        assert _ISO.fullmatch(source["@timestamp"]), source["@timestamp"]
        datetime.fromisoformat(source["@timestamp"].replace("Z", "+00:00"))


def reader_key(server: ElasticsearchClient) -> str:
    """An API key that may only read ``logs``, as OpenReplay should be given."""
    role = {"cluster": [], "indices": [{"names": ["logs"], "privileges": ["read"]}]}
    return server.create_api_key(f"reader-{time.time_ns()}", {"reader": role})["encoded"]


def writer_key(server: ElasticsearchClient) -> str:
    """An API key with the least that an exporter needs."""
    role = {
        "cluster": [],
        "indices": [
            {
                "names": ["openreplay-logs-*", "logs-openreplay-*"],
                "privileges": ["create_doc", "auto_configure"],
            }
        ],
    }
    return server.create_api_key(f"writer-{time.time_ns()}", {"writer": role})["encoded"]
