"""Loads the two indexes of the benchmark ``lookup`` with the same documents, and tells how fast.

Ours is what the exporter would have made of it: our template, our index, requests as the exporter sends
them. The other is an index that Elasticsearch maps by itself (no template), which is what a user has who
sends the same JSON. Each request goes to both, in turns to the one or the other first.

The sessions begin one after another at equal distances; each logs ``RECORDS`` records, one in each
distance, so that two hundred sessions are going on at any time and no session's records arrive together.
Records arrive in time order, as those of an app do.
"""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING

import orjson

from openreplay_otel.document.builder import DocumentBuilder
from openreplay_otel.stores.bulk_lines import bulk_body
from openreplay_otel.stores.elasticsearch.bulk import BULK_PATH
from tests.benchmarks.records import Shop
from tests.emitting import session_id_begun_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openreplay_otel import Settings
    from openreplay_otel.stores.base import Document
    from openreplay_otel.stores.elasticsearch import Connection, ElasticsearchStore

RECORDS = 200
"""Records of a session."""
PLAIN_INDEX = "plain"
"""The index with a default mapping."""

_REQUEST = 2_000
_DAY_MS = 86_400_000
_SESSIONS_MS = 40_000_000
"""Within this time all sessions begin, and end soon after: half a day, so that ours is one index."""
_REPORT_EVERY = 100_000


class Traffic:
    """The sessions and their records, the same at each run on a day.

    Args:
        documents: How many records in all.
        today_ms: A moment of today; all happened yesterday.
    """

    def __init__(self, documents: int, today_ms: int) -> None:
        count = max(1, documents // RECORDS)
        self._distance_ms = min(8_000.0, _SESSIONS_MS / count)
        self._begun_at = today_ms // _DAY_MS * _DAY_MS - _DAY_MS + 3_600_000
        self.sessions = [
            session_id_begun_at(int(self._begun_at + number * self._distance_ms), number % 1000 + 1)
            for number in range(count)
        ]

    def documents(self, settings: Settings) -> Iterator[list[Document]]:
        """Our documents, a request's at a time, in time order."""
        shop = Shop(settings)
        build = DocumentBuilder(settings).build
        chance = random.Random(7)
        number = 0
        request: list[Document] = []
        for slot in range(len(self.sessions) + RECORDS - 1):
            going_on = self.sessions[max(0, slot - RECORDS + 1) : slot + 1]
            chance.shuffle(going_on)
            step_ns = self._distance_ms * 1e6 / len(going_on)
            # Half a distance later than the newest session's begin, or a record could come before it.
            time_ns = (self._begun_at + (slot + 1) * self._distance_ms) * 1e6
            for session in going_on:
                time_ns += step_ns
                shop.emit(session, number, int(time_ns))
                number += 1
            request += [document for record in shop.take() if (document := build(record))]
            while len(request) >= _REQUEST:
                yield request[:_REQUEST]
                del request[:_REQUEST]
        if request:
            yield request


def load(traffic: Traffic, store: ElasticsearchStore, settings: Settings) -> tuple[float, float]:
    """Load both indexes; reports the progress on stderr.

    Returns:
        Documents a second in our index and in the plain one; the time to make them is not counted.
    """
    store.connection.request("PUT", f"/{PLAIN_INDEX}", _ONE_SHARD)
    loaded, seconds = 0, [0.0, 0.0]
    total = len(traffic.sessions) * RECORDS
    reported = (0, 0.0, 0.0)
    for number, documents in enumerate(traffic.documents(settings)):
        plain = [document._replace(index=PLAIN_INDEX) for document in documents]
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            body = bulk_body(plain if side else documents)
            began = time.perf_counter()
            _send(store.connection, body)
            seconds[side] += time.perf_counter() - began
        loaded += len(documents)
        if loaded - reported[0] >= _REPORT_EVERY or loaded == total:
            rates = [
                (loaded - reported[0]) / (now - before)
                for now, before in zip(seconds, reported[1:], strict=True)
            ]
            reported = (loaded, *seconds)
            print(
                f"  loaded {loaded:,} of {total:,}; documents a second: ours {rates[0]:,.0f},"
                f" default mapping {rates[1]:,.0f}",
                file=sys.stderr, flush=True,
            )  # fmt: skip
    return loaded / seconds[0], loaded / seconds[1]


# One shard and no replica, as ours on a single node; all else by default.
_ONE_SHARD = {"settings": {"number_of_shards": 1, "number_of_replicas": 0}}


def _send(connection: Connection, body: bytes) -> None:
    answer = connection.request("POST", BULK_PATH, body, timeout=120).body
    assert not answer.get("errors"), orjson.dumps(answer)[:2000]


def settle(connection: Connection, *indexes: str) -> dict[str, tuple[int, int]]:
    """Refresh, wait until Elasticsearch has ended the merges it began by itself, forcing none.

    Returns:
        Segments and bytes of each index.
    """
    names = ",".join(indexes)
    connection.request("POST", f"/{names}/_refresh", timeout=120)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        stats = connection.request("GET", f"/{names}/_stats/merge,segments,store").body
        if not stats["_all"]["total"]["merges"]["current"]:
            break
        time.sleep(1)
    connection.request("POST", f"/{names}/_refresh", timeout=120)
    stats = connection.request("GET", f"/{names}/_stats/segments,store").body["indices"]
    return {
        index: (of["total"]["segments"]["count"], of["total"]["store"]["size_in_bytes"])
        for index, of in stats.items()
    }
