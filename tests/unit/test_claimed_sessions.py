"""A record is filed under the session of its request, whatever the app, or a client by it, puts into its fields."""

from __future__ import annotations

import copy
import json
import logging
import logging.handlers
import pickle
import queue
import threading
from typing import TYPE_CHECKING, Any

import loguru
import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from openreplay_otel import (
    OpenReplayLogRecordProcessor,
    Settings,
    loguru_patcher,
    structlog_processor,
    use_session,
)
from openreplay_otel.capture import LoggingCapture
from openreplay_otel.context.session_context import NotedSession
from openreplay_otel.document.builder import DocumentBuilder

from .contract import EXAMPLE_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "openreplay.session.id"
VICTIM = "2618307011354435588"


class _Text(str):
    """A text of the app's own type."""

    __slots__ = ()


class _Named:
    """A key that becomes the name only as a text."""

    def __str__(self) -> str:
        return NAME


class Filed:
    """A provider with the stamp, and what it makes."""

    def __init__(self, resource: Resource | None = None) -> None:
        self.exporter = InMemoryLogRecordExporter()
        self.provider = LoggerProvider(resource, shutdown_on_exit=False)
        self.provider.add_log_record_processor(OpenReplayLogRecordProcessor(Settings()))
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))
        self.log = logging.getLogger("claims")
        self.log.setLevel(logging.DEBUG)

    def sessions(self) -> list[str | None]:
        """Under which session each record is filed."""
        build = DocumentBuilder(Settings()).build
        documents = [build(record) for record in self.exporter.get_finished_logs()]
        return [json.loads(one.source).get(NAME) for one in documents if one is not None]


@pytest.fixture
def filed() -> Iterator[Filed]:
    """With lines of ``logging`` taken."""
    made = Filed()
    capture = LoggingCapture(made.provider)
    capture.start()
    yield made
    capture.stop()


def by_extra(value: Any) -> Callable[[Filed], object]:
    """``extra=`` with the value."""
    return lambda filed: filed.log.info("hello", extra={NAME: value})


CLAIMS: dict[str, Callable[[Filed], object]] = {
    "extra": by_extra(VICTIM),
    "an own type of text": by_extra(_Text(VICTIM)),
    "a number": by_extra(int(VICTIM)),
    "a list": by_extra([VICTIM]),
    "bytes": by_extra(VICTIM.encode()),
    "loguru's bound values": lambda filed: filed.log.info("hello", extra={"extra": {NAME: VICTIM}}),
    "an event as structlog hands it on": lambda filed: filed.log.info({"event": "hello", NAME: VICTIM}),
    "a message that is a dict": lambda filed: filed.log.info({NAME: VICTIM}),
    "a key that is no text": lambda filed: filed.log.info({"event": "hello", _Named(): VICTIM}),
    "an attribute of OpenTelemetry": lambda filed: filed.provider.get_logger("app").emit(
        body="hello", attributes={NAME: VICTIM}
    ),
    "an attribute of its own type": lambda filed: filed.provider.get_logger("app").emit(
        body="hello", attributes={NAME: _Text(VICTIM)}
    ),
    "session.id": lambda filed: filed.log.info("hello", extra={"session.id": VICTIM}),
}  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_files_no_record(filed: Filed, claim: str) -> None:
    """Outside of a request it is a record of nobody, and in one it is that request's."""
    CLAIMS[claim](filed)
    with use_session(EXAMPLE_ID):
        CLAIMS[claim](filed)
    assert [None, EXAMPLE_ID] == filed.sessions()


def test_what_the_processor_for_structlog_notes_counts_in_another_thread(filed: Filed) -> None:
    """The event is handed to ``logging`` by a thread without a context."""
    with use_session(EXAMPLE_ID):
        event = structlog_processor(None, "info", {"event": "hello"})
    thread = threading.Thread(target=filed.log.info, args=(dict(event),))
    thread.start()
    thread.join()
    assert [EXAMPLE_ID] == filed.sessions()


def test_a_claim_does_not_pass_the_processor_for_structlog(filed: Filed) -> None:
    """What the app bound under that name stays a claim."""
    event = structlog_processor(None, "info", {"event": "hello", NAME: VICTIM})
    filed.log.info(dict(event))
    assert [None] == filed.sessions()


