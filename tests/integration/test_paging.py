"""What a page asks of a store, on the embedded one and on a real Elasticsearch: places, counts, choices."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import LogEntry, OpenReplayLogExporter, SessionLogs, open_store
from openreplay_otel.errors import StoreUnavailableError
from openreplay_otel.stores.base import Bin
from tests.emitting import App, in_parts, now_ms, session_id_begun_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from openreplay_otel import Store
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration
COUNT = 700
_DAY = 86_400_000


def at(unix_ms: float) -> datetime:
    """A moment."""
    return datetime.fromtimestamp(0, timezone.utc) + timedelta(milliseconds=unix_ms)


@pytest.fixture(params=["sqlite", "elasticsearch"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each of the two stores, empty."""
    if request.param == "sqlite":
        opened = open_store(f"sqlite:///{tmp_path}/logs.db")
    else:
        opened = open_store(request.getfixturevalue("es").store_url)
    yield opened
    opened.close()


def export(store: Store, *apps: App) -> None:
    """Bring what apps logged to a store."""
    exporter = OpenReplayLogExporter(store)
    for app in apps:
        for records in in_parts(app.take(), 1500):
            exporter.export(records)
            assert exporter.force_flush()
    assert (exporter.counts.refused, exporter.counts.dropped) == (0, {})
    exporter.shutdown()
    store.make_visible()


def messages(entries: Iterator[LogEntry]) -> list[str]:
    """What entries say."""
    return [entry.message for entry in entries]


