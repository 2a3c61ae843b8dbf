"""A month of a shop's logs on a real Elasticsearch, for the benchmark ``scale``: made and loaded day by day.

Every document is made as an app makes it: emitted by OpenTelemetry's SDK, stamped, built by ``DocumentBuilder`` with an
id of ``DocumentIdGenerator``, and sent with ``create`` to the index of the day on which its session began. 3 in 100
belong to no session. The texts are those of five services, at four levels. One session in seven runs into trouble:
there every seventh record is an error, most with a stack trace of twelve frames.

A day is loaded by one process in time order, several days at once. So a day's index fills in a minute instead of 24
hours: fewer and larger segments than of an app that is looked at all day.
"""

from __future__ import annotations

import base64
import http.client
import multiprocessing
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson
from opentelemetry import baggage, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk.resources import Resource

from openreplay_otel import OpenReplayLogRecordProcessor, Settings
from openreplay_otel.document.builder import DocumentBuilder
from openreplay_otel.stamp.document_id import DocumentIdGenerator
from openreplay_otel.stores.bulk_lines import lines_of
from openreplay_otel.stores.elasticsearch.bulk import BULK_PATH
from tests.emitting import session_id_begun_at

if TYPE_CHECKING:
    from opentelemetry._logs import Logger
    from opentelemetry.sdk._logs import ReadWriteLogRecord

DAYS: Final = 30
PARTS: Final = 10
"""The first part of the sessions alone is a month of a tenth of the documents."""
DAY_MS: Final = 86_400_000

_OF_A_SESSION: Final = 200
"""Documents for each session, those without a session included."""
_SESSIONLESS: Final = 6
_MOST: Final = 950
"""Records of a session: below the thousand that OpenReplay shows."""
_REQUEST: Final = 4 * 1024 * 1024
_RESOURCE: Final = {
    "service.version": "2026.7.1",
    "deployment.environment.name": "production",
    "process.pid": 4711,
}
_SERVICES: Final = {
    "gateway": (
        "%(method)s /api/v2/%(thing)ss/%(id)d answered 200 in %(ms)d ms",
        "%(method)s /api/v2/%(thing)ss?page=%(ms)d&customer=c-%(id)d answered 304 in %(ms)d ms",
        "rate limit of customer c-%(id)d: %(ms)d of 1000 requests left in this minute",
    ),
    "shop": (
        "order %(id)d placed for customer c-%(ms)d",
        "cart %(id)d priced in %(ms)d ms: 3 items, coupon SUMMER%(ms)d applied",
        "template checkout/%(thing)s.html rendered in %(ms)d ms for basket %(id)d",
    ),
    "payments": (
        "payment %(id)d authorised by gateway after %(ms)d ms",
        "webhook event evt_%(id)x of provider acme accepted, attempt 1",
    ),
    "catalogue": (
        "SELECT %(thing)s.id, %(thing)s.name FROM %(thing)s WHERE %(thing)s.id = %(id)d took %(ms)d ms",
        "cache miss for key %(thing)s:%(id)d, loaded in %(ms)d ms",
        "search for 'blue %(thing)s' found %(ms)d products on shard %(id)d",
    ),
    "mail": (
        "message %(id)d queued for delivery with template %(thing)s-confirmation",
        "smtp relay took message %(id)d in %(ms)d ms",
    ),
}
_THINGS: Final = ("product", "order", "customer", "invoice", "voucher", "review")
_METHODS: Final = ("GET", "GET", "GET", "POST", "PUT")
_ERRORS: Final = (
    ("PaymentRefused", "the card was refused by the bank", "payment %(id)d failed after %(ms)d ms"),
    ("TimeoutError", "no answer within 5 s", "upstream catalogue did not answer for %(thing)s %(id)d"),
    ("IntegrityError", "duplicate key value", "could not save %(thing)s %(id)d, attempt %(ms)d"),
)  # fmt: skip
_TRACE_NS: Final = 20_000_000_000
"""What a session does in so long belongs to one trace."""
_FRAME: Final = (
    '  File "/srv/shop/checkout/step_{0}.py", line {0}7, in step_{0}\n'
    "    return self.next_step(order, customer)\n"
)
_FRAMES: Final = "Traceback (most recent call last):\n" + "".join(
    _FRAME.format(number) for number in range(1, 13)
)
_LEVELS: Final = (
    (SeverityNumber.DEBUG, "DEBUG", 30),
    (SeverityNumber.INFO, "INFO", 63),
    (SeverityNumber.WARN, "WARN", 7),
)
_ERROR: Final = (SeverityNumber.ERROR, "ERROR")


@dataclass(frozen=True)
class Visit:
    """A session.

    Attributes:
        session_id: Its id.
        began_ms: Unix milliseconds.
        records: How many it logs.
        has_errors: Whether some of them are errors.
    """

    session_id: str
    began_ms: int
    records: int
    has_errors: bool


@dataclass(frozen=True)
class Month:
    """The sessions of the 30 days before a moment, the same at each run on a day.

    Attributes:
        documents: About how many documents in all.
        today_ms: Unix milliseconds of a day's begin; the days before it are loaded.
    """

    documents: int
    today_ms: int

    def day_ms(self, day: int) -> int:
        """When a day begins; 0 is the first one."""
        return self.today_ms - (DAYS - day) * DAY_MS

    def visits(self, day: int, parts: range = range(PARTS)) -> list[Visit]:
        """The sessions that begin on a day, in the order of their begin."""
        count = max(PARTS, round(self.documents / _OF_A_SESSION / DAYS))
        chance = random.Random(day)
        made: list[Visit] = []
        for number in range(count):
            began = self.day_ms(day) + int((number + chance.random()) * DAY_MS / count)
            records = min(_MOST, 20 + int(chance.expovariate(1 / 174)))
            session = session_id_begun_at(began, number % 1000 + 1)
            made.append(Visit(session, began, records, chance.random() < 1 / 7))
        return [visit for number, visit in enumerate(made) if number % PARTS in parts]


