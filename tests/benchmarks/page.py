"""``page``: how long the page's first answer takes, beside the store's own query, on both stores.

A million records of five thousand sessions (see ``loading.Traffic``); one record in fifty is an error, so that
most sessions have errors. The page is the command ``openreplay-otel serve`` in a process of its own, asked over a
kept connection; the query is the same call of ``SessionLogs`` in this process, over a store of its own, its figures
read. Three pages: sessions with errors (the first page), all sessions, the records of one session.

Then fifty viewers at once: each asks for the first page over a connection of its own, and the time until the last one
has it stands beside fifty threads that make the query at once.

Limits: one machine, on which Elasticsearch, the page and the asking process share the processors; short records.
The smaller a query is, the larger the part that HTTP, templates and the way between threads take.
"""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from openreplay_otel import SessionLogs, Settings, open_store
from openreplay_otel.session import Session
from openreplay_otel.viewer.pages import RECORDS as RECORDS_OF_PAGE
from openreplay_otel.viewer.pages import SESSIONS
from openreplay_otel.viewer.strip import BINS, span_of
from tests.benchmarks.loading import Traffic
from tests.benchmarks.measuring import Rounds, turns
from tests.benchmarks.report import Row
from tests.emitting import now_ms
from tests.servers.elasticsearch import ElasticsearchServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from openreplay_otel import Store

ROUNDS = 11
ASKED = 20
"""How often a side is asked in a round."""
VIEWERS = 50
AIM = 1.5
_LINKS = {"app_url": "https://openreplay.example.com", "project_id": "7"}
_SETTINGS = Settings(app_url=_LINKS["app_url"], project_id=7)
_REPORT_EVERY = 100_000


class _What(NamedTuple):
    """A page, and the query behind it."""

    name: str
    path: Callable[[str], str]
    query: Callable[[SessionLogs, str], object]


def _records(lookup: SessionLogs, session_id: str) -> object:
    overview = lookup.overview(session_id)
    assert overview is not None
    since, until = span_of(Session(session_id), overview)
    bins = lookup.histogram(session_id, since=since, until=until, bins=BINS)
    return bins, list(lookup.logs(session_id, limit=RECORDS_OF_PAGE + 1))


_PAGES = (
    _What(
        "sessions with errors",
        lambda _: "/",
        lambda lookup, _: list(lookup.sessions(errors_only=True, limit=SESSIONS + 1)),
    ),
    _What(
        "all sessions",
        lambda _: "/?show=all",
        lambda lookup, _: list(lookup.sessions(limit=SESSIONS + 1)),
    ),
    _What("one session", lambda session_id: f"/session/{session_id}", _records),
)


def run(major: int, documents: int) -> list[Row]:
    """Load both stores and measure; returns the rows of the table."""
    with tempfile.TemporaryDirectory() as folder:
        rows = _measured_on("SQLite", f"sqlite:///{folder}/logs.db", documents)
    print(f"  starting Elasticsearch {major}", file=sys.stderr, flush=True)
    with ElasticsearchServer.start(major) as server:
        rows += _measured_on("Elasticsearch", server.store_url, documents)
    return rows


def _measured_on(kind: str, url: str, documents: int) -> list[Row]:
    traffic = Traffic(documents, now_ms())
    _load(traffic, open_store(url), kind)
    rows: list[Row] = []
    with SessionLogs(url, settings=_SETTINGS) as lookup, _Page(url) as page:
        for what in _PAGES:
            rounds = _side_by_side(page, lookup, what, traffic.sessions)
            rows.append(_row(f"{kind}: {what.name}", rounds))
        rows.append(
            _row(f"{kind}: {VIEWERS} viewers at once, the last answer", _crowd(page, lookup))
        )
    return rows


def _row(what: str, rounds: Rounds) -> Row:
    ratio = rounds.ratio("page", "query")
    return Row(what, "ms", rounds.median("page"), rounds.median("query"), ratio, AIM)


def _load(traffic: Traffic, store: Store, kind: str) -> None:
    store.prepare()
    loaded = 0
    for documents in traffic.documents(_SETTINGS):
        result = store.write(documents, timeout=120)
        assert result.accepted == len(documents), result
        loaded += len(documents)
        if loaded // _REPORT_EVERY > (loaded - len(documents)) // _REPORT_EVERY:
            print(f"  {kind}: loaded {loaded:,}", file=sys.stderr, flush=True)
    store.make_visible()
    store.close()


def _side_by_side(page: _Page, lookup: SessionLogs, what: _What, sessions: Sequence[str]) -> Rounds:
    order = cycle(random.Random(11).sample(sessions, len(sessions)))
    connection = page.connect()
    sides: dict[str, Callable[[str], object]] = {
        "page": lambda session_id: page.get(connection, what.path(session_id)),
        "query": lambda session_id: what.query(lookup, session_id),
    }
    for session_id in islice(order, ASKED):
        for side in sides.values():
            side(session_id)
    rounds = Rounds()
    for number in range(ROUNDS):
        asked = list(islice(order, ASKED))
        for name in turns([*sides], number):
            began = time.perf_counter()
            for session_id in asked:
                sides[name](session_id)
            rounds.add(name, (time.perf_counter() - began) / ASKED * 1000)
    connection.close()
    return rounds


def _crowd(page: _Page, lookup: SessionLogs) -> Rounds:
    first = _PAGES[0]
    connections = [page.connect() for _ in range(VIEWERS)]
    sides: dict[str, list[Callable[[], object]]] = {
        "page": [lambda c=c: page.get(c, first.path("")) for c in connections],
        "query": [lambda: first.query(lookup, "")] * VIEWERS,
    }
    rounds = Rounds()
    for number in range(-1, ROUNDS):
        for name in turns([*sides], number + 1):
            taken = _at_once(sides[name])
            if number >= 0:
                rounds.add(name, taken)
    for connection in connections:
        connection.close()
    return rounds


def _at_once(calls: Sequence[Callable[[], object]]) -> float:
    """Milliseconds until the last of the calls, begun together, has ended."""
    gate = threading.Barrier(len(calls) + 1)
    failed: list[BaseException] = []

    def work(call: Callable[[], object]) -> None:
        gate.wait()
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    taken = (time.perf_counter() - began) * 1000
    if failed:
        raise failed[0]
    return taken


class _Page:
    """The command, in a process of its own."""

    def __init__(self, url: str) -> None:
        links = [
            word
            for name, value in _LINKS.items()
            for word in (f"--{name.replace('_', '-')}", value)
        ]
        program = [sys.executable, "-m", "openreplay_otel.cli.main", "serve", "--port", "0"]
        self._process = subprocess.Popen(
            [*program, "--store", url, *links],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        assert self._process.stderr is not None
        first = self._process.stderr.readline()
        assert " is shown at " in first, first
        self._port = urlsplit(first.split()[-1]).port

    def __enter__(self) -> _Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)

    def get(self, connection: http.client.HTTPConnection, path: str) -> None:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        assert response.status == http.client.OK, body[:2000]
        # A page with nothing on it would be quick, too.
        assert body.count(b'<li class="record') + body.count(b'class="item"') >= 20
