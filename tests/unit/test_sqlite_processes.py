"""The embedded store and several processes: writing at once, starting at once, and forks."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openreplay_otel.stores.sqlite.store import SqliteStore

from .processes import Fork, forking
from .stored import document, numbers_of

if TYPE_CHECKING:
    from collections.abc import Callable

PROCESSES = 4
EACH = 2000
SHARED = 500
ROUNDS = 25


def write_with_others(folder: str, number: int, barrier: Any, results: Any) -> None:
    """What each process does: start on many new files at once with the others, then write 2,000 documents."""
    try:
        for n in range(ROUNDS):
            barrier.wait(60)
            store = SqliteStore(Path(folder) / f"new{n}.db")
            store.write([document(number), document(100)])
            store.close()
        store = SqliteStore(Path(folder) / "logs.db")
        barrier.wait(60)
        accepted = known = 0
        for begin in range(0, EACH, 100):
            numbers = range(begin, begin + 100)
            # The first 500 are the same in every process.
            batch = [document(n if n < SHARED else number * 10_000 + n) for n in numbers]
            result = store.write(batch)
            accepted, known = accepted + result.accepted, known + result.known
        store.close()
        results.put((accepted, known))
    except BaseException as error:
        barrier.abort()
        results.put((0, repr(error)))
        raise


def test_processes_that_write_at_once_store_everything_once(tmp_path: Path) -> None:
    """Four fresh processes: new files made at the same moment, then 2,000 documents each, some the same."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(PROCESSES), context.Queue()
    workers = [
        context.Process(target=write_with_others, args=(str(tmp_path), n, barrier, results))
        for n in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    outcomes = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join(60)
    assert [0] * PROCESSES == [worker.exitcode for worker in workers], outcomes
    distinct = SHARED + PROCESSES * (EACH - SHARED)
    assert distinct == sum(accepted for accepted, _ in outcomes)
    assert PROCESSES * EACH - distinct == sum(known for _, known in outcomes)
    found = numbers_of(SqliteStore(tmp_path / "logs.db"))
    expected = [
        *range(SHARED),
        *(w * 10_000 + n for w in range(PROCESSES) for n in range(SHARED, EACH)),
    ]
    assert found == sorted(expected)
    for n in range(ROUNDS):
        assert [*range(PROCESSES), 100] == numbers_of(SqliteStore(tmp_path / f"new{n}.db"))


def look_and_leave(path: Path) -> Callable[[Callable[[], None]], int]:
    """Another program that looks into the file and leaves as its last user, which clears the log of SQLite away."""

    def look(_: Callable[[], None]) -> int:
        connection = sqlite3.connect(path)
        count = connection.execute("SELECT count(*) FROM logs").fetchone()[0]
        connection.close()
        return int(count)

    return look


@forking
def test_what_a_forked_child_writes_is_kept(tmp_path: Path) -> None:
    """The parent used the store before the fork and ends; another program looks in between: nothing is lost."""
    path = tmp_path / "logs.db"
    store = SqliteStore(path)
    store.write([document(1)])

    def in_child(pause: Callable[[], None]) -> None:
        store.write([document(2)])
        pause()
        store.write([document(3)])
        pause()
        store.write([document(4)])
        store.close()

    child = Fork(in_child)
    child.until_paused()
    store.write([document(5)])
    store.close()
    assert 3 == Fork(look_and_leave(path)).result()
    child.go_on()
    child.until_paused()
    assert 4 == Fork(look_and_leave(path)).result()
    child.go_on()
    child.result()
    assert [1, 2, 3, 4, 5] == numbers_of(store)


@forking
def test_parent_and_children_write_on_after_forks(tmp_path: Path) -> None:
    """Workers forked one after the other, as gunicorn does it, all with the same store object."""
    store = SqliteStore(tmp_path / "logs.db")
    children = []
    for n in range(5):
        store.write([document(n * 100)])
        batch = [document(n * 100 + m) for m in range(1, 20)]
        children.append(Fork(lambda _, batch=batch: [store.write([one]).accepted for one in batch]))
    store.write([document(1000)])
    assert [[1] * 19] * 5 == [child.result() for child in children]
    store.close()
    assert numbers_of(store) == [*(n * 100 + m for n in range(5) for m in range(20)), 1000]


@forking
def test_a_fork_in_the_middle_of_a_write_hangs_nobody(tmp_path: Path) -> None:
    """While one thread writes all the time, another one forks: each child can write at once."""
    store = SqliteStore(tmp_path / "logs.db")
    stop = threading.Event()
    written: list[int] = []

    def keep_writing() -> None:
        while not stop.is_set():
            number = 100_000 + len(written) * 100
            store.write([document(n) for n in range(number, number + 100)])
            written.append(number)

    thread = threading.Thread(target=keep_writing)
    thread.start()
    try:
        children = [Fork(lambda _, n=n: store.write([document(n)]).accepted) for n in range(15)]
        assert [1] * 15 == [child.result() for child in children]
    finally:
        stop.set()
        thread.join()
    store.close()
    found = numbers_of(store)
    assert found[:15] == list(range(15))
    assert len(found) == 15 + 100 * len(written)


@forking
def test_a_store_made_after_a_fork_is_nobody_elses(tmp_path: Path) -> None:
    """Stores that are gone leave nothing behind that a fork would trip over."""
    for n in range(10):
        store = SqliteStore(tmp_path / f"{n}.db")
        store.write([document(n)])
        store.close()
        del store
    assert Fork(lambda _: os.getppid()).result() == os.getpid()
