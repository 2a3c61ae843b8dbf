"""The app's own Elasticsearch clients, synchronous and asynchronous, of both majors, on a real Elasticsearch."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch
from opentelemetry.sdk._logs.export import LogRecordExportResult

from openreplay_otel import (
    AsyncSessionLogs,
    OpenReplayLogExporter,
    SessionLogs,
    StoreAccessError,
    StoreUnavailableError,
    open_store,
)
from tests.emitting import App, now_ms, session_id_begun_at
from tests.openreplay_readers import reader_key, search_as_v1_21, writer_key
from tests.servers.elasticsearch import ElasticsearchServer

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.integration

AUTHENTICATION: dict[str, Callable[[ElasticsearchServer], dict[str, Any]]] = {
    "user and password": lambda es: {"basic_auth": (es.user, es.password)},
    "encoded key": lambda es: {"api_key": es.create_api_key("own")["encoded"]},
    "id and key": lambda es: {"api_key": _id_and_key(es)},
    "header": lambda es: {
        "headers": {"Authorization": f"ApiKey {es.create_api_key('h')['encoded']}"}
    },
    "URL": lambda es: {"hosts": es.store_url},
}


def _id_and_key(es: ElasticsearchServer) -> tuple[str, str]:
    made = es.create_api_key("own")
    return made["id"], made["api_key"]


class Forbidden(concurrent.futures.ThreadPoolExecutor):
    """Where a loop's threads would come from."""

    def submit(self, *_: Any, **__: Any) -> Any:
        """No."""
        raise AssertionError("a thread was asked for")


def is_open(answer: Any) -> bool:
    """Whether a client still sends; without the credentials, if they are in none of its addresses."""
    return answer.meta.status in {200, 401}


def emit(target: Any, session: str, lines: int, *, service: str = "shop") -> None:
    """Store lines of a session, every tenth an error."""
    app = App(service)
    for n in range(lines):
        app.log(session, "line %d", n, level=40 if n % 10 == 9 else 20, at_ms=now_ms() + n)
    exporter = OpenReplayLogExporter(target)
    assert exporter.export(app.take()) is LogRecordExportResult.SUCCESS
    assert exporter.force_flush()
    exporter.store.make_visible()
    exporter.shutdown()


async def all_of(logs: AsyncSessionLogs, session: str) -> dict[str, Any]:
    """Every kind of lookup."""
    day = timedelta(days=1)
    now = datetime.now(timezone.utc)
    return {
        "logs": [entry async for entry in logs.logs(session)],
        "errors": [entry async for entry in logs.logs(session, errors_only=True)],
        "last": [entry async for entry in logs.logs(session, limit=3, from_end=True)],
        "first": [entry async for entry in logs.logs(session, limit=3)],
        "sessions": [summary async for summary in logs.sessions()],
        "overview": await logs.overview(session),
        "histogram": await logs.histogram(session, since=now - day, until=now + day, bins=5),
        "services": await logs.services(),
    }


@pytest.mark.parametrize("way", AUTHENTICATION)
def test_a_client_is_taken_with_its_authentication(es: ElasticsearchServer, way: str) -> None:
    """However it was given: records are delivered and found, synchronously and asynchronously, as by the URL."""
    options = {"hosts": es.url, **AUTHENTICATION[way](es)}
    session = session_id_begun_at(now_ms())
    with Elasticsearch(**options) as client:
        emit(client, session, 20)
        found = list(SessionLogs(client).logs(session))
        assert is_open(client.transport.perform_request("GET", "/"))
    assert [entry.message for entry in found] == [f"line {n}" for n in range(20)]
    assert found == list(SessionLogs(es.store_url).logs(session))

    async def by_await() -> list[Any]:
        async with AsyncElasticsearch(**options) as asynchronous:
            async with AsyncSessionLogs(asynchronous) as logs:
                entries = [entry async for entry in logs.logs(session)]
            assert is_open(await asynchronous.transport.perform_request("GET", "/"))
            return entries

    assert asyncio.run(by_await()) == found


