"""``lookup``: the logs of one session of 200 records out of a million, on a real Elasticsearch.

One server of the tests' harness, started for this and removed at the end, holds the same documents twice
(see ``loading``): in our index and in one with the mapping that Elasticsearch makes by itself. In turns, for
random sessions that were not asked for before:

- ours: ``SessionLogs.logs``, read to the end, on our index;
- OpenReplay's own request (``match_phrase`` on ``message``, 1,000 hits, no sort) on the default index;
- OpenReplay's own request on our index, by the alias ``logs``;
- a search that finds nothing: what any request costs.

Each is measured three times. "At the client": the time until all hits are there as objects, the median.
"In the index": query and fetch, from the sums in nanoseconds that Elasticsearch keeps for an index.
"took": what Elasticsearch says itself, the mean; it has no aim, since it is cut off to whole milliseconds,
so that 0.9 counts as 0. "Steps back" are hits that are older than the one before: OpenReplay shows the hits
as they come.

Limits: one node, one client, the JVM warm, everything in the page cache, where the place of a document on
the disk counts little. OpenReplay's client is written in Go and asks for gzip: here its request is sent by
``http.client`` without gzip and read by orjson, which is faster (gzip takes about a millisecond on either
index). All use one API key. Segments are as Elasticsearch left them: no merge is forced.
"""

from __future__ import annotations

import http.client
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from itertools import cycle, islice, pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from openreplay_otel import SessionLogs, Settings, open_store
from openreplay_otel.stores.elasticsearch import ElasticsearchStore
from tests.benchmarks.loading import PLAIN_INDEX, RECORDS, Traffic, load, settle
from tests.benchmarks.measuring import Rounds, turns
from tests.benchmarks.report import Row
from tests.emitting import now_ms
from tests.servers.elasticsearch import ElasticsearchServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from openreplay_otel.stores.elasticsearch.connection import Response

ROUNDS = 11
BOUTS = 5
LOOKUPS = 8
"""Sessions of a bout."""
WARM_UP = 1_000
AIM_OURS = 1 / 3
AIM_THEIRS = 1 / 2

_SIDES = ("ours", "theirs", "theirs on ours", "nothing")


def run(major: int, documents: int) -> list[Row]:
    """Start a server of a major, load it, measure; returns the rows of the table."""
    print(f"  starting Elasticsearch {major}", file=sys.stderr, flush=True)
    with ElasticsearchServer.start(major) as server:
        url = server.store_url
        settings = Settings(store=url, app_url="https://openreplay.example.com", project_id=7)
        store = open_store(settings=settings)
        assert isinstance(store, ElasticsearchStore)
        assert not store.prepare()
        traffic = Traffic(documents, now_ms())
        speed = load(traffic, store, settings)
        sizes = settle(store.connection, "logs", PLAIN_INDEX)
        (our_index,) = sizes.keys() - {PLAIN_INDEX}
        store.close()
        sides = _Sides(server, our_index, settings)
        wall, in_index, took = _measured(sides, traffic.sessions)
    ours, plain = sizes[our_index], sizes[PLAIN_INDEX]
    return [
        *_compared(wall, "at the client", AIM_OURS, AIM_THEIRS),
        *_compared(in_index, "in the index", AIM_OURS, AIM_THEIRS),
        *_compared(took, "took", None, None),
        Row("a search that finds nothing, at the client", "ms", wall.median("nothing")),
        Row("steps back in time, OpenReplay's hits on our index", "", sides.back["theirs on ours"],
            sides.back["theirs"], aim=0),
        Row("loading", "documents/s", *speed),
        Row("segments", "", ours[0], plain[0]),
        Row("on disk", "MB", ours[1] / 1e6, plain[1] / 1e6),
    ]  # fmt: skip


def _compared(rounds: Rounds, how: str, *aims: float | None) -> list[Row]:
    named = (
        ("ours", "SessionLogs on our index"),
        ("theirs on ours", "OpenReplay's request on our index"),
    )
    return [
        Row(f"{what}, {how}", "ms", rounds.median(side), rounds.median("theirs"),
            rounds.ratio(side, "theirs"), aim)
        for (side, what), aim in zip(named, aims, strict=True)
    ]  # fmt: skip


