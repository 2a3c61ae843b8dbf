"""A web app for gunicorn and for eventlet's own server: each request logs its number, five times.

``python -m tests.faults.programs.web PORT`` serves it by eventlet.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    import eventlet

    eventlet.monkey_patch()

from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

import openreplay_otel
from tests.faults.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RECORDS = 5

openreplay_otel.configure(service_name="shop")
_ledger = Ledger(os.environ["FAULTS_LEDGER"], os.environ["FAULTS_RUN"])


def _answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    number = int(environ["QUERY_STRING"] or 0)
    if number:
        for one in range(RECORDS):
            _ledger.log(0, number * RECORDS + one)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"logged\n"]


application = OpenTelemetryMiddleware(_answer)


if __name__ == "__main__":
    from eventlet import listen, wsgi

    wsgi.server(listen(("127.0.0.1", int(sys.argv[1]))), application, log_output=False)
