"""The requests of OpenReplay's two readers as they go over the wire, and what its panel can show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..names import MESSAGE_TAG_SESSION_ID, MESSAGE_TAG_SESSION_TOKEN, READER_ALIAS, TAG_ERROR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..stores.elasticsearch import Connection

_LEVELS: Final = ("error", "warning", "info", "debug")
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?(Z|[+-]\d\d:\d\d)"
)
_TOKEN_TAG: Final = re.compile(rf"(?i){MESSAGE_TAG_SESSION_TOKEN}=([0-9a-zA-Z.]+)")


def search_as_new(connection: Connection, session_id: str) -> list[dict[str, Any]]:
    """The hits that the reader from v1.21 on gets, in the order in which the panel shows them.

    Raises:
        StoreError: The cluster refuses, or cannot be reached.
    """
    phrase = f"{MESSAGE_TAG_SESSION_ID}={session_id}"
    body = {"size": 1000, "query": {"match_phrase": {"message": phrase}}}
    path = f"/{READER_ALIAS}/_search?track_total_hits=true"
    return connection.request("POST", path, body).body["hits"]["hits"]


def read_as_old(
    connection: Connection, indexes: str, session_id: str, since_ms: int
) -> list[dict[str, Any]]:
    """What the reader up to v1.20 collects for a session in one round, in its order.

    Raises:
        StoreError: The cluster refuses, or cannot be reached.
    """
    filters = [
        {"match": {"message": {"query": f"{MESSAGE_TAG_SESSION_TOKEN}="}}},
        {"range": {"utc_time": {"gte": str(since_ms), "lte": "now"}}},
        {"term": {"tags": TAG_ERROR}},
    ]
    path = f"/{indexes}/_search?scroll=120000ms&size=1000&sort=utc_time%3Aasc"
    answer = connection.request("POST", path, {"query": {"bool": {"filter": filters}}}).body
    found: list[dict[str, Any]] = []
    while hits := answer["hits"]["hits"]:
        for hit in hits:
            match = _TOKEN_TAG.search(str(hit["_source"].get("message")))
            if match is not None and match[1] == session_id:
                found.append(hit)
        more = {"scroll": "120000ms", "scroll_id": answer["_scroll_id"]}
        answer = connection.request("POST", "/_search/scroll", more).body
    return found


def panel_faults(source: dict[str, Any]) -> Iterator[str]:
    """Why the panel, or the old reader, could not show a document; nothing where it can."""
    message, level = source.get("message"), source.get("level")
    if not isinstance(message, str) or not message:
        yield "message is no text"
    if level not in _LEVELS:
        yield f"level is {level!r}, and not one of {', '.join(_LEVELS)}"
    for name in ("@timestamp", "utc_time"):
        moment = source.get(name)
        if not isinstance(moment, str) or _TIME.fullmatch(moment) is None:
            yield f"{name} is {moment!r}, and not as 2024-01-24T02:27:39.324000Z"
