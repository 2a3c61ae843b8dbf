"""``scale``: what questions, bytes and a day's deletion cost when a month of logs is on one node.

One server of the tests' harness with a heap of 1 GB, started for this and removed at the end, is set up by the command
``setup`` and loaded with a tenth of a month (see ``month``), measured, loaded with the rest, measured again. With
``--documents 10000000`` that is 50,000 sessions in 30 daily indexes, first a million records of 5,000 sessions.

Each question is asked for another session, day or time each time. *Ours* is what ``SessionLogs`` takes to give objects;
*other* are the same requests, noted from it and sent again raw by ``http.client`` straight afterwards, past
Elasticsearch's own cache of answers. The p50 and p95 of both are given; the ratio is that of each pair, with its lowest
and highest. A command's time is that of its process, Python's start included.

Limits: one node, one client, the machine's page cache holds the whole month. A day's index fills in a minute or two
(see ``month``). No merge is forced but where it says so. Elasticsearch ends its own merges before anything is asked.
"""

from __future__ import annotations

import http.client
import math
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson

from openreplay_otel import SessionLogs
from openreplay_otel.stores.elasticsearch import ElasticsearchStore
from tests.benchmarks.measuring import Ratio
from tests.benchmarks.month import DAY_MS, DAYS, PARTS, Month, load
from tests.benchmarks.report import Row
from tests.emitting import now_ms
from tests.openreplay_readers import reader_key, search_as_v1_21
from tests.servers.elasticsearch import ElasticsearchServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from openreplay_otel.stores.elasticsearch.connection import Response
    from tests.benchmarks.month import Visit
    from tests.servers.client import ElasticsearchClient

HEAP: Final = "1g"
LOOKUPS: Final = 60
QUESTIONS: Final = 30
WARM_UP: Final = 5
FEW: Final = 50
"""As many sessions as the command and the page show at once."""
MERGED_DAY: Final = 10
PRUNED_DAYS: Final = 3


