"""The exporter over a store: what it answers, counts, says, and keeps to itself."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from openreplay_otel import (
    OpenReplayLogExporter,
    Settings,
    SettingsError,
    StoreAccessError,
    StoreUnavailableError,
)
from openreplay_otel.export import exporter as exporter_module
from openreplay_otel.export import preparing
from openreplay_otel.export.exporter import ExportCounts
from openreplay_otel.export.quiet_log import QuietLog
from openreplay_otel.stores.base import Document, RefusedDocument, WriteResult

from .contract import EXAMPLE_ID, token
from .faults import Clock, FaultyStore
from .records import in_session, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

SUCCESS, FAILURE = LogRecordExportResult.SUCCESS, LogRecordExportResult.FAILURE
WARNINGS = ["WARNING"]


def exporter_to(store: FaultyStore, **settings: Any) -> OpenReplayLogExporter:
    """An exporter with settings of its own."""
    return OpenReplayLogExporter(store, settings=Settings(**settings))


def batch(count: int = 3) -> list[Any]:
    """So many records of the example session."""
    return [
        readable(f"m{n}", session_id=EXAMPLE_ID, observed_timestamp=n + 1) for n in range(count)
    ]


def test_a_batch_is_stored_and_counted() -> None:
    """SUCCESS, and the counts tell what was done."""
    store = FaultyStore()
    exporter = exporter_to(store)
    assert exporter.counts == ExportCounts()
    assert exporter.export(batch()) is SUCCESS
    assert exporter.export(batch(5)) is SUCCESS
    assert exporter.counts == ExportCounts(accepted=5, known=3)
    assert store.messages() == [f"[openReplaySession.id={EXAMPLE_ID}] m{n}" for n in range(5)]


def test_it_is_an_exporter_of_the_sdk() -> None:
    """The SDK finds each of its methods, and ``openreplay`` in ``OTEL_LOGS_EXPORTER`` names it."""
    from importlib.metadata import entry_points

    exporter = exporter_to(FaultyStore())
    assert isinstance(exporter, LogRecordExporter)
    assert exporter.force_flush(1) is True
    (found,) = entry_points(group="opentelemetry_logs_exporter", name="openreplay")
    assert found.load() is OpenReplayLogExporter


@pytest.mark.parametrize("error", [StoreUnavailableError("busy"), StoreAccessError("no")])
def test_what_could_not_be_stored_is_a_failure_and_counted_as_dropped(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """FAILURE, the count, and one line that says how many are lost and why."""
    exporter = exporter_to(FaultyStore(*[error] * 99), export_timeout=0.12)
    assert exporter.export(batch()) is FAILURE
    assert exporter.counts == ExportCounts(dropped=3)
    assert [f"3 of 3 records could not be stored and are lost: {error}"] == caplog.messages
    assert WARNINGS == [record.levelname for record in caplog.records]


def test_a_refusal_is_a_failure_with_its_reason_and_costs_only_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The others are stored; the line names an example with its status and reason."""
    store = FaultyStore()

    def refuse_one(request: Sequence[Document]) -> WriteResult:
        rest = store.accept(request[1:])
        return WriteResult(rest.accepted, refused=[RefusedDocument(request[0], 400, "bad field")])

    store.outcomes = [refuse_one]
    exporter = exporter_to(store)
    assert exporter.export(batch()) is FAILURE
    assert exporter.counts == ExportCounts(accepted=2, refused=1)
    (line,) = caplog.messages
    assert line.startswith("the faulty store refused 1 of 3 documents for good, for instance ")
    assert line.endswith(" with status 400: bad field")


def test_a_store_that_raises_what_it_must_not_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A bug in a store is a failure with its traceback, and the next batch goes out."""
    exporter = exporter_to(FaultyStore(RuntimeError("a bug")))
    assert exporter.export(batch()) is FAILURE
    assert exporter.counts == ExportCounts(dropped=3)
    assert ["exporting 3 records failed"] == caplog.messages
    assert "a bug" in caplog.text
    assert exporter.export(batch()) is SUCCESS


def test_at_most_one_line_a_minute_about_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A long outage does not fill the log: the next line, a minute later, says how often it was silent."""
    clock = Clock()
    monkeypatch.setattr(exporter_module, "QuietLog", lambda logger: QuietLog(logger, clock=clock))
    exporter = exporter_to(FaultyStore(*[StoreAccessError("no")] * 99))
    for _ in range(50):
        exporter.export(batch(1))
        clock.now += 1
    assert 1 == len(caplog.messages)
    clock.now += 10
    exporter.export(batch(1))
    assert [
        "1 of 1 records could not be stored and are lost: no (and 49 more times since the last such line)"
    ] == caplog.messages[1:]
    assert 51 == exporter.counts.dropped


def test_different_problems_are_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    """A line about one problem does not hide another."""
    clock = Clock()
    quiet = QuietLog(logging.getLogger("t"), clock=clock)
    for problem in ("a", "b", "a"):
        quiet.warning(problem, "problem %s", problem)
    assert ["problem a", "problem b"] == caplog.messages
    clock.now += 60
    quiet.warning("b", "problem b")
    quiet.warning("a", "problem %s", "a")
    assert [
        "problem b",
        "problem a (and 1 more times since the last such line)",
    ] == caplog.messages[2:]


