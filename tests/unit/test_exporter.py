"""The exporter over a store: what it answers, counts, and keeps to itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
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
    DurableLogRecordProcessor,
    OpenReplayLogExporter,
    Settings,
    SettingsError,
    StoreUnavailableError,
)
from openreplay_otel.delivery.rate_limited_log import QuietLog

from .contract import EXAMPLE_ID, token
from .faults import Clock, FaultyStore
from .processes import run_python
from .records import in_session, readable
from .spooled import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUCCESS, FAILURE = LogRecordExportResult.SUCCESS, LogRecordExportResult.FAILURE

Make = Callable[..., OpenReplayLogExporter]


@pytest.fixture
def exporter_to() -> Iterator[Make]:
    """Makes exporters with settings of their own; all are ended at the end."""
    made: list[OpenReplayLogExporter] = []

    def make(store: FaultyStore, **settings: Any) -> OpenReplayLogExporter:
        made.append(OpenReplayLogExporter(store, settings=Settings(**settings)))
        return made[-1]

    yield make
    for one in made:
        one.shutdown()


def batch(count: int = 3) -> list[Any]:
    """So many records of the example session."""
    return [
        readable(f"m{n}", session_id=EXAMPLE_ID, observed_timestamp=n + 1) for n in range(count)
    ]


def test_a_batch_is_stored_and_counted(exporter_to: Make) -> None:
    """SUCCESS, and the counts tell what was done; what is exported again is not stored again."""
    store = FaultyStore()
    exporter = exporter_to(store)
    assert exporter.export(batch()) is SUCCESS
    assert exporter.export(batch(5)) is SUCCESS
    assert exporter.force_flush() is True
    assert (8, 8, 0, {}) == (
        exporter.counts.accepted,
        exporter.counts.delivered,
        exporter.counts.refused,
        exporter.counts.dropped,
    )
    assert store.messages() == [f"[openReplaySession.id={EXAMPLE_ID}] m{n}" for n in range(5)]


def test_it_is_an_exporter_of_the_sdk(exporter_to: Make) -> None:
    """The SDK finds each of its methods, and ``openreplay`` in ``OTEL_LOGS_EXPORTER`` names it."""
    from importlib.metadata import entry_points

    assert isinstance(exporter_to(FaultyStore()), LogRecordExporter)
    (found,) = entry_points(group="opentelemetry_logs_exporter", name="openreplay")
    assert found.load() is OpenReplayLogExporter


def test_what_the_store_does_not_take_now_it_gets_later(exporter_to: Make) -> None:
    """An outage costs no record: SUCCESS, since all of the batch is on disk, and it is sent again."""
    store = FaultyStore(*[StoreUnavailableError("busy")] * 3)
    exporter = exporter_to(store)
    assert exporter.export(batch()) is SUCCESS
    wait_until(lambda: len(store.kept) == 3)


def test_what_one_process_leaves_the_next_one_delivers(exporter_to: Make) -> None:
    """Also one that has the durable processor: both keep records in the same place."""
    away = FaultyStore(*[StoreUnavailableError("away")] * 999)
    first = exporter_to(away, shutdown_timeout=0.1)
    assert first.export(batch()) is SUCCESS
    first.shutdown()
    assert {} == away.kept
    away.outcomes = []
    second = DurableLogRecordProcessor(away, settings=Settings())
    second.on_emit(batch(1)[0])
    wait_until(lambda: len(away.kept) == 4)
    second.shutdown()


KILLED = """
import os, signal, sys
from openreplay_otel import OpenReplayLogExporter
from tests.unit.test_exporter import batch
exporter = OpenReplayLogExporter("http://127.0.0.1:9")
assert exporter.export(batch()).name == "SUCCESS"
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_exported_outlives_kill_9(tmp_path: Path) -> None:
    """The batch lies on disk when ``export`` returns."""
    run_python(KILLED, {"XDG_STATE_HOME": str(tmp_path)}, status=-9)
    (segment,) = (tmp_path / "openreplay-otel").rglob("*.ndjson")
    assert 3 == segment.read_bytes().count(b'{"create":')


def test_where_there_is_no_room_it_is_a_failure_and_counted(exporter_to: Make) -> None:
    """FAILURE for the batch that no longer fits; what is there is still delivered."""
    store = FaultyStore(*[StoreUnavailableError("away")] * 999)
    exporter = exporter_to(store, spool_max_bytes=1024 * 1024, shutdown_timeout=0.1)
    large = [readable("x" * 100_000, session_id=EXAMPLE_ID) for _ in range(40)]
    assert exporter.export(large) is FAILURE
    assert exporter.counts.dropped["full"] > 0


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


def test_own_log_lines_are_not_exported(exporter_to: Make) -> None:
    """A line about the exporter is no record: a batch of such lines alone asks the store nothing."""
    store = FaultyStore()
    exporter = exporter_to(store)
    own = readable("about myself", scope=InstrumentationScope("openreplay_otel.export.exporter"))
    assert exporter.export([own]) is SUCCESS
    assert exporter.export([own, *batch(1)]) is SUCCESS
    assert exporter.force_flush() is True
    assert (1, 1) == (exporter.counts.accepted, len(store.kept))


def test_records_without_a_session_are_dropped_where_the_settings_say_so(exporter_to: Make) -> None:
    """Dropping on purpose is a success and not counted as a loss."""
    store = FaultyStore()
    exporter = exporter_to(store, sessionless="drop")
    assert exporter.export([readable("x")]) is SUCCESS
    assert exporter.export([readable("x"), *batch(1)]) is SUCCESS
    assert exporter.force_flush() is True
    assert (1, {}, 1) == (exporter.counts.accepted, exporter.counts.dropped, len(store.kept))


def test_shutdown_ends_within_its_time_while_the_store_hangs(exporter_to: Make) -> None:
    """A store that does not answer holds nobody: what is left stays for the next process."""
    asked, go_on = threading.Event(), threading.Event()

    def hang(_: object) -> Any:
        asked.set()
        go_on.wait(60)
        raise StoreUnavailableError("away")

    exporter = exporter_to(FaultyStore(*[hang] * 9), export_timeout=600, shutdown_timeout=0.2)
    assert exporter.export(batch()) is SUCCESS
    assert asked.wait(10)
    exporter.shutdown()
    go_on.set()
    assert 3 == exporter.counts.accepted


def test_a_store_opened_here_is_closed_here(tmp_path: Any) -> None:
    """One that was handed in stays open; one made of a URL is closed."""
    path = tmp_path / "logs.db"
    exporter = OpenReplayLogExporter(f"sqlite:///{path}")
    assert exporter.export(batch()) is SUCCESS
    assert exporter.force_flush() is True
    assert "logs.db" in [p.name for p in tmp_path.glob("logs.db*")]
    exporter.shutdown()
    assert ["logs.db"] == [p.name for p in tmp_path.glob("logs.db*")]


def test_counts_hold_with_many_threads(exporter_to: Make) -> None:
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
    assert 400 == exporter.counts.accepted


def test_behind_the_sdks_batch_processor_nothing_is_lost(exporter_to: Make) -> None:
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
        OpenReplayLogExporter(FaultyStore(), api_kee="x")  # pyright: ignore[reportCallIssue]
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
