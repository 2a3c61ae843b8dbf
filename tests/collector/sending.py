"""A patient sender of OTLP: what was not acknowledged is sent again, as by an exporter with a spool."""

from __future__ import annotations

import http.client
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tests.emitting import now_ms, session_id_begun_at

if TYPE_CHECKING:
    from types import TracebackType

BATCH = 100
_RESOURCE = Resource({"service.name": "shop", "host.name": "web-1"})
_SCOPE = InstrumentationScope("shop.checkout")


def post(otlp_http: str, body: bytes) -> None:
    """Send records that are OTLP already; they are taken over when this returns."""
    connection = http.client.HTTPConnection(urlsplit(otlp_http).netloc, timeout=30)
    try:
        connection.request("POST", "/v1/logs", body, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
    finally:
        connection.close()


class Sender:
    """Sends numbered records in the background, at a steady pace, until it is told to stop.

    Nine of ten belong to a session. ``acknowledged`` counts the records that the Collector has taken over.
    """

    def __init__(self, otlp_http: str, *, per_second: int = 2000, first: int = 0) -> None:
        self._netloc = urlsplit(otlp_http).netloc
        self._pause = BATCH / per_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._begun_ms = now_ms()
        self._sessions = [session_id_begun_at(self._begun_ms - 60_000, n) for n in range(1, 10)]
        self._next = first
        self.acknowledged = 0

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> int:
        """Send what is under way and end; returns how many records were acknowledged."""
        self._stopping.set()
        self._thread.join()
        return self.acknowledged

    def _run(self) -> None:
        while not self._stopping.is_set():
            body = self._request(self._next)
            while not self._is_taken(body):
                # Also after the end: a batch of which nobody knows the fate would make the count useless.
                time.sleep(0.1)
            self._next += BATCH
            self.acknowledged += BATCH
            self._stopping.wait(self._pause)

    def _is_taken(self, body: bytes) -> bool:
        connection = http.client.HTTPConnection(self._netloc, timeout=30)
        try:
            connection.request("POST", "/v1/logs", body, {"Content-Type": "application/x-protobuf"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _request(self, first: int) -> bytes:
        records = [self._record(number) for number in range(first, first + BATCH)]
        return encode_logs(records).SerializeToString()

    def _record(self, number: int) -> ReadableLogRecord:
        time_ns = (self._begun_ms * 1000 + number) * 1000
        record = LogRecord(
            timestamp=time_ns,
            observed_timestamp=time_ns,
            context=Context({"no": "span"}),
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            body=f"step {number}",
        )
        attributes: dict[str, str | int] = {"number": number}
        if number % 10:
            attributes["openreplay.session.id"] = self._sessions[number % 10 - 1]
            attributes["elasticsearch.document_id"] = f"{self._begun_ms:x}n{number:08d}"
        record.attributes = attributes
        return ReadableLogRecord(record, _RESOURCE, _SCOPE)
