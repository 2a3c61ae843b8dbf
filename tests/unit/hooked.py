"""A fresh process in which the hooks are on and the records are kept, for a test to look at."""

from __future__ import annotations

import json
from typing import Any

from .processes import run_python

SESSION = "2618307011354435587"
OTHER = "2618307011354435588"
TAG = f"[openReplaySession.id={SESSION}] "

_BEFORE = f"""
import asyncio, gc, io, json, logging, sys, threading, traceback
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
import openreplay_otel
from openreplay_otel import OpenReplayInstrumentor, current_session, use_session
from openreplay_otel.context.deferred import settle
SESSION, OTHER, TAG = {SESSION!r}, {OTHER!r}, {TAG!r}
exporter = InMemoryLogRecordExporter()
provider = LoggerProvider(shutdown_on_exit=False)
provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
set_logger_provider(provider)
from opentelemetry.instrumentation.logging.handler import LoggingHandler
logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))
instrumentor = OpenReplayInstrumentor()
def told(finished):
    record = finished.log_record
    attributes = dict(record.attributes or {{}})
    return [attributes.get("openreplay.session.id"), record.body, attributes.get("exception.type")]
import atexit
@atexit.register
def show():
    settle()
    sys.__stdout__.write("\\nRECORDS" + json.dumps([told(r) for r in exporter.get_finished_logs()]))
"""


class Ran:
    """What a script left.

    Attributes:
        records: ``[session id, text, type of the exception]`` of each record.
        out: What it printed.
        err: What it wrote to stderr.
    """

    def __init__(self, script: str, *, status: int = 0, **settings: Any) -> None:
        instrument = f"instrumentor.instrument(**{settings!r})\n"
        done = run_python(_BEFORE + instrument + script, status=status)
        out, _, records = done.stdout.partition("\nRECORDS")
        self.records: list[list[str | None]] = json.loads(records)
        self.out = out
        self.err = done.stderr

    @property
    def errors(self) -> list[tuple[str | None, str | None]]:
        """Session and type of each record that has an exception."""
        return [(session, kind) for session, _, kind in self.records if kind is not None]