def _measured(sides: _Sides, sessions: Sequence[str]) -> tuple[Rounds, Rounds, Rounds]:
    """Milliseconds of a lookup in each round: at the client, in the index, and ``took``."""
    order = cycle(random.Random(11).sample(sessions, len(sessions)))
    for session in islice(order, WARM_UP):
        for name in _SIDES:
            sides.look_up(name, session)
    sides.back.clear()
    wall, in_index, took = Rounds(), Rounds(), Rounds()
    for _ in range(ROUNDS):
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in _SIDES}
        phases = defaultdict[str, float](float)
        for bout in range(BOUTS):
            asked = list(islice(order, LOOKUPS))
            for name in turns(_SIDES, bout):
                before = sides.index_ms(name)
                taken[name] += [sides.look_up(name, session) for session in asked]
                phases[name] += sides.index_ms(name) - before
        for name, lookups in taken.items():
            wall.add(name, statistics.median([seconds * 1000 for seconds, _ in lookups]))
            in_index.add(name, phases[name] / len(lookups))
            took.add(name, statistics.mean([its_ms for _, its_ms in lookups]))
    return wall, in_index, took


class _Sides:
    """The ways to look up a session; each checks that it got all of its records.

    Attributes:
        back: By way: how many hits were older than the one before.
    """

    def __init__(self, server: ElasticsearchServer, our_index: str, settings: Settings) -> None:
        self._server = server
        self._our_index = our_index
        role = {"indices": [{"names": ["logs", our_index, PLAIN_INDEX], "privileges": ["read"]}]}
        api_key = server.create_api_key("benchmark", {"reader": role})["encoded"]
        parts = urlsplit(server.url)
        assert parts.hostname is not None
        self._openreplay = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self._headers = {"Authorization": f"APIKey {api_key}", "Content-Type": "application/json"}
        self._took_ms = 0
        store = open_store(server.url, api_key=api_key)
        assert isinstance(store, ElasticsearchStore)
        store.connection.request = self._noting_took(store.connection.request)
        self._logs = SessionLogs(store, settings=settings)
        self.back = Counter[str]()

    def look_up(self, side: str, session_id: str) -> tuple[float, float]:
        """Look up a session; returns the client's seconds and Elasticsearch's ``took``."""
        began = time.perf_counter()
        if side == "ours":
            entries = list(self._logs.logs(session_id))
            seconds = time.perf_counter() - began
            times = [str(entry.document["@timestamp"]) for entry in entries]
        else:
            index = PLAIN_INDEX if side == "theirs" else "logs"
            phrase = f"openReplaySession.id={session_id}" if side != "nothing" else "no such text"
            hits = self._ask_as_openreplay(index, phrase)
            seconds = time.perf_counter() - began
            times = [hit["_source"]["@timestamp"] for hit in hits]
        expected = 0 if side == "nothing" else RECORDS
        assert len(times) == expected, f"{side}: {len(times)} records of {session_id}"
        self.back[side] += sum(a > b for a, b in pairwise(times))
        return seconds, self._took_ms

    def index_ms(self, side: str) -> float:
        """What the index of a side has spent on queries and fetches so far."""
        index = PLAIN_INDEX if side == "theirs" else self._our_index
        found = self._server.expect("GET", f"/{index}/_stats/search")["_all"]["total"]["search"]
        return found["query_time_in_millis"] + found["fetch_time_in_millis"]

    def _ask_as_openreplay(self, index: str, phrase: str) -> list[dict[str, Any]]:
        self._openreplay.request(
            "POST",
            f"/{index}/_search?track_total_hits=true",
            orjson.dumps({"size": 1000, "query": {"match_phrase": {"message": phrase}}}),
            self._headers,
        )
        response = self._openreplay.getresponse()
        body = response.read()
        assert response.status == http.client.OK, body
        answer = orjson.loads(body)
        self._took_ms = answer["took"]
        return answer["hits"]["hits"]

    def _noting_took(self, request: Callable[..., Response]) -> Callable[..., Response]:
        def noting(*args: Any, **kwargs: Any) -> Response:
            answer = request(*args, **kwargs)
            self._took_ms = answer.body["took"]
            return answer

        return noting
