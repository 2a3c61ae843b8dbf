"""Exceptions on spans become error records of the session."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import use_span

from openreplay_otel import SessionLogs
from tests.collector.reading import wait_for
from tests.emitting import now_ms, session_id_begun_at
from tests.openreplay_readers import check_panel_rules, reader_key, search_as_v1_21
from tests.servers.collector import CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Tracer

    from tests.servers.collector import Collector
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration


def test_an_exception_on_a_span_is_found_by_its_session(
    es: ElasticsearchServer, collector: Callable[..., Collector]
) -> None:
    """A service that sends only traces: its exception, with the session of the baggage, is in the panel."""
    running = collector(CONFIG / "traces.yaml")
    session = session_id_begun_at(now_ms() - 60_000)
    provider = TracerProvider(
        resource=Resource({"service.name": "pay", "service.version": "3", "host.name": "web-9"})
    )
    provider.add_span_processor(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))
    exporter = OTLPSpanExporter(endpoint=f"{running.otlp_http}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("pay.web")
    in_session = baggage.set_baggage("openreplay.session.id", session, Context())
    span_id, trace_id = fail(tracer, ConnectionError("the bank hung up"), in_session)
    fail(tracer, ValueError(), Context())
    provider.shutdown()

    found = sorted(wait_for(es, 2).values(), key=lambda one: one["_index"])
    assert [one["_index"][:14] for one in found] == ["logs-openrepla", "openreplay-log"]
    in_the_session = found[1]
    expected = {
        "message": f"[openReplaySession.id={session}] the bank hung up",
        "level": "error",
        "tags": ["error"],
        "error.type": "ConnectionError",
        "error.message": "the bank hung up",
        "openreplay.session.id": session,
        "service.name": "pay",
        "service.version": "3",
        "host.name": "web-9",
        "log.logger": "pay.web",
        "trace.id": f"{trace_id:032x}",
        "span.id": f"{span_id:016x}",
        "labels.http.route": "/pay",
        "labels.span.name": "POST /pay",
    }
    assert {name: in_the_session.get(name) for name in expected} == expected
    assert in_the_session["error.stack_trace"].startswith("Traceback ")
    assert found[0]["message"] == "ValueError"

    seen = search_as_v1_21(es, reader_key(es), session)
    check_panel_rules(seen)
    assert len(seen) == 1
    with SessionLogs(es.store_url) as lookup:
        (entry,) = lookup.logs(session, errors_only=True)
    assert entry.exception is not None
    assert running.complaints() == []


def test_an_exception_through_nested_spans_is_stored_once(
    es: ElasticsearchServer, collector: Callable[..., Collector]
) -> None:
    """Recorded on three spans with three traces of the stack, it is one record; another one is another record."""
    running = collector(CONFIG / "traces.yaml")
    session = session_id_begun_at(now_ms() - 60_000)
    provider = TracerProvider(resource=Resource({"service.name": "pay"}))
    provider.add_span_processor(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))
    exporter = OTLPSpanExporter(endpoint=f"{running.otlp_http}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("pay.web")
    in_session = baggage.set_baggage("openreplay.session.id", session, Context())
    token = attach(in_session)
    try:
        for error in (ConnectionError("the bank hung up"), ValueError("no card")):
            with (
                contextlib.suppress(type(error)),
                tracer.start_as_current_span("POST /pay"),
                tracer.start_as_current_span("charge"),
                tracer.start_as_current_span("ask the bank"),
            ):
                raise error
    finally:
        detach(token)
    fail(tracer, ConnectionError("the bank hung up"), in_session)
    provider.shutdown()

    wait_for(es, 3)
    found = wait_for(es, 4, seconds=4).values()
    assert sorted((one["error.type"], one["error.message"]) for one in found) == [
        ("ConnectionError", "the bank hung up"),
        ("ConnectionError", "the bank hung up"),
        ("ValueError", "no card"),
    ]
    assert running.complaints() == []


def fail(tracer: Tracer, error: Exception, context: Context) -> tuple[int, int]:
    """Fail in a span; returns its id and its trace's."""
    span = tracer.start_span("POST /pay", context=context, attributes={"http.route": "/pay"})
    try:
        with use_span(span, end_on_exit=True):
            raise error
    except type(error):
        pass
    return span.get_span_context().span_id, span.get_span_context().trace_id
