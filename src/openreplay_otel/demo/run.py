"""Runs the demo: the shop behind a socket, instrumented as any app would be, and its visitors."""

from __future__ import annotations

import contextlib
import logging
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider

from ..errors import SettingsError, StoreError
from ..export import DurableLogRecordProcessor
from ..pipeline import configure
from .shop import Shop
from .visitors import let_visit, make_visitors

if TYPE_CHECKING:
    from collections.abc import Generator

    from _typeshed.wsgi import WSGIApplication

_LOOPBACK: Final = "127.0.0.1"
_POLL_SECONDS: Final = 0.02
SERVICE_NAME: Final = "demo-shop"


@dataclass(frozen=True)
class DemoRun:
    """What happened in the shop.

    Attributes:
        session_ids: Of the recorded visitors; the checkout of the first one failed.
        visitors: How many there were.
        requests: How many requests they sent.
        records: How many log records the store took.
    """

    session_ids: tuple[str, ...]
    visitors: int
    requests: int
    records: int


def run_demo(settings: dict[str, Any]) -> DemoRun:
    """Open the shop, let visitors in, close it; all its records are in the store then.

    Args:
        settings: The arguments of ``configure``.

    Raises:
        StoreError: The store did not take all records.
    """
    visitors = make_visitors(time.time_ns() // 1_000_000)
    logging.getLogger("shop").setLevel(logging.DEBUG)
    # Without any handler `logging` writes the shop's warnings to standard error, amid what the demo shows.
    logging.getLogger("shop").addHandler(logging.NullHandler())
    # Spans are not exported; they give the records their trace ids.
    spans = TracerProvider(shutdown_on_exit=False)
    with (
        # What a demo could not store shall not turn up among real records later.
        tempfile.TemporaryDirectory(prefix="openreplay-otel-demo-") as spool,
        configure(service_name=SERVICE_NAME, spool_dir=spool, **settings) as pipeline,
    ):
        processor, store = pipeline.processor, pipeline.store
        if store is None or not isinstance(processor, DurableLogRecordProcessor):
            raise SettingsError(
                "collector: the demo reads what it stored; name a store with --store"
            )
        # A store that cannot be used is told of before anything is shown.
        store.prepare()
        with _bank_out_of_order() as bank:
            shop = OpenTelemetryMiddleware(Shop(bank), tracer_provider=spans)
            with _serving(shop) as address:
                requests = let_visit(visitors, address)
        is_flushed = pipeline.force_flush()
        counts = processor.counts
        store.make_visible()
    spans.shutdown()
    lost = counts.accepted - counts.delivered
    if lost or not is_flushed or not counts.accepted:
        why = f"{lost} records were lost" if lost else "no record arrived (OTEL_SDK_DISABLED?)"
        raise StoreError(f"the demo failed: {why}")
    session_ids = tuple(v.session_id for v in visitors if v.session_id is not None)
    return DemoRun(session_ids, len(visitors), requests, counts.accepted)


class _Server(ThreadingMixIn, WSGIServer):
    """One thread a request, all of them ended when the server is closed."""

    def server_bind(self) -> None:
        # The base class asks the name service for the host's name, which may take seconds.
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _QuietHandler(WSGIRequestHandler):
    """No access log: the shop's own records are what is to be seen."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


@contextlib.contextmanager
def _serving(app: WSGIApplication) -> Generator[tuple[str, int], None, None]:
    server = _Server((_LOOPBACK, 0), _QuietHandler)
    server.set_app(app)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,))
    thread.start()
    try:
        yield _LOOPBACK, server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def _bank_out_of_order() -> Generator[tuple[str, int], None, None]:
    """An address at which connections are refused, held so that nobody else can listen there."""
    with socket.socket() as held:
        held.bind((_LOOPBACK, 0))
        yield _LOOPBACK, held.getsockname()[1]