def load(url: str, month: Month, parts: range) -> tuple[int, float]:
    """Load parts of a month's sessions into a prepared store; tells the progress on stderr.

    Args:
        url: The server, with credentials.
        month: The sessions.
        parts: Which ones.

    Returns:
        How many documents, and in how many seconds.
    """
    began, loaded = time.perf_counter(), 0
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        days = [pool.submit(_load_day, url, month, day, parts) for day in range(DAYS)]
        for number, day in enumerate(as_completed(days), 1):
            loaded += day.result()
            speed = loaded / (time.perf_counter() - began)
            print(
                f"  {number} of {DAYS} days: {loaded:,} documents, {speed:,.0f} a second",
                file=sys.stderr, flush=True,
            )  # fmt: skip
    return loaded, time.perf_counter() - began


def _load_day(url: str, month: Month, day: int, parts: range) -> int:
    sender = _Sender(url)
    services = _Services(Settings(app_url="https://openreplay.example.com", project_id=7))
    visits = month.visits(day, parts)
    chance = random.Random(day + 1)
    moments = [
        (visit.began_ms + chance.random() ** 2 * 3_600_000, visit)
        for visit in visits
        for _ in range(visit.records)
    ]
    moments += [
        (month.day_ms(day) + chance.random() * DAY_MS, None)
        for _ in range(len(visits) * _SESSIONLESS)
    ]
    moments.sort(key=lambda moment: moment[0])
    for number, (at_ms, visit) in enumerate(moments):
        services.emit(visit, number, int(at_ms * 1_000_000), chance)
        if services.size >= _REQUEST:
            sender.send(services.take())
    if services.size:
        sender.send(services.take())
    return len(moments)


class _Services(LogRecordProcessor):
    """Five services whose records become documents, kept until they are taken.

    Attributes:
        size: Bytes that are kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._build = DocumentBuilder(settings, DocumentIdGenerator().next_id).build
        self._lines: list[bytes] = []
        self.size = 0
        self._loggers = [
            (self._logger(service, settings), service, texts)
            for service, texts in _SERVICES.items()
        ]

    def _logger(self, service: str, settings: Settings) -> Logger:
        node = {
            "service.instance.id": f"{service}-7d9c5b-x2x9k",
            "host.name": f"node-{len(service)}.example.com",
        }
        resource = Resource({"service.name": service, **node, **_RESOURCE})
        provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_log_record_processor(OpenReplayLogRecordProcessor(settings))
        provider.add_log_record_processor(self)
        return provider.get_logger(f"{service}.views")

    def emit(self, visit: Visit | None, number: int, time_ns: int, chance: random.Random) -> None:
        """Emit one record of a session, or of none."""
        is_error = visit is not None and visit.has_errors and chance.random() < 1 / 7
        logger, service, texts = chance.choice(self._loggers)
        values = {
            "id": chance.randrange(10**7),
            "ms": int(chance.expovariate(1 / 40)),
            "thing": chance.choice(_THINGS),
            "method": chance.choice(_METHODS),
        }
        attributes: dict[str, Any] = {
            "order_id": values["id"],
            "code.file.path": f"/srv/{service}/views.py",
            "code.function.name": f"handle_{values['thing']}",
            "code.line.number": 120 + values["id"] % 50,
        }
        if is_error:
            severity, level = _ERROR
            kind, message, text = chance.choice(_ERRORS)
            # One in four is logged without its exception.
            if number % 4:
                attributes["exception.type"] = kind
                attributes["exception.message"] = message
                attributes["exception.stacktrace"] = f"{_FRAMES}shop.errors.{kind}: {message}\n"
        else:
            text = chance.choice(texts)
            weights = [weight for _, _, weight in _LEVELS]
            severity, level, _ = chance.choices(_LEVELS, weights)[0]
        logger.emit(
            LogRecord(
                timestamp=time_ns,
                observed_timestamp=time_ns + 20_000,
                context=_context(None if visit is None else visit.session_id, time_ns // _TRACE_NS),
                severity_text=level,
                severity_number=severity,
                body=text % values,
                attributes=attributes,
            )
        )

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Make it a document."""
        document = self._build(log_record)
        assert document is not None
        lines = lines_of(*document)
        self._lines.append(lines)
        self.size += len(lines)

    def take(self) -> bytes:
        """The documents since the last call, as a request's body."""
        body = b"".join(self._lines)
        self._lines.clear()
        self.size = 0
        return body

    def shutdown(self) -> None:
        """Nothing to do."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits."""
        return True


class _Sender:
    """One connection that sends raw requests."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=300)
        credentials = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/x-ndjson",
        }

    def send(self, body: bytes) -> None:
        self._connection.request("POST", BULK_PATH, body, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        assert response.status == http.client.OK, answer[:2000]
        assert not orjson.loads(answer)["errors"], answer[:2000]


@lru_cache(maxsize=4096)
def _context(session_id: str | None, number: int) -> Context:
    context = Context()
    if session_id is not None:
        context = baggage.set_baggage("openreplay.session.id", session_id, context)
    span = trace.SpanContext(
        trace_id=int(session_id or 7) << 40 | number,
        span_id=number + 1,
        is_remote=False,
        trace_flags=trace.TraceFlags(1),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(span), context)
