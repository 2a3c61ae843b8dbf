"""Records that lack what others have: a time, a number for their level, a value that is a number."""

from __future__ import annotations

import math
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from tests.collector.document_server import DocumentServer
from tests.collector.sending import post
from tests.servers.collector import CONFIG, Collector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("otelcol")]


@pytest.fixture
def server() -> Iterator[DocumentServer]:
    """What the Collector sends to."""
    with DocumentServer() as running:
        yield running


@pytest.fixture
def running(server: DocumentServer, tmp_path: Path) -> Iterator[Collector]:
    """A Collector with minimal.yaml."""
    variables = {
        "OPENREPLAY_OTEL_STORE": server.url,
        "OPENREPLAY_OTEL_API_KEY": "bm90OmFueQ==",
    }
    with Collector(CONFIG / "minimal.yaml", environment=variables, state=tmp_path) as one:
        yield one


def request(*records: LogRecord) -> bytes:
    """Records as OTLP."""
    resource, scope = Resource({"service.name": "shop"}), InstrumentationScope("shop")
    return encode_logs(
        [ReadableLogRecord(one, resource, scope) for one in records]
    ).SerializeToString()


def record(**fields: Any) -> LogRecord:
    """A record with some fields, of this moment where they say nothing else."""
    one = LogRecord(timestamp=time.time_ns(), body="boom")
    for name, value in fields.items():
        setattr(one, name, value)
    return one


def test_equal_records_without_any_time_are_records_of_the_time_of_receipt(
    server: DocumentServer, running: Collector
) -> None:
    """Neither a time nor an observed time: each is stored, at the time at which it came."""
    before = datetime.now(timezone.utc)
    timeless = [record(timestamp=0, observed_timestamp=0) for _ in range(5)]
    post(running.otlp_http, request(*timeless))
    post(running.otlp_http, request(*timeless))
    found = server.wait_for(10)
    assert len(found) == 10
    moments = [datetime.fromisoformat(one["@timestamp"].replace("Z", "+00:00")) for one in found]
    assert all(before <= moment <= datetime.now(timezone.utc) for moment in moments)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
def test_a_record_with_a_value_that_is_no_number_is_stored_once(
    server: DocumentServer, running: Collector, value: float, nested: bool
) -> None:
    """Sent twice, as after a lost answer: its id is made of its content all the same, and of all of its content."""
    moment = time.time_ns()
    first, second = (
        record(
            timestamp=moment,
            observed_timestamp=moment,
            attributes={"odd": {"in": value} if nested else value, "number": number},
        )
        for number in (1, 2)
    )
    for _ in range(2):
        post(running.otlp_http, request(first, second))
    last = record(body="the last one")
    post(running.otlp_http, request(last))
    found = server.wait_for(3)
    assert sorted(one["message"] for one in found) == ["boom", "boom", "the last one"]
    assert all(one["_id"] for one in found)
    assert running.complaints() == []


LEVELS = {
    "ERROR": "error", "Error": "error", "err": "error", "CRITICAL": "error", "fatal": "error", " error ": "error",
    "Warning": "warning", "WARN": "warning", "INFO": "info", "notice": "info", "loud": "info", "DEBUG": "debug",
    "trace": "debug",
}  # fmt: skip


def test_a_level_that_only_a_text_says_is_read(server: DocumentServer, running: Collector) -> None:
    """As other languages' libraries send it; errors are tagged as such."""
    post(running.otlp_http, request(*(record(severity_text=text) for text in LEVELS)))
    found = {one["log.level"]: one for one in server.wait_for(len(LEVELS))}
    assert {text: one["level"] for text, one in found.items()} == LEVELS
    tagged = {text for text, one in found.items() if "error" in one["tags"]}
    assert tagged == {text for text, level in LEVELS.items() if level == "error"}
