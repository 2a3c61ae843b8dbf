"""Emit, store, look up: the same on the embedded store and on a real Elasticsearch."""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs.export import LogRecordExportResult

from openreplay_otel import (
    AsyncSessionLogs,
    LogEntry,
    OpenReplayLogExporter,
    SessionLogs,
    Store,
    open_store,
)
from tests.emitting import App, in_parts, now_ms, session_id_begun_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOTTED_NAME: Any = {"value.deep": 3}
ODD_NAMES: Any = {" ..odd. name.": 1, "a b": "2"}


@pytest.fixture(params=["sqlite", "elasticsearch"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each of the two stores, empty."""
    if request.param == "sqlite":
        opened = open_store(f"sqlite:///{tmp_path}/logs.db")
    else:
        server = request.getfixturevalue("es")
        opened = open_store(server.store_url)
    yield opened
    opened.close()


def export(store: Store, app: App, *, part: int = 500) -> OpenReplayLogExporter:
    """Export what an app logged, in requests of ``part`` records; every one has to be taken."""
    exporter = OpenReplayLogExporter(store)
    for records in in_parts(app.take(), part):
        assert exporter.export(records) is LogRecordExportResult.SUCCESS
        assert exporter.force_flush()
    store.make_visible()
    return exporter


def lookup(store: Store, mode: str, session_id: str, **filters: Any) -> list[LogEntry]:
    """All entries, by the synchronous or the asynchronous lookup."""
    if mode == "sync":
        return list(SessionLogs(store).logs(session_id, **filters))

    async def collect() -> list[LogEntry]:
        return [entry async for entry in AsyncSessionLogs(store).logs(session_id, **filters)]

    return asyncio.run(collect())


@pytest.mark.integration
def test_five_thousand_records_of_twenty_sessions_come_back_complete_and_in_order(
    store: Store,
) -> None:
    """5,000 records emitted in random time order are found whole, in time order, and once, however often exported."""
    generator = random.Random(3)
    began = now_ms() - 3_600_000
    sessions = [session_id_begun_at(began + 1000 * n, n) for n in range(20)]
    lines = [(session, n) for session in sessions for n in range(250)]
    generator.shuffle(lines)
    app = App()
    for session, n in lines:
        at_ms = began + 20_000 + 37 * n
        if n % 50 == 7:
            try:
                raise ConnectionError(f"gateway {n} is away")
            except ConnectionError as error:
                app.log(
                    session, "payment %d failed", n, level=logging.ERROR, at_ms=at_ms, error=error
                )
        else:
            app.log(session, "step %d", n, at_ms=at_ms, order=n)
    records = app.take()
    exporter = OpenReplayLogExporter(store)
    for _ in range(2):
        for part in in_parts(records, 700):
            assert exporter.export(part) is LogRecordExportResult.SUCCESS
            assert exporter.force_flush()
    store.make_visible()

    assert (exporter.counts.accepted, exporter.counts.delivered) == (10_000, 10_000)
    for session in sessions:
        entries = list(SessionLogs(store).logs(session))
        expected = [f"payment {n} failed" if n % 50 == 7 else f"step {n}" for n in range(250)]
        assert [entry.message for entry in entries] == expected
        failed = [entry for entry in entries if entry.exception is not None]
        assert [entry.message for entry in failed] == [
            f"payment {n} failed" for n in range(7, 250, 50)
        ]
        assert failed == list(SessionLogs(store).logs(session, errors_only=True))
        assert {entry.exception.type for entry in failed if entry.exception} == {"ConnectionError"}


@pytest.mark.integration
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_session_of_twelve_thousand_records_is_read_whole(store: Store, mode: str) -> None:
    """Past 1,000 and past 10,000 records nothing is missing, and records of one millisecond keep their order."""
    began = now_ms()
    session = session_id_begun_at(began)
    app = App()
    for n in range(12_000):
        # Half of them in one single millisecond, more than a page of any size.
        app.log(
            session,
            "line %d",
            n,
            at_ms=began
            + (
                5
                if 2000 <= n < 8000
                else n / 100 + (80 if n >= 8000 else 0) - (21 if n < 2000 else 0)
            ),
        )
    export(store, app, part=1500)
    assert [e.message for e in lookup(store, mode, session)] == [f"line {n}" for n in range(12_000)]
    limited = lookup(store, mode, session, limit=2500)
    assert [e.message for e in limited] == [f"line {n}" for n in range(2500)]


@pytest.mark.integration
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_filters_choose_the_same_records_on_every_store(store: Store, mode: str) -> None:
    """Level, errors, time, text and limit each give just the records they name."""
    began = now_ms() - 60_000
    session, other = session_id_begun_at(began), session_id_begun_at(began, 2)
    app = App()
    app.log(session, "cart opened", level=logging.DEBUG, at_ms=began + 1000)
    app.log(session, "Cart has 3 items", at_ms=began + 2000)
    app.log(session, "stock is low", level=logging.WARNING, at_ms=began + 3000)
    try:
        raise ValueError("the card was declined")
    except ValueError as error:
        app.log(session, "payment failed", level=logging.ERROR, at_ms=began + 4000, error=error)
    app.log(other, "cart of somebody else", at_ms=began + 1500)
    app.log(None, "cart of nobody", at_ms=began + 1600)
    export(store, app)

    def found(**filters: object) -> list[str]:
        return [entry.message for entry in lookup(store, mode, session, **filters)]

    whole = ["cart opened", "Cart has 3 items", "stock is low", "payment failed"]
    assert found() == whole
    assert found(level="debug") == whole
    assert found(level="warning") == whole[2:]
    assert found(errors_only=True) == ["payment failed"]
    assert found(since=timedelta(seconds=2)) == whole[1:]
    assert found(until=timedelta(seconds=2)) == whole[:1]
    assert found(text="CART") == whole[:2]
    assert found(text="cart items") == ["Cart has 3 items"]
    assert found(text='"3 items"') == ["Cart has 3 items"]
    assert found(text='"items 3"') == []
    assert found(text="declined") == ["payment failed"]
    assert found(text="ValueError payment") == ["payment failed"]
    assert found(text="nowhere") == []
    assert found(limit=2) == whole[:2]
    assert found(limit=0) == []


@pytest.mark.integration
def test_sessions_are_counted_newest_first(store: Store) -> None:
    """Each session is listed with its figures; with errors_only just those that failed."""
    began = now_ms() - 600_000
    sessions = [session_id_begun_at(began + 1000 * n, n) for n in range(1200)]
    app, worker = App(), App("worker")
    for n, session in enumerate(sessions):
        app.log(session, "one", at_ms=began + 1000 * n + 10)
        if n % 400 == 3:
            worker.log(session, "two", level=logging.ERROR, at_ms=began + 1000 * n + 20)
    export(store, app)
    export(store, worker)
    found = list(SessionLogs(store, app_url="https://replay.example.com", project_id=7).sessions())
    assert [s.session_id for s in found] == sessions[::-1]
    assert {(s.records, s.errors, s.services) for s in found} == {
        (1, 0, ("shop",)),
        (2, 1, ("shop", "worker")),
    }
    failed = list(SessionLogs(store).sessions(errors_only=True))
    assert [s.session_id for s in failed] == [sessions[803], sessions[403], sessions[3]]
    assert {(s.records, s.errors, s.services) for s in failed} == {(2, 1, ("shop", "worker"))}
    newest = found[0]
    assert newest.replay_url == f"https://replay.example.com/7/session/{newest.session_id}"
    assert newest.started_at <= newest.first <= newest.last


@pytest.mark.integration
def test_odd_records_are_stored_and_found(store: Store) -> None:
    """Labels that contradict each other, thousands of them, odd bodies and surrogates cost no record."""
    began = now_ms()
    session = session_id_begun_at(began)
    app = App()
    app.log(session, "a number", at_ms=began, value=1)
    app.log(session, "a text", at_ms=began + 1, value="one")
    app.log(session, "an object", at_ms=began + 2, value={"deep": {"er": [1, None, "x"]}})
    app.log(session, "a dotted name beside", at_ms=began + 3, **DOTTED_NAME)
    app.log(session, "lone \ud800 surrogate", at_ms=began + 4)
    app.log(session, "", at_ms=began + 5)
    app.log(session, "x" * 1_000_000, at_ms=began + 6)
    app.log(session, "long label", at_ms=began + 7, value="y" * 100_000)
    for n in range(30):
        names: Any = {f"name-{n}-{m}": m for m in range(100)}
        app.log(session, "many labels %d", n, at_ms=began + 8 + n, **names)
    app.log(session, "a name", at_ms=began + 50, **ODD_NAMES)
    exporter = export(store, app)
    entries = list(SessionLogs(store).logs(session))
    assert exporter.counts.refused == 0
    assert len(entries) == 39
    assert entries[5].message == "(no message)"
    assert entries[6].document["openreplay.truncated"] is True
    assert entries[6].message.startswith("xxx")