@pytest.mark.parametrize("way", [pickle.loads, None], ids=["pickled", "copied"])
def test_a_noted_session_stays_one_on_its_way(way: Callable[[bytes], Any] | None) -> None:
    """Queues pickle or copy lines; renderers write it as the text that it is."""
    noted = NotedSession(EXAMPLE_ID)
    again = copy.deepcopy(noted) if way is None else way(pickle.dumps(noted))
    assert type(again) is NotedSession
    assert (again, json.dumps(again), repr(again)) == (
        EXAMPLE_ID, json.dumps(EXAMPLE_ID), repr(EXAMPLE_ID),
    )  # fmt: skip


def test_a_queue_hands_on_no_claim(filed: Filed) -> None:
    """Through ``QueueHandler`` and ``QueueListener``, whose handler logs again in a thread without a context."""
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handed: list[logging.LogRecord] = []

    class Again(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            handed.append(record)

    handler = logging.handlers.QueueHandler(lines)
    listener = logging.handlers.QueueListener(lines, Again())
    filed.log.addHandler(handler)
    listener.start()
    try:
        by_extra(VICTIM)(filed)
        with use_session(EXAMPLE_ID):
            by_extra(VICTIM)(filed)
    finally:
        listener.stop()
        filed.log.removeHandler(handler)
    assert [getattr(record, NAME) for record in handed] == [VICTIM, VICTIM]
    assert [None, EXAMPLE_ID] == filed.sessions()


def test_another_processs_line_brings_no_claim(filed: Filed) -> None:
    """A listener takes pickled lines of workers, with whatever their fields say."""
    record = filed.log.makeRecord(
        "claims", logging.INFO, "worker.py", 1, "hello", (), None, extra={NAME: VICTIM}
    )
    record.process = 1
    filed.log.handle(pickle.loads(pickle.dumps(record)))  # noqa: S301 - made a line above
    assert [None] == filed.sessions()


@pytest.mark.parametrize("enqueue", [True, False])
def test_loguru_hands_on_the_session_of_the_request_only(filed: Filed, enqueue: bool) -> None:
    """With ``enqueue=True`` its lines are pickled and logged by its own thread; a bound value stays a claim."""

    class Propagate(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger("claims").handle(record)

    loguru.logger.remove()
    loguru.logger.configure(patcher=loguru_patcher)
    loguru.logger.add(Propagate(), format="{message}", enqueue=enqueue)
    try:
        bound = loguru.logger.bind(**{NAME: VICTIM})
        bound.info("of nobody")
        with use_session(EXAMPLE_ID):
            bound.info("of the request")
            loguru.logger.info("of the request")
        loguru.logger.info("of nobody")
        loguru.logger.complete()
    finally:
        loguru.logger.remove()
        loguru.logger.configure(patcher=lambda _record: None)
    assert [None, EXAMPLE_ID, EXAMPLE_ID, None] == filed.sessions()


@pytest.mark.parametrize("name", [NAME, "session.id"])
def test_a_resource_is_no_session(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``OTEL_RESOURCE_ATTRIBUTES`` says who logs, never for whom."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", f"{name}={VICTIM},service.name=shop")
    made = Filed(Resource.create())
    made.provider.get_logger("app").emit(body="hello")
    with use_session(EXAMPLE_ID):
        made.provider.get_logger("app").emit(body="hello")
    assert [None, EXAMPLE_ID] == made.sessions()


@pytest.mark.parametrize(
    ("limit", "session"), [("128", EXAMPLE_ID), ("19", EXAMPLE_ID), ("5", None), (None, EXAMPLE_ID)]
)
def test_what_the_sdk_cuts_is_no_other_session(
    limit: str | None, session: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cleaning of attributes keeps a noted session, or cuts it to a text that says nothing."""
    if limit is not None:
        monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", limit)
    made = Filed()
    made.provider.get_logger("app").emit(body="hello", attributes={NAME: NotedSession(EXAMPLE_ID)})
    assert [session] == made.sessions()