def test_options_of_a_client_count(es: ElasticsearchServer) -> None:
    """A copy by ``options()`` has its own key, timeout and headers; a derived class is a client as well."""

    class Derived(Elasticsearch):
        pass

    session = session_id_begun_at(now_ms())
    emit(es.store_url, session, 3)
    bare = Derived(es.url)
    with pytest.raises(StoreAccessError, match=r"no credentials were given.*basic_auth="):
        list(SessionLogs(bare).logs(session))
    assert len(list(SessionLogs(bare.options(api_key=reader_key(es))).logs(session))) == 3
    with pytest.raises(StoreAccessError, match="they are wrong") as caught:
        list(SessionLogs(bare.options(basic_auth=("elastic", "wrong-password"))).logs(session))
    assert "wrong-password" not in f"{caught.value!r}{SessionLogs(bare).store!r}"
    bare.close()


def test_the_timeout_of_a_client_counts() -> None:
    """Of the client, or of a copy by ``options()``; nobody waits longer, with asyncio neither."""
    session = session_id_begun_at(now_ms())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for client in (
            Elasticsearch(url, request_timeout=0.2),
            Elasticsearch(url, request_timeout=3600).options(request_timeout=0.2),
        ):
            with client, pytest.raises(StoreUnavailableError, match="did not answer in time"):
                list(SessionLogs(client).logs(session))

        async def by_await() -> None:
            async with AsyncElasticsearch(url, request_timeout=3600) as client:
                await AsyncSessionLogs(client.options(request_timeout=0.2)).overview(session)

        with pytest.raises(StoreUnavailableError, match="did not answer in time"):
            asyncio.run(by_await())


def test_all_lookups_are_the_same_without_threads(es: ElasticsearchServer) -> None:
    """Over 1,000 records and several sessions, an awaited client gives what the threads give, and uses none."""
    began = now_ms() - 60_000
    sessions = [session_id_begun_at(began, n) for n in range(3)]
    emit(es.store_url, sessions[0], 2500)
    for number, session in enumerate(sessions[1:]):
        emit(es.store_url, session, 30, service=f"service-{number}")

    async def by_await() -> dict[str, Any]:
        asyncio.get_running_loop().set_default_executor(Forbidden())
        async with AsyncElasticsearch(es.url, basic_auth=(es.user, es.password)) as client:
            # aiohttp looks addresses up in a thread, ours is a number.
            return await all_of(AsyncSessionLogs(client), sessions[0])

    async def in_threads() -> dict[str, Any]:
        async with AsyncSessionLogs(es.store_url) as logs:
            return await all_of(logs, sessions[0])

    async def by_client_in_threads() -> dict[str, Any]:
        with Elasticsearch(es.store_url) as client:
            return await all_of(AsyncSessionLogs(client), sessions[0])

    awaited = asyncio.run(by_await())
    assert len(awaited["logs"]) == 2500
    assert len(awaited["sessions"]) == 3
    assert awaited["services"] == ["service-0", "service-1", "shop"]
    assert awaited == asyncio.run(in_threads())
    assert awaited == asyncio.run(by_client_in_threads())


@pytest.mark.parametrize("mode", ["sync", "sync in a loop", "async"])
def test_a_lookup_that_is_given_up_leaves_nothing_open(es: ElasticsearchServer, mode: str) -> None:
    """After the first of 2,500 records Elasticsearch has no open search."""
    session = session_id_begun_at(now_ms())
    emit(es.store_url, session, 2500)

    async def by_await() -> None:
        async with AsyncElasticsearch(es.store_url) as client:
            entries: Any = AsyncSessionLogs(client).logs(session)
            assert (await anext(entries)).message == "line 0"
            assert open_searches(es) == 1
            await entries.aclose()

    def at_once() -> None:
        with Elasticsearch(es.store_url) as client, SessionLogs(client) as logs:
            entries: Any = logs.logs(session)
            assert next(entries).message == "line 0"
            assert open_searches(es) == 1
            entries.close()

    async def in_a_loop() -> None:
        at_once()

    {"sync": at_once, "async": lambda: asyncio.run(by_await())}.get(
        mode, lambda: asyncio.run(in_a_loop())
    )()
    assert open_searches(es) == 0


def open_searches(es: ElasticsearchServer) -> int:
    """Scrolls that are not ended."""
    answer = es.expect("GET", "/_nodes/stats/indices/search")
    return sum(node["indices"]["search"]["open_contexts"] for node in answer["nodes"].values())


