"""The short form: each fault once and small, as CI runs it. ``nox -s faults`` is the long one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults import disks, exits, forks, killed, outages, table
from tests.faults.stored import OnElasticsearch, OnFaultyBulk, OnSqlite
from tests.faults.trial import Result
from tests.servers.faulty_bulk import FaultyBulk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer
    from tests.servers.faulty_bulk import Fault

pytestmark = pytest.mark.integration


@pytest.fixture
def faulty() -> Iterator[FaultyBulk]:
    """A server that speaks ``_bulk`` and keeps documents itself."""
    with FaultyBulk() as server:
        yield server


@pytest.fixture
def before_es(es: ElasticsearchServer) -> Iterator[FaultyBulk]:
    """The same before the real one."""
    with FaultyBulk(es) as server:
        yield server


@pytest.mark.parametrize("store", ["faulty", "sqlite", "elasticsearch"])
def test_a_killed_process_loses_and_doubles_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    """After ``kill -9`` at random instants, every record whose log call was back is there, once."""
    if store == "faulty":
        target = OnFaultyBulk(request.getfixturevalue("faulty"))
    elif store == "sqlite":
        target = OnSqlite(tmp_path / "logs.db")
    else:
        target = OnElasticsearch(request.getfixturevalue("es"))
    kills = {"faulty": 5, "sqlite": 2, "elasticsearch": 1}[store]
    killed.killed(
        tmp_path, target, kills=kills, records=10_000, say=print, seed=len(store)
    ).assert_once()


def test_a_killed_elasticsearch_gets_all_once_it_is_back(
    tmp_path: Path, es: ElasticsearchServer
) -> None:
    """A real Elasticsearch killed under load, and started again."""
    outages.elasticsearch_killed(
        tmp_path, es, times=1, away=0, records=8000, seconds=8, say=print
    ).assert_once()


def test_indexes_that_became_read_only_get_all_once_they_can_be_written(
    tmp_path: Path, es: ElasticsearchServer
) -> None:
    """As Elasticsearch makes them at its flood stage."""
    outages.read_only_index(tmp_path, es, seconds=3, records=2000).assert_once()


@pytest.mark.parametrize("fault", outages.SHOWN)
def test_no_wrong_answer_loses_or_doubles_a_record(
    tmp_path: Path, es: ElasticsearchServer, before_es: FaultyBulk, fault: Fault
) -> None:
    """Answers that ask to come again, none at all, and connections cut before or behind the store's deed."""
    each = 2 if "in answer" in fault or "cut" in fault else 1
    outages.faulty_answers(
        tmp_path, es, before_es, fault, each=each, seconds=2, records=2000
    ).assert_once()


def test_requests_that_are_too_large_are_made_smaller(
    tmp_path: Path, es: ElasticsearchServer, before_es: FaultyBulk
) -> None:
    """413 above a size which a proxy may have."""
    outages.too_large(tmp_path, es, before_es, most_bytes=65536, records=4000).assert_once()


def test_one_refused_document_in_a_thousand_is_a_dead_letter_and_the_others_arrive(
    tmp_path: Path, es: ElasticsearchServer
) -> None:
    """A stricter mapping refuses some; what it takes is there, what not is kept."""
    try:
        result = outages.refused(tmp_path, es, records=4000, each=1000)
    finally:
        es.wipe()
    assert (result.refused, result.delivered) == (4, 3996)
    result.assert_once()


@pytest.mark.parametrize(
    ("worker", "preload"),
    [("sync", True), ("gthread", True), ("gevent", False), ("gevent", True)],
)
def test_gunicorn_with_killed_and_recycled_workers(
    tmp_path: Path, faulty: FaultyBulk, worker: forks.Worker, preload: bool
) -> None:
    """Four workers under load, with and without a fork behind the app's load."""
    forks.gunicorn(
        tmp_path, OnFaultyBulk(faulty),
        worker=worker, preload=preload, requests=300, kills=2, max_requests=50,
    ).assert_once()  # fmt: skip


