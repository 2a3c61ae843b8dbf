"""The embedded store: what is written is found, filtered, in order and once."""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import sqlite3
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import orjson
import pytest

from openreplay_otel import SettingsError, open_store
from openreplay_otel.stores.base import (
    Document,
    LogQuery,
    Position,
    SessionQuery,
    WriteResult,
)
from openreplay_otel.stores.sqlite import queries as sqlite_queries
from openreplay_otel.stores.sqlite.store import SqliteStore

from .contract import EXAMPLE_ID, EXAMPLE_STARTED_MS, id_beginning_at
from .stored import STARTED, document, ids_of, numbers_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OTHER = id_beginning_at(EXAMPLE_STARTED_MS + 1000)


def test_what_was_written_is_found(store: SqliteStore) -> None:
    """The document comes back as it was, with its id, and nothing of other sessions."""
    mine = document(1, "hello", extra={"labels.a": "ä 😀"})
    assert WriteResult(accepted=3) == store.write(
        [mine, document(2, session_id=OTHER), document(3, session_id=None)]
    )
    (page,) = store.search(LogQuery(session_id=EXAMPLE_ID))
    assert [(hit.id, hit.source) for hit in page] == [(mine.id, orjson.loads(mine.source))]


def test_a_repeated_document_is_known_and_stored_once(store: SqliteStore) -> None:
    """Within one request and over several; the first version stays."""
    first, changed = document(1, "first"), document(1, "changed")
    assert WriteResult(accepted=2, known=1) == store.write([first, first, document(2)])
    assert WriteResult(accepted=1, known=1) == store.write([changed, document(3)])
    (page,) = store.search(LogQuery(session_id=EXAMPLE_ID))
    assert ["first", "message 2", "message 3"] == [
        hit.source["message"].split("] ")[1] for hit in page
    ]


def test_writing_nothing_is_fine(store: SqliteStore) -> None:
    """An empty request makes the file and stores nothing."""
    assert WriteResult() == store.write([])
    assert [] == numbers_of(store)


