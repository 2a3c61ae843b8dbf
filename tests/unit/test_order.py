"""Putting the stamp before processors that were there first."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry.sdk._logs import (
    LoggerProvider,
    LogRecordProcessor,
    ReadWriteLogRecord,
)
from opentelemetry.sdk._logs import (
    _internal as sdk,
)
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from openreplay_otel import OpenReplayLogRecordProcessor, Settings, add_first
from openreplay_otel.stamp.order import remove

from .records import in_session

# Not every SDK from 1.40 on hands them out by a public name.
MULTIS = [sdk.SynchronousMultiLogRecordProcessor, sdk.ConcurrentMultiLogRecordProcessor]


class Calls(LogRecordProcessor):
    """Writes down what it is asked to do."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name = name
        self.calls = calls

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Of a record."""
        self.calls.append(f"{self.name} emit")

    def shutdown(self) -> None:
        """At the end."""
        self.calls.append(f"{self.name} shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Before it."""
        self.calls.append(f"{self.name} flush")
        return True


@pytest.fixture(params=MULTIS)
def provider(request: pytest.FixtureRequest) -> Any:
    """A provider whose processors act one after the other, or in parallel."""
    made = LoggerProvider(shutdown_on_exit=False, multi_log_record_processor=request.param())
    yield made
    made.shutdown()


def test_the_stamp_acts_before_an_exporter_that_was_added_first(provider: LoggerProvider) -> None:
    """An exporter added earlier sees the stamped record, also through a logger made earlier."""
    exporter = InMemoryLogRecordExporter()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("earlier")
    add_first(provider, OpenReplayLogRecordProcessor(Settings()))
    for n in range(50):
        logger.emit(body=f"boom {n}", context=in_session("7"))
    bodies = [data.log_record.body for data in exporter.get_finished_logs()]
    assert bodies == [f"[openReplaySession.id=7] boom {n}" for n in range(50)]


def test_a_slow_stamp_is_waited_for(provider: LoggerProvider) -> None:
    """Also where processors run in parallel, no exporter starts before the stamp is through."""
    exporting = threading.Event()
    overtaken: list[bool] = []

    class Slow(OpenReplayLogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            overtaken.append(exporting.wait(0.3))
            super().on_emit(log_record)

    class Exporting(Calls):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            exporting.set()
            self.calls.append(str(log_record.log_record.body))

    calls: list[str] = []
    provider.add_log_record_processor(Exporting("one", calls))
    add_first(provider, Slow(Settings()))
    provider.add_log_record_processor(Exporting("later", calls))
    provider.get_logger("x").emit(body="boom", context=in_session("7"))
    assert [False] == overtaken
    assert ["[openReplaySession.id=7] boom"] * 2 == calls


def test_the_others_go_on_in_their_order() -> None:
    """Nothing is taken away, and the last one put first is the first."""
    calls: list[str] = []
    provider = LoggerProvider(shutdown_on_exit=False)
    for name in ("a", "b"):
        provider.add_log_record_processor(Calls(name, calls))
    for name in ("c", "d"):
        add_first(provider, Calls(name, calls))
    provider.add_log_record_processor(Calls("e", calls))
    provider.get_logger("x").emit(body="boom")
    assert calls == [f"{name} emit" for name in "dcabe"]


def test_parallel_ones_are_asked_once_each() -> None:
    """With parallel processing too each processor emits, flushes and ends once."""
    calls: list[str] = []
    multi = sdk.ConcurrentMultiLogRecordProcessor()
    provider = LoggerProvider(shutdown_on_exit=False, multi_log_record_processor=multi)
    provider.add_log_record_processor(Calls("a", calls))
    first = Calls("c", calls)
    for processor in (Calls("b", calls), first, first):
        add_first(provider, processor)
    provider.get_logger("x").emit(body="boom")
    assert ["c emit", "b emit"] == calls[:2]
    provider.force_flush()
    provider.shutdown()
    assert sorted(calls) == sorted(
        f"{n} {did}" for n in "abc" for did in ("emit", "flush", "shutdown")
    )


def test_one_added_twice_acts_once(provider: LoggerProvider) -> None:
    """Putting the same processor first again changes nothing."""
    calls: list[str] = []
    processor = Calls("a", calls)
    add_first(provider, processor)
    add_first(provider, processor)
    provider.get_logger("x").emit(body="boom")
    assert ["a emit"] == calls


def test_a_processor_is_taken_out_again(provider: LoggerProvider) -> None:
    """Only that one goes, it is not ended, and taking it out twice changes nothing."""
    calls: list[str] = []
    mine, other, theirs = Calls("mine", calls), Calls("other", calls), Calls("theirs", calls)
    provider.add_log_record_processor(theirs)
    add_first(provider, other)
    add_first(provider, mine)
    remove(provider, mine)
    remove(provider, mine)
    provider.get_logger("x").emit(body="boom")
    assert ["other emit", "theirs emit"] == calls


def test_an_sdk_of_another_shape_gets_the_processor_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where the order cannot be changed, one line says what to do, and nothing breaks."""

    class Provider:
        added: list[Any] = []  # noqa: RUF012 - read once

        def add_log_record_processor(self, processor: Any) -> None:
            self.added.append(processor)

    calls = Calls("a", [])
    add_first(Provider(), calls)  # type: ignore[arg-type]
    remove(Provider(), calls)  # type: ignore[arg-type]
    assert [calls] == Provider.added
    assert ["WARNING"] == [record.levelname for record in caplog.records]
    assert "add Calls before any exporting processor" in caplog.text