def test_eventlet(tmp_path: Path, faulty: FaultyBulk) -> None:
    """Everything patched, killed at the end."""
    forks.eventlet(tmp_path, OnFaultyBulk(faulty), requests=300).assert_once()


def test_celery_prefork(tmp_path: Path, faulty: FaultyBulk) -> None:
    """Pool processes killed and recycled."""
    forks.celery(tmp_path, OnFaultyBulk(faulty), tasks=60, kills=2).assert_once()


@pytest.mark.parametrize(("way", "processes"), [("fork", 8), ("spawn", 2), ("midst", 15)])
def test_processes_made_while_logging(
    tmp_path: Path, faulty: FaultyBulk, way: forks.Way, processes: int
) -> None:
    """``multiprocessing`` by fork and spawn, and a bare ``os.fork``."""
    forks.forking(
        tmp_path, OnFaultyBulk(faulty), way, records=100, processes=processes
    ).assert_once()


@pytest.mark.parametrize("moment", ["start", "import", "connect"])
def test_forks_early_in_the_life_of_the_delivering_thread(
    tmp_path: Path, faulty: FaultyBulk, moment: forks.Moment
) -> None:
    """No child hangs, or lacks what the thread was importing."""
    forks.early(tmp_path, OnFaultyBulk(faulty), moment, forks=20).assert_once()


@pytest.mark.parametrize(("options", "more"), forks.UWSGI, ids=lambda one: " ".join(map(str, one)))
def test_uwsgi_delivers_all_in_its_usual_modes(
    tmp_path: Path, faulty: FaultyBulk, options: tuple[str, ...], more: dict[str, bool]
) -> None:
    """It forks in C, without Python's hooks, and without threads where it is not told to have them."""
    forks.uwsgi(tmp_path, OnFaultyBulk(faulty), *options, requests=60, **more).assert_once()


def test_a_full_disk(tmp_path: Path, faulty: FaultyBulk) -> None:
    """What does not fit waits in memory."""
    disks.full(tmp_path, faulty, records=8000).assert_once()


def test_a_removed_spool(tmp_path: Path, faulty: FaultyBulk) -> None:
    """What was in it is delivered by the process that has it open."""
    disks.removed(tmp_path, faulty, records=4000, seconds=3).assert_once()


def test_a_read_only_spool(tmp_path: Path, faulty: FaultyBulk) -> None:
    """All waits in memory."""
    disks.read_only(tmp_path, faulty, records=4000).assert_once()


def test_garbage_in_the_spool(tmp_path: Path, faulty: FaultyBulk) -> None:
    """The documents among it are delivered."""
    disks.garbage(tmp_path, faulty, records=4000).assert_once()


@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
@pytest.mark.parametrize("way", exits.WAYS)
def test_the_end_of_a_program_whose_store_is_away(
    tmp_path: Path, faulty: FaultyBulk, way: exits.Way, hangs: bool
) -> None:
    """It ends, and the next one delivers what it had queued."""
    exits.ended(tmp_path, faulty, way, records=10_000, hangs=hangs).assert_once()


def test_the_table_keeps_the_rows_of_other_faults(tmp_path: Path) -> None:
    """A run of some faults changes their rows, and adds new ones at the end."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\n{table.END}\nafter\n")
    first = [Result("one", 5, 5, 0, 0, [1000]), Result("two", 6, 6, 0, 0, [1000], note="so")]
    table.write([table.row_of(one) for one in first], page)
    table.write([table.row_of(Result("one", 7, 8, 0, 0, [2000], 3))], page)
    lines = page.read_text().splitlines()
    assert lines[4:6] == [
        "| one: 3 dead letters | 7 | 8 | 0 | 0 | 2.0 ms |",
        "| two: so | 6 | 6 | 0 | 0 | 1.0 ms |",
    ]
    assert (lines[0], lines[-1]) == ("before", "after")