def run(major: int, documents: int) -> list[Row]:
    """Start a server of a major, load it twice, measure each time; returns the rows of the table."""
    os.environ.setdefault("OPENREPLAY_TEST_ES_HEAP", HEAP)
    month = Month(documents, now_ms() // DAY_MS * DAY_MS)
    rows: list[Row] = []
    with ElasticsearchServer.start(major) as server:
        command(server, "setup", "--yes")
        for parts in (range(1), range(1, PARTS)):
            count, seconds = load(server.store_url, month, parts)
            rows.append(Row(f"loading {count:,}", "documents/s", count / seconds))
            settle(server)
            rows += measured(server, month, range(parts.stop))
        rows += merged(server, month)
        rows += pruned(server)
    return rows


def settle(server: ElasticsearchClient) -> None:
    """Refresh, and wait until Elasticsearch has ended the merges that it began by itself."""
    server.expect("POST", "/logs/_refresh")
    deadline = time.monotonic() + 600
    while server.expect("GET", "/logs/_stats/merge")["_all"]["total"]["merges"]["current"]:
        assert time.monotonic() < deadline
        time.sleep(1)
    server.expect("POST", "/logs/_refresh")


def measured(server: ElasticsearchClient, month: Month, parts: range) -> list[Row]:
    """Ask everything of a loaded and settled month; the rows begin with its number of records."""
    chance = random.Random(parts.stop)
    visits = [visit for day in range(DAYS) for visit in month.visits(day, parts)]
    chance.shuffle(visits)
    expected = {visit.session_id: visit.records for visit in visits}
    asking = _Asking(server)
    rows = _sizes(server)
    records = rows[0].ours

    def logs(number: int) -> None:
        session = visits[number % len(visits)].session_id
        assert len(list(asking.logs.logs(session))) == expected[session]

    def overview(number: int) -> None:
        session = visits[(number + 200) % len(visits)].session_id
        found = asking.logs.overview(session)
        assert found is not None
        assert sum(share.records for share in found.shares) == expected[session]

    def sessions(days: int, limit: int | None, *, errors: bool) -> Callable[[int], None]:
        def ask(number: int) -> None:
            since, until = _span(month, days, number)
            found = list(
                asking.logs.sessions(errors_only=errors, since=since, until=until, limit=limit)
            )
            assert found or errors

        return ask

    rows += asking.compare("a session's records, SessionLogs.logs", logs, LOOKUPS)
    rows += asking.compare("SessionLogs.overview of a session", overview, LOOKUPS)
    for name, days in (("a day", 1), ("the month", DAYS)):
        rows += asking.compare(
            f"newest {FEW} sessions with errors of {name}", sessions(days, FEW, errors=True)
        )
        rows += asking.compare(
            f"all sessions with errors of {name}", sessions(days, None, errors=True)
        )
        rows += asking.compare(
            f"newest {FEW} sessions of {name}", sessions(days, FEW, errors=False)
        )
    asking.close()
    rows += _openreplay(server, "OpenReplay's own request", visits[-LOOKUPS:])
    rows += _commands(server, month)
    node = next(iter(server.expect("GET", "/_nodes/stats/jvm")["nodes"].values()))
    rows.append(Row("heap in use", "MB", node["jvm"]["mem"]["heap_used_in_bytes"] / 1e6))
    return [replace(row, what=f"{records:,.0f}: {row.what}") for row in rows]


def merged(server: ElasticsearchClient, month: Month) -> list[Row]:
    """Merge a past day to one segment; what it was before and is after it."""
    visits = month.visits(MERGED_DAY)
    day = datetime.fromtimestamp(month.day_ms(MERGED_DAY) / 1000, timezone.utc)
    index = f"openreplay-logs-{day:%Y.%m.%d}"
    rows: list[Row] = []
    for when in ("before", "after"):
        if when == "after":
            began = time.perf_counter()
            server.expect("POST", f"/{index}/_forcemerge?max_num_segments=1")
            rows.append(Row("merging a day", "s", time.perf_counter() - began))
            settle(server)
        segments, size, records = _index_sizes(server)[index]
        rows += [
            Row(f"a day's segments {when} merging it", "", segments),
            Row(f"a day's bytes a record {when} merging it", "B", size / records),
        ]
        rows += _openreplay(server, f"OpenReplay's own request {when} merging", visits[:LOOKUPS])
    return rows


def pruned(server: ElasticsearchClient) -> list[Row]:
    """Delete the oldest days one by one."""
    taken: list[float] = []
    for number in range(1, PRUNED_DAYS + 1):
        before = len(_index_sizes(server))
        taken.append(command(server, "prune", "--retention", f"{DAYS - number}d", "--yes"))
        assert len(_index_sizes(server)) == before - 1
    return [Row(f"deleting a day, prune; the slowest of {PRUNED_DAYS}", "ms", max(taken))]


def command(server: ElasticsearchClient, *arguments: str) -> float:
    """Run our command on the server; returns the milliseconds of its process."""
    program = Path(sys.executable).with_name("openreplay-otel")
    # As users have it: with compiled modules beside the sources.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    began = time.perf_counter()
    subprocess.run(
        [program, *arguments],
        env={**environ, "OPENREPLAY_OTEL_STORE": server.store_url},
        capture_output=True,
        check=True,
    )
    return (time.perf_counter() - began) * 1000


def _index_sizes(server: ElasticsearchClient) -> dict[str, tuple[int, int, int]]:
    """Segments, bytes and records of the primary shard of each day's index."""
    stats = server.expect("GET", "/openreplay-logs-*/_stats/segments,store,docs")["indices"]
    return {
        index: (
            of["primaries"]["segments"]["count"],
            of["primaries"]["store"]["size_in_bytes"],
            of["primaries"]["docs"]["count"],
        )
        for index, of in stats.items()
    }


def _sizes(server: ElasticsearchClient) -> list[Row]:
    days = list(_index_sizes(server).values())
    size = sum(day[1] for day in days)
    records = sum(day[2] for day in days)
    return [
        Row("records of sessions", "", records),
        Row("indexes, each of one shard", "", len(days)),
        Row("on disk", "MB", size / 1e6),
        Row("bytes a record on disk", "B", size / records),
        Row("MB a day", "MB", size / len(days) / 1e6),
        Row("segments a day, in the middle", "", statistics.median(day[0] for day in days)),
        Row("segments a day, the most", "", max(day[0] for day in days)),
    ]


def _span(month: Month, days: int, number: int) -> tuple[datetime, datetime]:
    """Another time for each question: a day by turns, or the month from some minutes later on."""
    begin = month.day_ms(number % DAYS) if days == 1 else month.day_ms(0)
    since = datetime.fromtimestamp(begin / 1000, timezone.utc) + timedelta(minutes=number)
    return since, since + timedelta(days=days)


def _openreplay(server: ElasticsearchClient, what: str, visits: Sequence[Visit]) -> list[Row]:
    key = reader_key(server)
    taken: list[float] = []
    back = 0
    for number, visit in enumerate(visits):
        began = time.perf_counter()
        hits = search_as_v1_21(server, key, visit.session_id)
        if number >= WARM_UP:
            taken.append((time.perf_counter() - began) * 1000)
        assert len(hits) == visit.records
        back += sum(
            a["_source"]["@timestamp"] > b["_source"]["@timestamp"] for a, b in pairwise(hits)
        )
    return [
        Row(f"{what}, p50", "ms", _percentile(taken, 50)),
        Row(f"{what}, p95", "ms", _percentile(taken, 95)),
        Row(f"{what}, steps back in {len(visits)} sessions", "", back),
    ]


def _commands(server: ElasticsearchClient, month: Month) -> list[Row]:
    rows: list[Row] = []
    starts = [command(server, "--version") for _ in range(QUESTIONS)]
    for name, days in (("a day", 1), ("the month", DAYS)):
        for errors in ((), ("--errors",)):
            taken: list[float] = []
            for number in range(QUESTIONS):
                since, until = (
                    f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in _span(month, days, number + 100)
                )
                taken.append(
                    command(server, "sessions", *errors, "--since", since, "--until", until)
                )
            what = " ".join(["command sessions", *errors])
            rows += [
                Row(
                    f"{what} of {name}, p{part}",
                    "ms",
                    _percentile(taken, part),
                    _percentile(starts, part),
                )
                for part in (50, 95)
            ]
    return rows


def _percentile(values: Sequence[float], part: int) -> float:
    """The smallest value that so many of a hundred do not exceed."""
    return sorted(values)[math.ceil(len(values) * part / 100) - 1]


class _Asking:
    """``SessionLogs`` beside the raw requests that it sends.

    Attributes:
        logs: Looks up, and has its requests noted.
    """

    def __init__(self, server: ElasticsearchClient) -> None:
        key = server.create_api_key("benchmark")["encoded"]
        parts = urlsplit(server.url)
        assert parts.hostname is not None
        self._raw = http.client.HTTPConnection(parts.hostname, parts.port, timeout=300)
        self._headers = {"Authorization": f"ApiKey {key}", "Content-Type": "application/json"}
        self.logs = SessionLogs(server.url, api_key=key)
        store = self.logs.store
        assert isinstance(store, ElasticsearchStore)
        self._noted: list[tuple[str, str, bytes]] = []
        store.connection.request = self._noting(store.connection.request)

    def compare(self, what: str, ask: Callable[[int], None], runs: int = QUESTIONS) -> list[Row]:
        """Ask by number, each time followed by the same raw requests."""
        ours: list[float] = []
        raw: list[float] = []
        for number in range(WARM_UP + runs):
            self._noted.clear()
            began = time.perf_counter()
            ask(number)
            asked = time.perf_counter()
            for method, path, body in self._noted:
                self._send(method, path, body)
            if number >= WARM_UP:
                ours.append((asked - began) * 1000)
                raw.append((time.perf_counter() - asked) * 1000)
        ratio = Ratio.of([a / b for a, b in zip(ours, raw, strict=True)])
        return [
            Row(f"{what}, p{part}", "ms", _percentile(ours, part), _percentile(raw, part), ratio)
            for part in (50, 95)
        ]

    def close(self) -> None:
        """Close both connections."""
        self.logs.close()
        self._raw.close()

    def _send(self, method: str, path: str, body: bytes) -> None:
        # An answer without hits is kept by Elasticsearch; asked again, it would cost nothing.
        fresh = f"{path}&request_cache=false" if b'"size":0' in body else path
        self._raw.request(method, fresh, body, self._headers)
        answer = self._raw.getresponse()
        content = answer.read()
        assert answer.status == http.client.OK, content[:2000]
        orjson.loads(content)

    def _noting(self, request: Callable[..., Response]) -> Callable[..., Response]:
        def noting(method: str, path: str, body: object = None, **more: Any) -> Response:
            self._noted.append((method, path, orjson.dumps(body)))
            return request(method, path, body, **more)

        return noting
