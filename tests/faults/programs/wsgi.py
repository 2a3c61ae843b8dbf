"""A web app for uWSGI: it logs at its load where that is asked for, and each request logs its number five times."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

import openreplay_otel
from tests.faults.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RECORDS = 5

openreplay_otel.configure(service_name="shop")
_ledger = Ledger(os.environ["FAULTS_LEDGER"], os.environ["FAULTS_RUN"])
if os.environ.get("FAULTS_AT_LOAD"):
    _ledger.log(os.getpid(), 0)


def _answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    number = int(environ["QUERY_STRING"] or 0)
    if number:
        for one in range(RECORDS):
            _ledger.log(0, number * RECORDS + one)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"logged\n"]


application = OpenTelemetryMiddleware(_answer)
