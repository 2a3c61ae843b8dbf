"""Looking sessions up, in ordinary code and with asyncio, by the same tests: entries and summaries."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import (
    AsyncSessionLogs,
    ExceptionInfo,
    InvalidSessionError,
    LogEntry,
    Session,
    SessionLogs,
    SessionSummary,
    Settings,
    SettingsError,
    StoreLayoutError,
)
from openreplay_otel.stores.base import Hit

from .contract import EXAMPLE_ID, EXAMPLE_STARTED_MS, id_beginning_at, token
from .faults import FaultyStore
from .lookups import numbers
from .stored import STARTED, document

if TYPE_CHECKING:
    from pathlib import Path

    from openreplay_otel.stores.sqlite.store import SqliteStore

OTHER = id_beginning_at(EXAMPLE_STARTED_MS + 1000)


def test_an_entry_tells_all_of_a_record(lookup: Any, store: SqliteStore) -> None:
    """Each field of a document, without the tag, with the offset and the link into the recording."""
    fields: dict[str, Any] = {
        "service.name": "shop",
        "log.logger": "shop.pay",
        "error.type": "ValueError",
        "error.message": "bad card",
        "error.stack_trace": "Traceback",
        "trace.id": "a" * 32,
        "span.id": "b" * 16,
    }
    store.write([document(1, "boom", at=timedelta(seconds=90), level="error", extra=fields)])
    (entry,) = lookup.logs(store, EXAMPLE_ID)
    assert entry == LogEntry(
        timestamp=STARTED + timedelta(seconds=90),
        level="error",
        message="boom",
        service="shop",
        logger="shop.pay",
        exception=ExceptionInfo("ValueError", "bad card", "Traceback"),
        trace_id="a" * 32,
        span_id="b" * 16,
        session_id=EXAMPLE_ID,
        offset=timedelta(seconds=90),
        replay_url=f"https://or.example/5/session/{EXAMPLE_ID}?jumpto=90000",
        document=entry.document,
        document_id="id000000001",
    )
    assert f"[openReplaySession.id={EXAMPLE_ID}] boom" == entry.document["message"]
    assert entry.timestamp.tzinfo is timezone.utc
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.message = "x"
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.exception.type = "x"


def test_what_a_document_does_not_hold_is_none(lookup: Any, store: SqliteStore) -> None:
    """A bare record; one before the session's start has a negative offset and the link to its start."""
    store.write([document(1, "x", at=timedelta(seconds=-1))])
    (entry,) = lookup.logs(store, EXAMPLE_ID)
    assert (None,) * 5 == (
        entry.service,
        entry.logger,
        entry.exception,
        entry.trace_id,
        entry.span_id,
    )
    assert entry.offset == timedelta(seconds=-1)
    assert entry.replay_url.endswith("?jumpto=0")


def test_without_the_address_there_is_no_link_but_the_stored_one(store: SqliteStore) -> None:
    """A link that was stored is given; none is made up."""
    store.write(
        [document(1), document(2, extra={"openreplay.session.url": "https://stored.example/x"})]
    )
    with SessionLogs(store) as logs:
        assert [None, "https://stored.example/x"] == [
            entry.replay_url for entry in logs.logs(EXAMPLE_ID)
        ]
        (summary,) = logs.sessions()
    assert summary.replay_url is None


@pytest.mark.parametrize(
    "text",
    [
        Session(EXAMPLE_ID),
        EXAMPLE_ID,
        f" {EXAMPLE_ID}\n",
        token(expires_ms=1),
        token(delay=None),
        f"https://or.example/5/session/{EXAMPLE_ID}?jumpto=1",
    ],
)
def test_a_session_is_named_in_any_way(lookup: Any, store: SqliteStore, text: Any) -> None:
    """By an object, an id, a token, or a link."""
    store.write([document(1), document(2, session_id=OTHER)])
    assert [1] == numbers(lookup.logs(store, text))


@pytest.mark.parametrize("text", ["", "x", "0", token()[:-50] + "!"])
def test_what_is_no_session_is_refused_at_once(lookup: Any, store: SqliteStore, text: str) -> None:
    """Before anything is read, and without repeating the text."""
    with pytest.raises(InvalidSessionError, match="is not a session"):
        lookup.logs(store, text)


def test_nested_and_dotted_documents_read_alike(lookup: Any) -> None:
    """The Collector may nest what we write with dots: to Elasticsearch, and here, it is the same."""
    common = {"@timestamp": "2024-01-24T02:27:40.324Z", "level": "error"}
    message = f"[openReplaySession.id={EXAMPLE_ID}][openReplaySessionToken={EXAMPLE_ID}] boom"
    dotted = {
        "service.name": "shop",
        "log.logger": "l",
        "error.type": "E",
        "error.message": "m",
        "trace.id": "t",
        "span.id": "s",
    }
    nested = {
        "service": {"name": "shop"},
        "log": {"logger": "l"},
        "error": {"type": "E", "message": "m"},
        "trace": {"id": "t"},
        "span": {"id": "s"},
    }
    mixed = {
        "service": {"name": "shop"},
        "log.logger": "l",
        "error": {"type": "E"},
        "error.message": "m",
        "trace.id": "t",
        "span": {"id": "s"},
    }
    store = FaultyStore()
    store.hits = [
        Hit("x", common | {"message": message} | form) for form in (dotted, nested, mixed)
    ]
    entries = [dataclasses.replace(entry, document={}) for entry in lookup.logs(store, EXAMPLE_ID)]
    assert entries[0] == entries[1] == entries[2]
    assert ("shop", "boom") == (entries[0].service, entries[0].message)
    assert entries[0].exception == ExceptionInfo("E", "m", None)
    assert entries[0].offset == timedelta(seconds=1)