@pytest.mark.parametrize("size", [1, 7, 100, 300])
def test_pages_from_place_to_place_give_every_record_once(store: Store, size: int) -> None:
    """Forwards and backwards, in the order of time, with most of the records in a few milliseconds."""
    began = now_ms() - 60_000
    session, app = session_id_begun_at(began), App()
    for n in range(COUNT):
        app.log(session, "line %d", n, at_ms=began + n // 290)
    export(store, app)
    logs = SessionLogs(store)
    whole = [f"line {n}" for n in range(COUNT)]
    steps = COUNT if size == 1 else COUNT // size + 2
    forwards: list[LogEntry] = []
    for _ in range(min(steps, 40)):
        place = forwards[-1].position if forwards else None
        forwards += logs.logs(session, after=place, limit=size)
    backwards: list[LogEntry] = []
    for _ in range(min(steps, 40)):
        place = backwards[0].position if backwards else None
        backwards = [*logs.logs(session, before=place, limit=size, from_end=True), *backwards]

    expected = min(COUNT, 40 * size)
    assert messages(iter(forwards)) == whole[:expected]
    assert messages(iter(backwards)) == whole[COUNT - expected :]
    middle = forwards[len(forwards) // 2].position
    between = logs.logs(session, after=forwards[0].position, before=middle)
    assert messages(between) == whole[1 : len(forwards) // 2]


def test_a_place_may_lie_deep_in_a_single_millisecond(store: Store) -> None:
    """More records of one time than a page of Elasticsearch takes, on both sides of the place."""
    began = now_ms() - 60_000
    session, app = session_id_begun_at(began), App()
    for n in range(2500):
        app.log(session, "line %d", n, at_ms=began + 5)
    export(store, app)
    logs = SessionLogs(store)
    places = [entry.position for entry in logs.logs(session)]
    for number in (0, 999, 1200, 2498, 2499):
        after = messages(logs.logs(session, after=places[number], limit=3))
        assert after == [f"line {n}" for n in range(number + 1, min(2500, number + 4))]
        before = messages(logs.logs(session, before=places[number], limit=3, from_end=True))
        assert before == [f"line {n}" for n in range(max(0, number - 3), number)]
    assert len(list(logs.logs(session, after=places[100], limit=2000))) == 2000


def test_records_are_chosen_by_service_trace_and_id(store: Store) -> None:
    """One after the other and together with other filters; of another session nothing."""
    began = now_ms() - 60_000
    session, other = session_id_begun_at(began), session_id_begun_at(began, 2)
    shop, bank = App(), App("bank")
    for n in range(6):
        (shop if n < 4 else bank).log(session, "line %d", n, at_ms=began + n)
        shop.log(other, "line %d", n, at_ms=began + n)
    records = [*shop.take(), *bank.take()]
    for record in records:
        record.log_record.trace_id = 1 + int(str(record.log_record.body)[-1]) % 2
    exporter = OpenReplayLogExporter(store)
    exporter.export(records)
    exporter.shutdown()
    store.make_visible()
    logs = SessionLogs(store)
    entries = list(logs.logs(session))

    assert messages(logs.logs(session, service="bank")) == ["line 4", "line 5"]
    assert messages(logs.logs(session, service="ban")) == []
    assert messages(logs.logs(session, trace_id=f"{1:032x}")) == ["line 0", "line 2", "line 4"]
    assert messages(logs.logs(session, trace_id=f"{1:032x}", service="shop")) == [
        "line 0",
        "line 2",
    ]
    assert messages(logs.logs(session, document_id=entries[3].document_id)) == ["line 3"]
    assert messages(logs.logs(other, document_id=entries[3].document_id)) == []
    assert messages(logs.logs(session, document_id="nothing")) == []


def test_a_session_is_counted_by_service_level_and_time(store: Store) -> None:
    """Shares, first and last, and equal parts of its time; nothing is None and no part."""
    began = now_ms() - 600_000
    session, other = session_id_begun_at(began), session_id_begun_at(began, 2)
    shop, bank = App(), App("bank")
    for n in range(100):
        shop.log(session, "line %d", n, at_ms=began + 1000 * n)
    for n in (10, 10.5, 99):
        bank.log(session, "failed", level=logging.ERROR, at_ms=began + 1000 * n)
    shop.log(other, "somebody else's", at_ms=began + 5000)
    export(store, shop, bank)
    logs = SessionLogs(store)
    found = logs.overview(session)

    assert found is not None
    assert [tuple(share) for share in found.shares] == [
        ("bank", "error", 3, 3),
        ("shop", "info", 100, 0),
    ]
    assert (found.records, found.errors) == (103, 3)
    assert (found.last - found.first) // timedelta(seconds=1) == 99
    assert logs.overview(session_id_begun_at(began, 3)) is None
    bins = logs.histogram(session, since=at(began), until=at(began + 100_000), bins=10)
    assert [Bin(0, 10, 0), Bin(1, 12, 2), *(Bin(n, 10, 0) for n in range(2, 9))] == [*bins[:9]]
    assert bins[9] == Bin(9, 11, 1)
    # With 300 ms a part, the records lie in every third or fourth one.
    fine = logs.histogram(session, since=at(began), until=at(began + 100_000), bins=333)
    assert sum(one.records for one in fine) == 103
    assert sum(one.errors for one in fine) == 3
    assert {one.records for one in fine} == {1, 2}
    assert not logs.histogram(session, since=at(began - 9000), until=at(began), bins=10)


@pytest.fixture
def many(store: Store) -> tuple[SessionLogs, list[str], float]:
    """Thirty sessions, one a minute, each going on for three minutes; some fail, some use the bank.

    They begin on two days, so that they lie in two indexes.
    """
    began = now_ms() // _DAY * _DAY - 900_000
    sessions = [session_id_begun_at(began + 60_000 * n, n + 1) for n in range(30)]
    shop, bank = App(), App("bank")
    for n, session in enumerate(sessions):
        for minute in range(3):
            moment = began + 60_000 * (n + minute) + 1000
            shop.log(session, "step %d", minute, at_ms=moment)
            if n % 3 == 0 and minute == 1:
                bank.log(session, "card declined", level=logging.WARNING, at_ms=moment + 1)
            if n % 5 == 0 and minute == 2:
                shop.log(session, "order failed", level=logging.ERROR, at_ms=moment + 2)
    export(store, shop, bank)
    return SessionLogs(store), sessions, began


def test_sessions_are_chosen_by_what_they_hold(many: Any) -> None:
    """By service, level and words, each session with all of its figures; errors may be other records."""
    logs, sessions, _ = many

    def chosen(**filters: Any) -> list[int]:
        return [sessions.index(one.session_id) for one in logs.sessions(**filters)]

    assert chosen() == list(range(29, -1, -1))
    assert chosen(service="bank") == [27, 24, 21, 18, 15, 12, 9, 6, 3, 0]
    assert chosen(service="nobody") == []
    assert chosen(level="warning", service="shop") == [25, 20, 15, 10, 5, 0]
    assert chosen(level="error", service="bank") == []
    assert chosen(text="declined card", level="warning") == [27, 24, 21, 18, 15, 12, 9, 6, 3, 0]
    assert chosen(text='"declined card"') == []
    assert chosen(text="declined", service="shop") == []
    assert chosen(errors_only=True) == [25, 20, 15, 10, 5, 0]
    assert chosen(errors_only=True, service="bank") == [15, 0]
    assert chosen(errors_only=True, text="declined", limit=1) == [15]
    (found,) = logs.sessions(errors_only=True, service="bank", before_id=sessions[15])
    assert (found.records, found.errors, found.services) == (5, 1, ("bank", "shop"))
    assert [*logs.services()] == ["bank", "shop"]


def test_sessions_are_listed_page_by_page(many: Any) -> None:
    """From one session on, with a limit that filters do not make smaller."""
    logs, sessions, _ = many
    for filters in ({}, {"errors_only": True}, {"service": "bank", "errors_only": True}):
        whole = [one.session_id for one in logs.sessions(**filters)]
        paged: list[str] = []
        while found := [
            one.session_id
            for one in logs.sessions(**filters, limit=4, before_id=paged[-1] if paged else None)
        ]:
            assert len(found) == min(4, len(whole) - len(paged))
            paged += found
        assert paged == whole
    assert list(logs.sessions(limit=0)) == []
    assert list(logs.sessions(before_id=sessions[0])) == []


def test_figures_of_a_time_are_those_of_its_records_only(many: Any) -> None:
    """Of sessions that began before it or go on after it, too; what lies outside does not choose them."""
    logs, sessions, began = many

    def chosen(first: float, last: float, **filters: Any) -> list[tuple[int, int, int]]:
        found = logs.sessions(
            since=at(began + 60_000 * first), until=at(began + 60_000 * last), **filters
        )
        return [(sessions.index(one.session_id), one.records, one.errors) for one in found]

    # Minutes 5 to 7: session 3 ends in it, 4 and 5 lie about it, 6 and 7 begin in it.
    assert chosen(5, 8) == [(7, 1, 0), (6, 3, 0), (5, 4, 1), (4, 2, 0), (3, 1, 0)]
    assert chosen(5, 8, errors_only=True) == [(5, 4, 1)]
    assert chosen(5, 7, errors_only=True) == []
    assert chosen(5, 8, service="bank") == [(6, 3, 0)]
    assert chosen(5, 8, text="declined") == [(6, 3, 0)]
    assert chosen(4, 5, text="declined") == [(3, 2, 0)]
    assert chosen(5, 8, limit=2) == [(7, 1, 0), (6, 3, 0)]
    assert chosen(50, 60) == []


def test_an_index_that_cannot_be_read_is_named_and_not_left_out(es: ElasticsearchServer) -> None:
    """Half of the answer would look like all of it: the list says which index is missing, and why."""
    store = open_store(es.store_url)
    began, app = now_ms() - 60_000, App()
    session = session_id_begun_at(began)
    app.log(session, "here", at_ms=began)
    export(store, app)
    nowhere = {"settings": {"index.routing.allocation.require._name": "nobody"}}
    es.expect("PUT", "/openreplay-logs-2001.02.03?wait_for_active_shards=0", nowhere)
    logs = SessionLogs(store)
    assert messages(logs.logs(session)) == ["here"]
    lookups: list[Callable[[], Any]] = [
        lambda: [*logs.sessions()],
        lambda: [*logs.sessions(errors_only=True, text="here")],
        logs.services,
    ]
    for ask in lookups:
        with pytest.raises(
            StoreUnavailableError, match=r"missing shards .*openreplay-logs-2001\.02\.03"
        ):
            ask()
