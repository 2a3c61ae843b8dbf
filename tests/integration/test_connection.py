"""Connections to a real Elasticsearch: what goes wrong gives one clear sentence, and leaves no trace of its own."""

from __future__ import annotations

import contextlib
import http.server
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from openreplay_otel import (
    OpenReplayLogExporter,
    SessionLogs,
    StoreAccessError,
    StoreError,
    StoreLayoutError,
    StoreUnavailableError,
    open_store,
)
from openreplay_otel.stores.base import Document
from tests.emitting import App, now_ms, session_id_begun_at
from tests.servers.elasticsearch import ElasticsearchServer

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytestmark = pytest.mark.integration


def read(url: str, **arguments: Any) -> None:
    """Look a session up, as a person with these settings would."""
    list(SessionLogs(url, **arguments).logs(session_id_begun_at(now_ms())))


@contextlib.contextmanager
def answering(body: bytes, **headers: str) -> Generator[str]:
    """A web server that answers everything alike, and its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_each_wrong_thing_gives_one_sentence(es: ElasticsearchServer) -> None:
    """Password, key, privilege, scheme, port, other server: named each, with no secret in the text."""
    wrong = es.url.replace("://", "://elastic:wrong-password@")
    with pytest.raises(StoreAccessError, match="does not accept the credentials") as caught:
        read(wrong)
    assert "wrong-password" not in f"{caught.value}{caught.value!r}"
    with pytest.raises(StoreAccessError, match="no credentials were given"):
        read(es.url)
    with pytest.raises(StoreAccessError, match="they are wrong"):
        read(es.url, api_key="not:akey")
    powerless = es.create_api_key(
        f"none-{time.time_ns()}", {"none": {"cluster": [], "indices": []}}
    )
    with pytest.raises(StoreAccessError, match="a privilege is missing"):
        read(es.url, api_key=powerless["encoded"])
    with pytest.raises(StoreError, match=r"cannot be reached|does not speak TLS"):
        read(es.url.replace("http://", "https://"))
    with pytest.raises(StoreUnavailableError, match="nothing listens there"):
        read("http://127.0.0.1:1")
    with pytest.raises(StoreUnavailableError, match="cannot be resolved"):
        read("http://no-such-host.invalid:9200")
    with (
        answering(b"{}") as proxy,
        pytest.raises(StoreLayoutError, match="is not Elasticsearch 8 or 9"),
    ):
        read(proxy)


def test_an_old_server_is_named_with_its_version() -> None:
    """Elasticsearch 7 has the product header too; preparing it says which versions are needed."""
    body = b'{"version": {"number": "7.17.9"}}'
    with (
        answering(body, x_elastic_product="Elasticsearch") as old,
        pytest.raises(
            StoreLayoutError, match=r"is Elasticsearch 7\.17\.9; this package needs 8 or 9"
        ),
    ):
        open_store(old).prepare()


def test_a_missing_index_is_no_error(es: ElasticsearchServer) -> None:
    """On an empty cluster a lookup finds nothing."""
    assert list(SessionLogs(es.store_url).logs(session_id_begun_at(now_ms()))) == []
    assert list(SessionLogs(es.store_url).sessions()) == []


def test_several_hosts_survive_one_that_is_down(es: ElasticsearchServer) -> None:
    """With one of two hosts away, records are stored and found."""
    session = session_id_begun_at(now_ms())
    app = App()
    app.log(session, "hello")
    exporter = OpenReplayLogExporter(f"{es.store_url},http://127.0.0.1:1")
    for _ in range(4):
        assert exporter.export(app.take()) is LogRecordExportResult.SUCCESS
        assert exporter.force_flush()
    exporter.store.make_visible()
    assert len(list(SessionLogs(exporter.store).logs(session))) == 1
    exporter.shutdown()


def test_refused_documents_are_named_and_the_others_stored(
    es: ElasticsearchServer, caplog: pytest.LogCaptureFixture
) -> None:
    """One document in a request that no mapping takes: its reason is given, the rest is there, without its value."""
    store = open_store(es.store_url)
    store.prepare()
    good = (
        b'{"@timestamp":"2026-01-01T00:00:00.000000Z","message":"m","openreplay.session.id":"%d"}'
    )
    documents = [Document("openreplay-logs-2026.01.01", f"id{n}", good % n) for n in range(9)]
    odd = b'{"@timestamp":"2026-01-01T00:00:00.000000Z","message":{"secret-value":{}}}'
    documents.insert(4, Document("openreplay-logs-2026.01.01", "odd", odd))
    result = store.write(documents)
    assert (result.accepted, len(result.refused)) == (9, 1)
    refused = result.refused[0]
    assert (refused.document.id, refused.status) == ("odd", 400)
    assert "document_parsing_exception" in refused.reason
    assert "secret-value" not in refused.reason + caplog.text
    assert (store.write(documents).known, store.write(documents[:3]).accepted) == (9, 0)
    store.close()


def test_requests_are_bounded_and_may_be_compressed(es: ElasticsearchServer) -> None:
    """A batch larger than the bound goes out in several requests, with gzip too, and arrives whole."""
    session = session_id_begun_at(now_ms())
    app = App()
    for n in range(300):
        app.log(session, "line %d %s", n, "x" * 500)
    exporter = OpenReplayLogExporter(es.store_url, request_max_bytes=20_000, http_compress=True)
    assert exporter.export(app.take()) is LogRecordExportResult.SUCCESS
    assert exporter.force_flush()
    exporter.store.make_visible()
    assert len(list(SessionLogs(exporter.store).logs(session))) == 300
    exporter.shutdown()


def test_its_own_traffic_makes_no_records_and_no_spans(
    es: ElasticsearchServer, caplog: pytest.LogCaptureFixture
) -> None:
    """With everything logged at DEBUG and every HTTP client traced, an export and a lookup leave nothing."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    previous = trace._TRACER_PROVIDER
    trace._TRACER_PROVIDER = provider
    caplog.set_level(logging.DEBUG)
    try:
        session = session_id_begun_at(now_ms())
        app = App()
        app.log(session, "hello")
        caplog.clear()
        exporter = OpenReplayLogExporter(es.store_url)
        assert exporter.export(app.take()) is LogRecordExportResult.SUCCESS
        assert exporter.force_flush()
        exporter.store.make_visible()
        assert len(list(SessionLogs(exporter.store).logs(session))) == 1
        exporter.shutdown()
    finally:
        trace._TRACER_PROVIDER = previous
    assert [(r.name, r.getMessage()) for r in caplog.records if r.levelno >= logging.DEBUG] == []
    assert spans.get_finished_spans() == ()


def test_tls_needs_the_right_authority(tls_elasticsearch: ElasticsearchServer) -> None:
    """A TLS connection with the server's own authority works; without it the sentence names the setting."""
    url = tls_elasticsearch.store_url
    with pytest.raises(StoreAccessError, match="is not trusted: name its authority with ca_certs"):
        read(url)
    read(url, ca_certs=str(tls_elasticsearch.ca_path))
    read(url, verify_certs=False)
    plain = url.replace("https://", "http://")
    with pytest.raises(StoreUnavailableError, match="cannot be reached"):
        read(plain)


@pytest.fixture
def tls_elasticsearch(elasticsearch: ElasticsearchServer) -> Iterator[ElasticsearchServer]:
    """A server with TLS, of the version that the other tests use."""
    server = ElasticsearchServer.start(elasticsearch.major, tls=True)
    yield server
    server.stop()