@pytest.mark.parametrize(
    "time", [None, 1706063259324, "", "yesterday", "9999-12-31T23:59:59-23:00", {"a": 1}]
)
def test_a_document_without_a_time_is_said_to_be_foreign(lookup: Any, time: Any) -> None:
    """One sentence that names the document."""
    store = FaultyStore()
    store.hits = [Hit("doc-7", {"@timestamp": time, "message": "x"})]
    with pytest.raises(StoreLayoutError, match=r"^the document doc-7 has no readable @timestamp"):
        lookup.logs(store, EXAMPLE_ID)


def test_documents_with_odd_values_are_shown(lookup: Any) -> None:
    """Null, numbers and lists where a text belongs do not break the list."""
    store = FaultyStore()
    odd = [None, 5, ["x"], {"y": 1}, True]
    store.hits = [
        Hit(
            "x",
            {
                "@timestamp": "2024-01-24T02:27:40Z",
                "message": v,
                "level": v,
                "service": v,
                "error": v,
                "trace.id": v,
            },
        )
        for v in odd
    ]
    entries = lookup.logs(store, EXAMPLE_ID)
    assert all(isinstance(entry.message, str) and isinstance(entry.level, str) for entry in entries)
    assert ("", "info", None) == (entries[0].message, entries[0].level, entries[0].exception)


def test_sessions_are_summed_up(lookup: Any, store: SqliteStore) -> None:
    """Newest first, frozen, with the start read from the id and a link to the whole recording."""
    store.write(
        [
            document(1, extra={"service.name": "shop"}),
            document(2, level="error"),
            document(3, session_id=OTHER),
        ]
    )
    newer, older = lookup.sessions(store)
    assert older == SessionSummary(
        session_id=EXAMPLE_ID,
        started_at=STARTED,
        first=STARTED + timedelta(milliseconds=1),
        last=STARTED + timedelta(milliseconds=2),
        records=2,
        errors=1,
        services=("shop",),
        replay_url=f"https://or.example/5/session/{EXAMPLE_ID}",
    )
    assert OTHER == newer.session_id
    assert [EXAMPLE_ID] == [s.session_id for s in lookup.sessions(store, errors_only=True)]
    late = STARTED + timedelta(milliseconds=3)
    assert [OTHER] == [s.session_id for s in lookup.sessions(store, since=late)]
    assert [EXAMPLE_ID] == [s.session_id for s in lookup.sessions(store, until=late)]
    with pytest.raises(dataclasses.FrozenInstanceError):
        newer.records = 5


def test_a_missing_store_is_said_while_iterating(lookup: Any, tmp_path: Path) -> None:
    """The error of the store comes through as it is."""
    url = f"sqlite:///{tmp_path}/none.db"
    for look in (lambda: lookup.logs(url, EXAMPLE_ID), lambda: lookup.sessions(url)):
        with pytest.raises(StoreLayoutError, match="nothing was logged to it yet"):
            look()


def test_a_store_is_taken_from_the_settings(
    lookup: Any, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By URL, from the environment, or the one of the settings."""
    store.write([document(1)])
    assert [1] == numbers(lookup.logs(store.name, EXAMPLE_ID))
    monkeypatch.setenv("OPENREPLAY_OTEL_STORE", store.name)
    assert [1] == numbers(lookup.logs(None, EXAMPLE_ID))
    assert store.name == lookup.kind(settings=Settings(store=store.name)).store.name


def test_only_a_store_opened_here_is_closed_here() -> None:
    """A store that was handed in belongs to the caller."""
    store = FaultyStore()
    with SessionLogs(store):
        pass
    assert 0 == store.closed


def test_the_loop_goes_on_while_a_page_is_read() -> None:
    """A slow store holds up nobody else in the event loop."""
    import threading

    released = threading.Event()

    class Slow(FaultyStore):
        def search(self, query: Any) -> Any:
            assert released.wait(10)
            yield self.hits

    async def both() -> list[LogEntry]:
        entries = AsyncSessionLogs(Slow()).logs(EXAMPLE_ID)
        reading = asyncio.ensure_future(_collect(entries))
        await asyncio.sleep(0)
        released.set()
        return await reading

    assert [] == asyncio.run(both())


async def _collect(entries: Any) -> list[Any]:
    return [entry async for entry in entries]


def test_counts_are_the_same_with_asyncio(store: SqliteStore) -> None:
    """Overview, histogram and services; places and the end of a session."""
    store.write([document(n, extra={"service.name": "shop"}) for n in range(20)])
    until = STARTED + timedelta(milliseconds=20)

    async def counted() -> list[Any]:
        async with AsyncSessionLogs(store) as logs:
            last = [e async for e in logs.logs(EXAMPLE_ID, limit=2, from_end=True)]
            before = [e async for e in logs.logs(EXAMPLE_ID, before=last[0].position)]
            histogram = await logs.histogram(EXAMPLE_ID, since=STARTED, until=until, bins=4)
            overview = await logs.overview(EXAMPLE_ID)
            return [numbers(last), len(before), histogram, overview, await logs.services()]

    with SessionLogs(store) as logs:
        assert asyncio.run(counted()) == [
            [18, 19],
            18,
            [(n, 5, 0) for n in range(4)],
            logs.overview(EXAMPLE_ID),
            ["shop"],
        ]
        with pytest.raises(SettingsError, match="limit: from the end"):
            logs.logs(EXAMPLE_ID, from_end=True)
        with pytest.raises(SettingsError, match="level: expected"):
            logs.sessions(level="grave")
