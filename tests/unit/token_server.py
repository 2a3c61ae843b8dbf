"""A small shop behind a real WSGI server; the tests look for tokens in all that it lets out.

Not a test: run as ``python -m tests.unit.token_server STORE``; says its port on stdout and ends at /stop.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import make_server

from opentelemetry import baggage, context, propagate, trace
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import openreplay_otel
from openreplay_otel.context import session_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
log = logging.getLogger("shop")
spans = InMemorySpanExporter()
tracing = TracerProvider()
tracing.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(tracing)
pipeline = openreplay_otel.configure(sys.argv[1], service_name="shop")


def errors_about(value: str) -> list[str]:
    """What the package says of a value where another one belongs."""
    said = []
    for use in (
        openreplay_otel.Session,
        lambda v: openreplay_otel.Session.parse(v + "!"),
        lambda v: openreplay_otel.Session("7").replay_url(v, 5),
        lambda v: openreplay_otel.Session("7").replay_url("https://x.example", v),
        openreplay_otel.open_store,
        lambda v: openreplay_otel.Settings.load({}, project_id=v),
        lambda v: openreplay_otel.Settings.load({}, token_secret=[v]),  # pyright: ignore[reportArgumentType]
        lambda v: openreplay_otel.SessionLogs(pipeline.store).logs("7", level=v),
        lambda v: openreplay_otel.Settings.load({"OPENREPLAY_OTEL_PROJECT_ID": v}),
    ):
        try:
            said.append(repr(use(value)))
        except openreplay_otel.OpenReplayError as error:
            said.append(repr(error))
    return said


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Logs at every level, fails, calls another service, and shows what it knows."""
    if environ["PATH_INFO"] == "/fail":
        log.error("about to fail")
        raise RuntimeError("the checkout failed")
    outgoing: dict[str, str] = {}
    propagate.inject(outgoing)
    sent = [v for k, v in environ.items() if k.startswith("HTTP_") and "." in str(v)]
    found = {
        "session": session_id_of(),
        "baggage": dict(baggage.get_all()),
        "outgoing": outgoing,
        "context": repr(context.get_current()),
        "parsed": [repr(openreplay_otel.SessionToken.parse_or_none(v)) for v in sent],
        "errors": [errors_about(v) for v in sent if ":" not in v],
        "reprs": [
            repr(thing)
            for thing in (
                pipeline,
                pipeline.settings,
                pipeline.processor,
                pipeline.store,
                pipeline.processor.counts,
                openreplay_otel.Settings.load(),
                propagate.get_global_textmap(),
                openreplay_otel.OpenReplayLogRecordProcessor(),
                openreplay_otel.SessionLogs(pipeline.store),
                openreplay_otel.AsyncSessionLogs(pipeline.store),
            )
        ],
        "spans": [span.to_json() for span in spans.get_finished_spans()],
    }
    log.debug("looking")
    log.info("hello %s", environ["PATH_INFO"])
    try:
        raise ValueError("bad card")
    except ValueError:
        log.exception("payment failed")
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(found).encode()]


def serve() -> None:
    """Answer requests until /stop."""
    going_on = True

    def stoppable(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        nonlocal going_on
        going_on = environ["PATH_INFO"] != "/stop"
        return instrumented(environ, start_response)

    instrumented = OpenTelemetryMiddleware(app)
    with make_server("127.0.0.1", 0, stoppable) as server:
        print(server.server_port, flush=True)
        while going_on:
            server.handle_request()
    pipeline.shutdown()


if __name__ == "__main__":
    serve()