@pytest.mark.parametrize("count", [999, 1000, 1001, 2000, 10_001])
def test_any_number_is_found_in_time_order(store: SqliteStore, count: int) -> None:
    """Past a page of a thousand and past ten thousand, written in random order, with equal times."""
    numbers = list(range(count))
    random.Random(7).shuffle(numbers)
    batch = [document(n, at=timedelta(milliseconds=n // 3)) for n in numbers]
    for begin in range(0, count, 4000):
        store.write(batch[begin : begin + 4000])
    assert numbers_of(store) == list(range(count))
    assert numbers_of(store, limit=1000) == list(range(min(count, 1000)))
    assert numbers_of(store, limit=1001) == list(range(min(count, 1001)))


@pytest.mark.parametrize("size", [400_000, 3_000_000, 20_000_000])
def test_a_page_holds_a_bounded_part_of_large_documents(store: SqliteStore, size: int) -> None:
    """However large they are, a page is as large as its limit and one document at most; none is left out."""
    count = 2 * sqlite_queries.PAGE_CHARACTERS // size + 3
    for n in range(count):
        store.write([document(n, message="m" * size)])
    pages = [len(page) for page in store.search(LogQuery(session_id=EXAMPLE_ID))]
    assert sum(pages) == count
    assert max(pages) <= sqlite_queries.PAGE_CHARACTERS // size + 1
    assert numbers_of(store, limit=count - 1) == list(range(count - 1))


@pytest.mark.parametrize(("limit", "found"), [(0, 0), (1, 1), (4, 4), (5, 5), (6, 5), (None, 5)])
def test_a_limit_takes_the_first_ones(store: SqliteStore, limit: int | None, found: int) -> None:
    """At most so many, from the beginning of the session."""
    store.write([document(n) for n in range(5)])
    assert numbers_of(store, limit=limit) == list(range(found))


def test_records_of_one_time_stand_in_the_order_of_their_ids(store: SqliteStore) -> None:
    """Ids ascend with emission, so equal times keep its order."""
    for n in (3, 1, 2):
        store.write([document(n, at=timedelta(0))])
    assert [1, 2, 3] == numbers_of(store)


def test_errors_only_finds_errors_and_exceptions(store: SqliteStore) -> None:
    """By the tag: an exception logged at level info counts."""
    store.write(
        [
            document(1),
            document(2, level="error"),
            document(3, extra={"tags": ["x", "error"]}),
            document(4, extra={"tags": "error"}),
            document(5, extra={"tags": ["no-error"]}),
            document(6, extra={"tags": None}),
            document(7, extra={"tags": 7}),
        ]
    )
    assert [2, 3, 4] == numbers_of(store, errors_only=True)


def test_levels_are_filtered(store: SqliteStore) -> None:
    """Only those named; none named means all."""
    levels = ["debug", "info", "warning", "error"]
    store.write([document(n, level=level) for n, level in enumerate(levels)])
    assert [2, 3] == numbers_of(store, levels=("warning", "error"))
    assert [0] == numbers_of(store, levels=("debug",))
    assert [0, 1, 2, 3] == numbers_of(store, levels=())


def test_times_are_bounds_with_the_lower_in_and_the_upper_out(store: SqliteStore) -> None:
    """To the microsecond."""
    store.write([document(n, at=timedelta(microseconds=n)) for n in range(5)])
    at = [STARTED + timedelta(microseconds=n) for n in range(6)]
    assert [1, 2] == numbers_of(store, since=at[1], until=at[3])
    assert [] == numbers_of(store, since=at[5])
    assert [] == numbers_of(store, until=at[0])
    assert [] == numbers_of(store, since=at[3], until=at[1])


@pytest.mark.parametrize(
    ("phrases", "found"),
    [
        (("payment",), [1, 2, 4]),
        (("PAYMENT",), [1, 2, 4]),
        (("pay",), []),
        (("payment failed",), [1]),
        (("failed payment",), [2]),
        (("payment", "failed"), [1, 2]),
        (("payment", "missing"), []),
        (("card-1234",), [3]),
        (("ValueError",), [4]),
        (("shop.py",), [5]),
        (("bäcker",), [6]),
        (('say "payment"',), []),
        (("payment*",), [1, 2, 4]),
        (("payment OR card",), []),
        (("NEAR(payment failed)",), []),
        (("text:payment",), []),
        (("openReplaySession",), [1, 2, 3, 4, 5, 6]),
        (("'; DROP TABLE logs; --",), []),
        (('"',), []),
        (("",), []),
    ],
)
def test_phrases_are_whole_words_in_any_case(
    store: SqliteStore, phrases: tuple[str, ...], found: list[int]
) -> None:
    """In the message and in the exception; the language of the search engine is only text here."""
    store.write(
        [
            document(1, "The payment failed: timeout"),
            document(2, "failed payment"),
            document(3, "card-1234 refused"),
            document(4, "x", extra={"error.message": "payment is a ValueError"}),
            document(5, "x", extra={"error.stack_trace": 'File "/app/shop.py", line 1'}),
            document(6, "Der Bäcker"),
        ]
    )
    assert found == numbers_of(store, phrases=phrases)


def test_filters_go_together(store: SqliteStore) -> None:
    """All that are given have to hold, over several pages."""
    store.write(
        [
            document(n, "odd" if n % 2 else "even", level="error" if n % 3 == 0 else "info")
            for n in range(4000)
        ]
    )
    expected = [n for n in range(4000) if n % 6 == 3 and n >= 30]
    query = {
        "errors_only": True,
        "phrases": ("odd",),
        "since": STARTED + timedelta(milliseconds=30),
    }
    assert expected == numbers_of(store, **query, levels=("error",))
    assert expected[:7] == numbers_of(store, **query, limit=7)


def test_sessions_are_summed_up_newest_first(store: SqliteStore) -> None:
    """Counts, times and services of each session; records without one belong to none."""
    store.write(
        [
            document(1, extra={"service.name": "b"}),
            document(2, level="error", extra={"service.name": "a"}),
            document(3),
        ]
    )
    store.write(
        [document(4, session_id=OTHER, extra={"service.name": "c"}), document(5, session_id=None)]
    )
    (page,) = store.sessions(SessionQuery())
    at = [STARTED + timedelta(milliseconds=n) for n in range(6)]
    assert [tuple(figures) for figures in page] == [
        (OTHER, at[4], at[4], 1, 0, ("c",)),
        (EXAMPLE_ID, at[1], at[3], 3, 1, ("a", "b")),
    ]


def test_sessions_are_filtered_by_errors_and_time(store: SqliteStore) -> None:
    """The figures are those of the time asked for; an error at another time does not count."""
    store.write(
        [document(1, level="error"), document(9), document(5, session_id=OTHER, level="error")]
    )

    def found(**query: Any) -> list[tuple[str, int, int]]:
        pages = store.sessions(SessionQuery(**query))
        return [(f.session_id, f.records, f.errors) for page in pages for f in page]

    late = STARTED + timedelta(milliseconds=5)
    assert [(OTHER, 1, 1), (EXAMPLE_ID, 2, 1)] == found(errors_only=True)
    assert [(OTHER, 1, 1), (EXAMPLE_ID, 1, 0)] == found(since=late)
    assert [(OTHER, 1, 1)] == found(errors_only=True, since=late)
    assert [(EXAMPLE_ID, 1, 1)] == found(until=late)
    assert [] == found(since=late, until=late)


def test_thousands_of_sessions_are_paged(store: SqliteStore) -> None:
    """Each once, the newest first, over more than two pages."""
    sessions = [id_beginning_at(EXAMPLE_STARTED_MS + n) for n in range(2500)]
    store.write([document(n, session_id=one) for n, one in enumerate(sessions)])
    pages = [[figures.session_id for figures in page] for page in store.sessions(SessionQuery())]
    assert [1000, 1000, 500] == [len(page) for page in pages]
    assert [one for page in pages for one in page] == sessions[::-1]


def test_a_search_goes_on_while_others_write(store: SqliteStore) -> None:
    """Pages are stable: what comes later in time is seen, what was given is not given again."""
    store.write([document(n) for n in range(1500)])
    pages = store.search(LogQuery(session_id=EXAMPLE_ID))
    first = [hit.id for hit in next(pages)]
    store.write([document(n) for n in range(1500, 1600)])
    rest = [hit.id for page in pages for hit in page]
    assert first + rest == [document(n).id for n in range(1600)]


def test_several_threads_write_and_read_at_once(store: SqliteStore) -> None:
    """Eight threads over one store: everything is there once."""
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for n in range(20):
                store.write([document(thread * 1000 + n), document(n)])
                assert numbers_of(store, limit=5)
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == errors
    assert numbers_of(store) == sorted(
        {n for t in range(8) for n in range(t * 1000, t * 1000 + 20)}
    )


def test_a_store_goes_on_after_close(store: SqliteStore) -> None:
    """Closing twice is fine, and using it opens it again."""
    store.write([document(1)])
    store.close()
    store.close()
    assert [1] == numbers_of(store)
    assert WriteResult(accepted=1, known=1) == store.write([document(1), document(2)])
    store.make_visible()
    assert [1, 2] == numbers_of(store)


def test_the_file_is_in_wal_mode_and_says_whose_it_is(store: SqliteStore) -> None:
    """Readers do not wait for writers, and other programs can tell the file's kind."""
    assert () == store.prepare()
    path = store.name.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    found = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "application_id", "user_version")
    ]
    connection.close()
    assert ["wal", 0x4F52_4F54, 2] == found


@pytest.mark.parametrize(
    "source",
    [
        b"{",
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b'{"@timestamp":1,"level":"info"}',
        b'{"@timestamp":"x","level":null}',
    ],
)
def test_what_is_no_document_is_refused_and_the_others_are_stored(
    store: SqliteStore, source: bytes
) -> None:
    """As Elasticsearch does: one bad document does not cost its neighbours."""
    bad = Document("index", "bad", source)
    result = store.write([document(1), bad, document(2)])
    assert (2, 0, 1) == (result.accepted, result.known, len(result.refused))
    assert (bad, 400) == (result.refused[0].document, result.refused[0].status)
    assert result.refused[0].reason.startswith("not a document to store: ")
    assert [1, 2] == numbers_of(store)


@pytest.mark.parametrize("name", ["a b.db", "a?b.db", "a#b.db", "ä.db", "100%.db", "a;b&c.db"])
def test_a_path_may_hold_any_letter(tmp_path: Path, name: str) -> None:
    """The path is a path and no URL."""
    store = SqliteStore(tmp_path / name)
    store.write([document(1)])
    assert [1] == numbers_of(store)
    store.close()
    assert [name] == [path.name for path in tmp_path.iterdir()]


def test_a_store_is_opened_by_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute and relative, with percent-encoded letters; no file is made before it is used."""
    monkeypatch.chdir(tmp_path)
    assert f"sqlite:///{tmp_path}/a.db" == open_store("sqlite:///a.db").name
    assert f"sqlite:///{tmp_path}/a b.db" == open_store(f"sqlite:///{tmp_path}/a%20b.db").name
    assert f"SqliteStore('{tmp_path}/a.db')" == repr(open_store("sqlite:///a.db"))
    assert f"sqlite:///{tmp_path}/state/openreplay-otel/logs.db" == open_store().name
    monkeypatch.setenv("OPENREPLAY_OTEL_STORE", "sqlite:///env.db")
    assert f"sqlite:///{tmp_path}/env.db" == open_store().name
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url",
    ["sqlite:///", "sqlite://a.db", "sqlite:a.db", "mysql://me:hunter2@x/y", "logs.db", "://"],
)
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    """One sentence that does not repeat a password."""
    with pytest.raises(SettingsError, match=r"^store: ") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


def test_ids_are_the_same_for_any_document(store: SqliteStore) -> None:
    """The id alone tells documents apart, whatever session they claim."""
    same = document(1, session_id=OTHER)
    assert WriteResult(accepted=1, known=1) == store.write([document(1), same])
    assert [] == ids_of(store, OTHER)


def test_a_file_of_the_first_version_is_brought_up_to_date(store: SqliteStore) -> None:
    """Its sessions are counted once, by whoever asks first; what is written later is counted with them."""
    store.write([document(1), document(2, level="error"), document(3, session_id=None)])
    store.close()
    path = store.name.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP TRIGGER tally_of_log; DROP TABLE tallies; PRAGMA user_version = 1"
    )
    connection.close()

    assert [1, 2] == numbers_of(store)
    ((figures,),) = store.sessions(SessionQuery())
    assert (figures.records, figures.errors) == (2, 1)
    store.write([document(2, level="error"), document(4)])
    found = store.overview(EXAMPLE_ID)
    assert found is not None
    assert [("", "error", 1, 1), ("", "info", 2, 0)] == [tuple(share) for share in found.shares]


def test_a_list_of_sessions_counts_no_record(store: SqliteStore) -> None:
    """It reads the tallies, in the order of their key; with a time, only records of sessions on its edges."""
    store.prepare()
    path = store.name.removeprefix("sqlite:///")
    late = STARTED + timedelta(hours=1)
    with contextlib.closing(sqlite3.connect(path)) as connection:

        def plan(query: SessionQuery) -> str:
            text, values = sqlite_queries.sessions(query, OTHER, 50)
            rows = connection.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
            return "; ".join(row[3] for row in rows)

        for query in (
            SessionQuery(),
            SessionQuery(errors_only=True, since=late, service="a", levels=("error",)),
        ):
            steps = plan(query).replace("USE TEMP B-TREE FOR json_group_array(DISTINCT)", "")
            assert "SEARCH tallies USING PRIMARY KEY (session_id<?)" in steps
            assert "logs" not in steps
            assert "TEMP B-TREE" not in steps
        words = plan(SessionQuery(phrases=("boom",)))
        assert "SCAN logs" not in words


@pytest.mark.parametrize(
    "query",
    [
        LogQuery(session_id=EXAMPLE_ID, after=Position("2024-01-24T02:27:39.324000Z", "a")),
        LogQuery(session_id=EXAMPLE_ID, before=Position("2024-01-24T02:27:39.324000Z", "a"), from_end=True),
        LogQuery(session_id=EXAMPLE_ID, since=STARTED, levels=("error",), from_end=True),
    ],
    ids=["after", "before", "last"],
)  # fmt: skip
def test_a_page_of_a_long_session_is_read_in_the_index_s_order(
    store: SqliteStore, query: LogQuery
) -> None:
    """Nothing is sorted, and no record before the place is read: the last page is as quick as the first."""
    store.prepare()
    text, values = sqlite_queries.records(query, 201)
    path = store.name.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    (step,) = steps
    assert re.match(
        r"SEARCH logs USING INDEX logs_of_session \(session_id=\? AND \(?timestamp", step
    )


def test_what_is_deleted_is_counted_and_found_no_more(store: SqliteStore) -> None:
    """Neither in a list of sessions, nor in a session, nor by its words; the rest is counted as it is left."""
    store.write([document(1, "old"), document(2, level="error"), document(3, session_id=OTHER)])
    store.write([document(4, session_id=None), document(5)])
    assert 2 == store.delete_before(STARTED + timedelta(milliseconds=3), dry_run=True)
    assert 2 == store.delete_before(STARTED + timedelta(milliseconds=3), dry_run=False)
    assert [5] == numbers_of(store)
    assert [] == numbers_of(store, phrases=("old",))
    (page,) = store.sessions(SessionQuery())
    assert {EXAMPLE_ID: (1, 0), OTHER: (1, 0)} == {
        s.session_id: (s.records, s.errors) for s in page
    }
    found = store.overview(EXAMPLE_ID)
    assert found is not None
    assert (found.first, found.last) == (STARTED + timedelta(milliseconds=5),) * 2

    assert 1 == store.delete_sessions([OTHER, "77"])
    assert store.overview(OTHER) is None
    ((left,),) = store.sessions(SessionQuery())
    assert EXAMPLE_ID == left.session_id


_TAKEN_AWAY: dict[str, Callable[[Path], object]] = {
    "removed": lambda path: path.unlink(),
    "moved": lambda path: path.rename(path.with_name("old.db")),
    "its folder removed": lambda path: shutil.rmtree(path.parent),
    "its folder moved": lambda path: path.parent.rename(path.parent.with_name("away")),
    "another one in its place": lambda path: (
        path.rename(path.with_name("old.db")),
        SqliteStore(path).write([document(100)]),
    ),
}


@pytest.mark.parametrize("how", _TAKEN_AWAY)
def test_a_file_that_is_taken_away_is_made_again(tmp_path: Path, how: str) -> None:
    """What is stored from then on is found under the name; nothing goes into a file without one."""
    path = tmp_path / "folder" / "logs.db"
    store = SqliteStore(path)
    store.write([document(1)])
    _TAKEN_AWAY[how](path)
    assert 1 == store.write([document(2)]).accepted
    store.write([document(3)])
    assert [2, 3] == [number for number in numbers_of(SqliteStore(path)) if number < 100]
    store.close()


def test_a_file_that_is_taken_away_during_a_write_gets_the_rows_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look for it and the end of the write."""
    path = tmp_path / "logs.db"
    store = SqliteStore(path)
    store.write([document(1)])
    insert = store._in_turns

    def removed_meanwhile(seconds: float, action: Callable[[Any], int]) -> int:
        monkeypatch.undo()
        added = insert(seconds, action)
        path.unlink()
        return added

    monkeypatch.setattr(store, "_in_turns", removed_meanwhile)
    assert 1 == store.write([document(2)]).accepted
    assert [2] == numbers_of(SqliteStore(path))
    store.close()


@pytest.mark.parametrize(("fsync", "level"), [("never", 1), ("interval", 1), ("always", 2)])
def test_the_file_is_synced_where_the_spool_is(
    tmp_path: Path, fsync: Literal["never", "interval", "always"], level: int
) -> None:
    """Else a record would be gone from the spool and not yet on the disk."""
    store = open_store(f"sqlite:///{tmp_path}/logs.db", spool_fsync=fsync)
    assert isinstance(store, SqliteStore)
    store.prepare()
    assert store._writer is not None
    assert (level,) == store._writer.execute("PRAGMA synchronous").fetchone()
    store.close()