def test_a_host_that_is_away_is_no_matter(es: ElasticsearchServer) -> None:
    """Of two hosts of a client one is away: everything is delivered and found, and the store has one name."""
    hosts = ["http://127.0.0.1:1", es.url]
    session = session_id_begun_at(now_ms())
    names: set[str] = set()
    for _ in range(6):
        with Elasticsearch(hosts, basic_auth=(es.user, es.password)) as client:
            emit(client, session, 1)
            store = open_store(client)
            names.add(store.name)
            store.close()
    assert names == {f"{hosts[0]},{hosts[1]}"}

    async def count() -> int:
        async with AsyncElasticsearch(hosts, basic_auth=(es.user, es.password)) as client:
            return len([entry async for entry in AsyncSessionLogs(client).logs(session)])

    assert asyncio.run(count()) == 6


def test_tls_is_the_clients(es: ElasticsearchServer) -> None:
    """Its authority counts; without one the sentence says what to give to the client."""
    with ElasticsearchServer.start(es.major, tls=True) as secured:
        session = session_id_begun_at(now_ms())
        access: dict[str, Any] = {"basic_auth": (secured.user, secured.password)}
        with Elasticsearch(secured.url, ca_certs=str(secured.ca_path), **access) as client:
            emit(client, session, 2)
            assert len(list(SessionLogs(client).logs(session))) == 2
        with (
            Elasticsearch(secured.url, **access) as client,
            pytest.raises(StoreAccessError, match=r"not trusted.*ca_certs= or ssl_context="),
        ):
            list(SessionLogs(client).logs(session))

        async def by_await(**options: Any) -> int:
            async with AsyncElasticsearch(secured.url, **access, **options) as client:
                return len([entry async for entry in AsyncSessionLogs(client).logs(session)])

        assert asyncio.run(by_await(ca_certs=str(secured.ca_path))) == 2
        with pytest.raises(StoreAccessError, match="not trusted"):
            asyncio.run(by_await())


APP = """
import logging, os, sys
from elasticsearch import Elasticsearch
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
import openreplay_otel

spans = InMemorySpanExporter()
tracing = TracerProvider(sampler=ALWAYS_ON)
tracing.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(tracing)
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
url, key, session = sys.argv[1:]
client = Elasticsearch(url, api_key=key)
pipeline = openreplay_otel.configure(client, service_name="shop", spool_dir=os.environ["SPOOL"])
with openreplay_otel.use_session(session):
    logging.warning("before the fork")
assert pipeline.force_flush()
child = os.fork()
with openreplay_otel.use_session(session):
    logging.warning("in the child" if child == 0 else "in the parent")
assert pipeline.force_flush()
if child == 0:
    sys.stderr.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
client.close()
with openreplay_otel.use_session(session):
    logging.warning("after the client was closed")
pipeline.shutdown()
again = Elasticsearch(url, api_key=key)
ours = len(spans.get_finished_spans())
try:
    again.perform_request("GET", "/")
except Exception:
    pass
print(ours, len(spans.get_finished_spans()), flush=True)
"""


def test_deliveries_by_a_client_make_no_spans_and_outlive_forks_and_its_end(
    es: ElasticsearchServer, tmp_path: Any
) -> None:
    """With every span kept and DEBUG on, the app's own request alone is seen; each record arrives once."""
    open_store(es.store_url).prepare()
    session = session_id_begun_at(now_ms())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", APP, es.url, writer_key(es), session],
        env={**os.environ, "SPOOL": str(tmp_path / "spool")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "1"]
    assert "_bulk" not in done.stderr
    es.expect("POST", "/openreplay-logs-*/_refresh")
    hits = search_as_v1_21(es, reader_key(es), session)
    assert sorted(hit["_source"]["message"].partition("] ")[2] for hit in hits) == [
        "after the client was closed",
        "before the fork",
        "in the child",
        "in the parent",
    ]


def test_nobody_listens_gives_one_sentence() -> None:
    """Synchronously and asynchronously, with the address."""
    expected = "http://127.0.0.1:1 cannot be reached: nothing listens there"
    session = session_id_begun_at(time.time_ns() // 1_000_000)
    with (
        Elasticsearch("http://127.0.0.1:1") as client,
        pytest.raises(StoreUnavailableError, match=expected),
    ):
        list(SessionLogs(client).logs(session))

    async def by_await() -> None:
        async with AsyncElasticsearch("http://127.0.0.1:1") as client:
            await AsyncSessionLogs(client).services()

    with pytest.raises(StoreUnavailableError, match=expected):
        asyncio.run(by_await())