def test_the_store_is_prepared_once_before_the_first_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is missing there is said once; nothing is prepared without need."""
    store = FaultyStore()
    store.preparations = [["the template is missing; run openreplay-otel setup"]]
    exporter = exporter_to(store)
    assert (0, SUCCESS) == (store.prepared, exporter.export([]))
    assert 0 == store.prepared
    for _ in range(3):
        assert exporter.export(batch()) is SUCCESS
    assert 1 == store.prepared
    assert ["the template is missing; run openreplay-otel setup"] == caplog.messages


def test_records_go_out_although_the_store_could_not_be_prepared(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Preparing is tried again after a minute, not with each batch."""
    clock = Clock()
    monkeypatch.setattr(preparing, "time", SimpleNamespace(monotonic=clock))
    store = FaultyStore()
    store.preparations = [StoreUnavailableError("no answer")]
    exporter = exporter_to(store)
    results = [exporter.export(batch()) for _ in range(3)]
    assert ([SUCCESS] * 3, 1) == (results, store.prepared)
    assert ["no answer"] == caplog.messages
    clock.now += 61
    assert (SUCCESS, 2) == (exporter.export(batch()), store.prepared)
    clock.now += 61
    assert (SUCCESS, 2) == (exporter.export(batch()), store.prepared)


def test_own_log_lines_are_not_exported() -> None:
    """A line about the exporter is no record: a batch of such lines alone asks the store nothing."""
    store = FaultyStore()
    exporter = exporter_to(store)
    own = readable("about myself", scope=InstrumentationScope("openreplay_otel.export.exporter"))
    assert exporter.export([own]) is SUCCESS
    assert [] == store.requests
    assert exporter.export([own, *batch(1)]) is SUCCESS
    assert exporter.counts == ExportCounts(accepted=1)


def test_records_without_a_session_are_dropped_where_the_settings_say_so() -> None:
    """Dropping on purpose is a success and not counted as a loss."""
    store = FaultyStore()
    exporter = exporter_to(store, sessionless="drop")
    assert exporter.export([readable("x")]) is SUCCESS
    assert exporter.export([readable("x"), *batch(1)]) is SUCCESS
    assert (ExportCounts(accepted=1), 1) == (exporter.counts, len(store.kept))


def test_after_shutdown_nothing_is_stored_and_what_comes_is_counted() -> None:
    """FAILURE, no request, and the loss can be seen."""
    store = FaultyStore()
    exporter = exporter_to(store)
    exporter.shutdown()
    exporter.shutdown()
    assert exporter.export(batch()) is FAILURE
    assert (store.requests, exporter.counts) == ([], ExportCounts(dropped=3))
    assert 0 == store.closed


def test_shutdown_ends_an_export_that_waits() -> None:
    """An export in the middle of an outage of the store comes back at once when it is shut down."""
    asked = threading.Event()
    store = FaultyStore()

    def busy(request: Sequence[Document]) -> WriteResult:
        asked.set()
        raise StoreUnavailableError("busy", retry_after=30)

    store.outcomes = [busy] * 9
    exporter = OpenReplayLogExporter(store, settings=Settings(export_timeout=600))
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(exporter.export(batch())))
    thread.start()
    assert asked.wait(10)
    exporter.shutdown()
    thread.join(10)
    assert (False, [FAILURE], 1) == (thread.is_alive(), results, len(store.requests))
    assert exporter.counts == ExportCounts(dropped=3)


def test_a_store_opened_here_is_closed_here(tmp_path: Any) -> None:
    """One that was handed in stays open; one made of a URL is closed."""
    path = tmp_path / "logs.db"
    exporter = OpenReplayLogExporter(f"sqlite:///{path}")
    assert exporter.export(batch()) is SUCCESS
    assert ["logs.db", "logs.db-shm", "logs.db-wal"] == sorted(
        p.name for p in tmp_path.glob("logs.db*")
    )
    exporter.shutdown()
    assert ["logs.db"] == [p.name for p in tmp_path.glob("logs.db*")]


def test_counts_hold_with_many_threads() -> None:
    """Simple processors export from every thread of the app."""
    exporter = exporter_to(FaultyStore())

    def export() -> None:
        for _ in range(50):
            exporter.export([readable("x")])

    threads = [threading.Thread(target=export) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 400 == exporter.counts.accepted + exporter.counts.known


def test_behind_the_sdks_batch_processor_nothing_is_lost() -> None:
    """Emitted through a provider, flushed, and all there in the order of emission."""
    store = FaultyStore()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter_to(store)))
    logger = provider.get_logger("shop")
    for n in range(1500):
        logger.emit(body=f"m{n}", context=in_session())
    provider.force_flush()
    provider.shutdown()
    assert store.messages() == [f"m{n}" for n in range(1500)]


def test_a_wrong_setting_is_said_at_once() -> None:
    """Arguments are those of the settings; a URL of no known kind is refused at the start."""
    with pytest.raises(SettingsError, match=r"^app_url: expected"):
        OpenReplayLogExporter(FaultyStore(), app_url="x")
    with pytest.raises(SettingsError, match=r"^api_kee: no such setting; did you mean api_key"):
        OpenReplayLogExporter(FaultyStore(), api_kee="x")
    with pytest.raises(SettingsError, match=r"^store: ") as caught:
        OpenReplayLogExporter("mysql://me:hunter2@host/db")
    assert "hunter2" not in str(caught.value)


def test_a_repr_shows_no_credential() -> None:
    """Neither the exporter nor its settings give away what they were made of."""
    secrets: dict[str, Any] = {"api_key": "hunter2", "token_secret": token()}
    exporter = OpenReplayLogExporter("http://me:hunter2@localhost:9", **secrets)
    for thing in (exporter, exporter.store, exporter.counts, exporter.store.name):
        assert "hunter2" not in repr(thing)
        assert token() not in repr(thing)
    exporter.shutdown()
