"""The spool: a queue on disk that several threads fill, and what it does when the disk gives no more."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel.spool import Spool
from openreplay_otel.spool import appending as append_side
from openreplay_otel.spool import spool as spool_module

from .faults import Clock
from .processes import Fork, forking
from .spooled import (
    MEBIBYTE,
    adopted_from,
    append,
    line,
    lines,
    names_in,
    numbers_in,
    spool_in,
    take,
    taken_from,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty one."""
    made = spool_in(tmp_path / "spool")
    yield made
    made.close()


def adopted_by(spool: Spool) -> None:
    """Let a spool take over all that ended processes left."""
    for file in spool.folder.files():
        recovered = spool.folder.adopt(file)
        if recovered is not None:
            spool.adopt(recovered)


def give_up(spool: Spool, now: float | None = None) -> None:
    """Keep within the limits, as the upkeep does."""
    files = spool.folder.files()
    spool.keep_within_limits(files, time.time() if now is None else now, lambda _: None)


def test_what_goes_in_comes_out_once_and_leaves_nothing(spool: Spool) -> None:
    """In its order; when all is done the files go."""
    append(spool, *range(100))
    assert (100, 100, False) == (spool.accepted, spool.queued, spool.is_empty)
    assert list(range(100)) == taken_from(spool, 300)
    assert (0, 0, True) == (spool.queued, spool.queued_bytes, spool.is_empty)
    spool.remove_finished(is_idle=True)
    assert [] == names_in(spool.folder.path)
    append(spool, 100)
    assert [100] == taken_from(spool)


def test_the_two_kinds_lie_in_segments_of_their_own(spool: Spool) -> None:
    """So that those without a session can be given up first."""
    append(spool, 1, 3)
    append(spool, 2, has_session=False)
    assert [False, True] == [file.has_sessions for file in spool.folder.files()]
    assert [1, 3, 2] == taken_from(spool)


def test_nothing_lies_on_disk_before_there_is_something(tmp_path: Path) -> None:
    """An app that logs nothing makes no folder."""
    spool = spool_in(tmp_path / "spool")
    assert spool.take(100) is None
    spool.close()
    assert [] == names_in(tmp_path)


def test_threads_append_while_another_one_takes(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each document comes once, over many segments, in the order of its thread."""
    monkeypatch.setattr(spool, "_segment_bytes", 4096)
    threads = [
        threading.Thread(target=append, args=(spool, *range(n * 1000, n * 1000 + 500)))
        for n in range(4)
    ]
    found: list[int] = []
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found += taken_from(spool, 1000)
        spool.remove_finished(is_idle=False)
    found += taken_from(spool)
    assert sorted(n * 1000 + i for n in range(4) for i in range(500)) == sorted(found)
    for n in range(4):
        own = [one for one in found if one // 1000 == n]
        assert own == sorted(own)
    spool.remove_finished(is_idle=True)
    assert [] == names_in(spool.folder.path)


def test_a_full_spool_takes_no_more_and_counts(tmp_path: Path) -> None:
    """Between two looks at the limits it does not grow beyond them either."""
    spool = spool_in(tmp_path, max_bytes=16 * 1024)
    taken = [spool.append(line(n, size=900), True) for n in range(40)]
    assert taken == sorted(taken, reverse=True)
    assert 0 < taken.count(False) < 40
    counts = spool.tally.counts(spool.accepted)
    assert (40, {"full": taken.count(False)}) == (counts.accepted, counts.dropped)
    assert sum(file.size for file in spool.folder.files()) <= 18 * 1024
    spool.close()


def test_when_full_those_without_a_session_go_first_then_the_oldest(tmp_path: Path) -> None:
    """Whole segments at a time, and what was given up is counted."""
    spool = spool_in(tmp_path, max_bytes=16 * 4096)
    append(spool, *range(30), size=900)
    append(spool, *range(100, 134), has_session=False, size=900)
    give_up(spool)
    counts = spool.tally.counts(spool.accepted)
    left = taken_from(spool)
    assert list(range(30)) == [n for n in left if n < 100]
    assert {"full": 64 - len(left)} == counts.dropped
    assert 30 < len(left) < 64
    spool.remove_finished(is_idle=True)
    append(spool, *range(200, 265), size=900)
    give_up(spool)
    left = taken_from(spool)
    assert left == list(range(left[0], 265))
    assert left[0] > 200
    spool.close()


def test_what_is_too_old_is_given_up_once_it_has_been_tried(tmp_path: Path) -> None:
    """Even where there is room."""
    spool = spool_in(tmp_path, max_age=3600)
    append(spool, 1, 2)
    give_up(spool, time.time() + 4000)
    assert 2 == spool.queued
    spool.give_back(take(spool))
    give_up(spool, time.time() + 3500)
    assert 2 == spool.queued
    give_up(spool, time.time() + 3700)
    assert (0, {"age": 2}) == (spool.queued, spool.tally.counts(0).dropped)
    append(spool, 3)
    assert [3] == taken_from(spool)
    spool.close()


def test_what_an_ended_process_left_long_ago_is_tried_before_it_is_given_up(tmp_path: Path) -> None:
    """The machine was off for a week; the store is there, or it is not."""
    for is_there in (True, False):
        folder = tmp_path / str(is_there)
        ended = spool_in(folder)
        append(ended, 1, 2)
        ended.close()
        (file,) = folder.glob("*.ndjson")
        os.utime(file, (0, 0))
        spool = spool_in(folder)
        adopted_by(spool)
        give_up(spool)
        if is_there:
            assert [1, 2] == taken_from(spool)
        else:
            spool.give_back(take(spool))
            give_up(spool)
        assert 0 == spool.queued
        assert spool.tally.counts(0).dropped == ({} if is_there else {"age": 2})
        spool.close()


def test_ended_processes_records_come_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    """However many segments they are in; one's own come behind them."""
    for number in range(12):
        ended = spool_in(tmp_path)
        append(ended, number)
        ended.close()
    spool = spool_in(tmp_path)
    append(spool, 100)
    adopted_by(spool)
    assert [*range(12), 100] == taken_from(spool)
    spool.close()


def test_what_is_on_the_disk_stays_there_while_the_disk_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Queued behind all else it would only be in memory, and be lost if the process were killed."""
    spool = spool_in(tmp_path)
    append(spool, 1, 2)
    taken = take(spool)

    def fails(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    (segment,) = spool._segments
    monkeypatch.setattr(segment.medium, "write", fails)
    monkeypatch.setattr(spool.folder, "make_segment", fails)
    assert spool.append_again(taken) is False
    spool.give_back(taken)
    append(spool, 3)
    assert spool.append_again(take(spool)) is False
    for one in spool._segments:
        one.medium.release()
    assert [1, 2] == adopted_from(tmp_path)


def test_what_is_on_its_way_when_it_is_given_up_is_counted_when_it_comes_back(
    tmp_path: Path,
) -> None:
    """It may still arrive; then nothing was lost."""
    for arrives in (True, False):
        spool = spool_in(tmp_path / str(arrives))
        append(spool, 1, 2)
        spool.give_back(take(spool))
        taken = take(spool)
        give_up(spool, time.time() + 4000)
        assert 0 == spool.tally.dropped()
        if arrives:
            spool.done(taken)
        else:
            spool.give_back(taken)
        assert (0 if arrives else 2) == spool.tally.dropped()
        spool.close()


def test_the_shipper_is_told_of_the_first_and_of_enough(spool: Spool) -> None:
    """And not of each record: the app's threads have no time for that."""
    told: list[str] = []
    spool.on_first, spool.on_data = lambda: told.append("first"), lambda: told.append("data")
    append(spool, 1, 2)
    assert ["first"] == told
    spool.saw_data()
    assert spool.await_data(len(lines(1, 2)))
    append(spool, 3)
    assert ["first"] == told
    append(spool, 4)
    assert ["first", "data"] == told
    spool.saw_data()
    append(spool, 5, 6, 7)
    assert ["first", "data"] == told
    assert not spool.await_data(1)


@pytest.mark.parametrize("obstacle", ["full", "short", "gone"])
def test_without_a_disk_records_wait_in_memory_and_later_go_to_disk_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    obstacle: str,
) -> None:
    """Nothing is lost, what was taken before neither; the trouble is noted for the shipper to tell."""
    clock = Clock()
    path = tmp_path / "spool"
    spool = spool_in(path, clock=clock)
    append(spool, 1, 2)
    segment = spool._segments[0]
    if obstacle == "gone":
        spool.close()
        assert [1, 2] == adopted_from(path)
        shutil.rmtree(path)
        path.write_bytes(b"a file in its place")
        append(spool, 1, 2)
    elif obstacle == "full":
        full = os.open("/dev/full", os.O_WRONLY)
        request.addfinalizer(partial(os.close, full))
        monkeypatch.setattr(segment.medium, "write", partial(os.write, full))
    else:
        real = segment.medium.write
        monkeypatch.setattr(segment.medium, "write", lambda content: real(content[:20]))
    append(spool, 3, 4)
    assert [True] == [one.in_memory for one in spool._active.values() if one is not None]
    assert 1 == len(spool.troubles)
    assert [1, 2, 3, 4] == taken_from(spool)
    if obstacle == "gone":
        path.unlink()
    append(spool, 5)
    clock.now += 6
    spool.use_disk_again()
    append(spool, 6)
    assert [False] == [one.in_memory for one in spool._active.values() if one is not None]
    assert [5, 6] == taken_from(spool)
    assert 0 == spool.tally.dropped()
    spool.close()


def test_memory_has_an_end_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not hold is counted, and so is what was in it when the process ends."""
    for module in (append_side, spool_module):
        monkeypatch.setattr(module, "MEMORY_BYTES", 40_000)
        monkeypatch.setattr(module, "MEMORY_SEGMENT", 10_000)
    (tmp_path / "x").write_bytes(b"")
    spool = spool_in(tmp_path / "x")
    taken = [spool.append(line(n, size=900), True) for n in range(60)]
    assert 30 < taken.count(True) < 60
    assert {"full": taken.count(False)} == spool.tally.counts(0).dropped
    spool.close()
    assert 60 == spool.tally.dropped()
    assert taken.count(True) == spool.tally.counts(0).dropped["memory"]


@forking
def test_a_limit_of_file_sizes_is_a_full_disk(tmp_path: Path) -> None:
    """A real one, of the system: the end that was cut is mended, and all of it comes out."""

    def limited(_: Any) -> list[Any]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        spool = spool_in(tmp_path)
        append(spool, *range(50))
        first = spool._segments[0]
        whole = (tmp_path / first.name).stat().st_size == first.size
        in_memory = sum(one.in_memory for one in spool._segments)
        return [whole, in_memory, len(spool.troubles), taken_from(spool)]

    assert [True, 1, 1, list(range(50))] == Fork(limited).result()


def test_removed_files_are_left_for_new_ones(spool: Spool) -> None:
    """What they hold is delivered all the same; what comes afterwards is safe again."""
    append(spool, 1, 2)
    assert not spool.leave_removed_files()
    shutil.rmtree(spool.folder.path)
    assert spool.leave_removed_files()
    append(spool, 3)
    assert 1 == len(spool.folder.files())
    assert [1, 2, 3] == taken_from(spool)
    spool.remove_finished(is_idle=True)
    assert [] == names_in(spool.folder.path)


def test_after_close_the_files_are_anybodys_and_new_records_are_kept(tmp_path: Path) -> None:
    """The next process gets both; nothing is written to what it may have taken over."""
    spool = spool_in(tmp_path)
    append(spool, 1, 2)
    taken = take(spool, 1)
    spool.close()
    assert [1, 2] == adopted_from(tmp_path)
    spool.done(taken)
    append(spool, 3)
    assert [1, 2] == adopted_from(tmp_path)
    spool.close()
    assert [1, 2, 3] == adopted_from(tmp_path)


def test_a_close_that_meets_a_broken_disk_raises_nothing(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs at the end of the app."""
    append(spool, 1)
    assert [1] == taken_from(spool)
    monkeypatch.setattr(type(spool.folder.path), "unlink", _fails)
    spool.close()
    monkeypatch.undo()
    assert [] == adopted_from(spool.folder.path)


def test_waiting_ends_when_all_is_done_and_not_because_it_was_left(spool: Spool) -> None:
    """Whoever flushes in another thread is not told that all is stored when the process is ending."""
    append(spool, 1)
    marks = spool.marks()
    append(spool, 2)
    assert not spool.wait_for(marks, 0.01, lambda: False)
    assert not spool.wait_for(marks, 60, lambda: True)
    spool.done(take(spool, 1))
    assert spool.wait_for(marks, 60, lambda: False)
    marks = spool.marks()
    spool.close()
    assert not spool.wait_for(marks, 0.01, lambda: False)


@forking
def test_a_killed_process_leaves_all_that_it_took(tmp_path: Path) -> None:
    """Not one record whose append had returned is missing."""

    def killed(pause: Any) -> None:
        spool = spool_in(tmp_path)
        append(spool, *range(1000))
        spool.done(take(spool, len(lines(*range(10)))))
        os.kill(os.getpid(), signal.SIGKILL)

    Fork(killed).wait_for_end()
    assert list(range(10, 1000)) == adopted_from(tmp_path)


@forking
def test_a_fork_in_the_middle_of_another_threads_append(tmp_path: Path) -> None:
    """The child begins anew, whatever locks were held; neither has what is the other's."""
    spool, going_on = spool_in(tmp_path), threading.Event()
    sent: list[int] = []

    def busy() -> None:
        while not going_on.is_set():
            append(spool, len(sent))
            sent.append(len(sent))

    thread = threading.Thread(target=busy)
    thread.start()

    def child(_: Any) -> list[Any]:
        spool.after_fork_in_child()
        append(spool, 1_000_001, 1_000_002)
        found = taken_from(spool)
        append(spool, 1_000_003)
        return [spool.accepted, found]

    results = [Fork(child).result() for _ in range(10)]
    going_on.set()
    thread.join()
    assert [[3, [1_000_001, 1_000_002]]] * 10 == results
    assert sent == taken_from(spool)
    assert [1_000_003] * 10 == adopted_from(tmp_path)
    spool.close()


def test_a_signal_handler_that_logs_in_the_middle_of_an_append(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No deadlock, and both documents are there: before, in the middle of and after the write itself."""
    append(spool, 0)
    segment, numbers = spool._segments[0], iter(range(100, 200))
    real = segment.medium.write

    def handler(*_: object) -> None:
        append(spool, next(numbers))

    def interrupted(content: bytes) -> int:
        monkeypatch.setattr(segment.medium, "write", real)
        signal.raise_signal(signal.SIGUSR1)
        written = real(content)
        signal.raise_signal(signal.SIGUSR1)
        return written

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        for n in (1, 2, 3):
            monkeypatch.setattr(segment.medium, "write", interrupted)
            append(spool, n)
        with spool.tally._lock:
            spool.tally.drop("full", 1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [0, 1, 2, 3, 100, 101, 102, 103, 104, 105] == sorted(taken_from(spool))
    assert 0 == spool.queued


def test_synced_records_are_brought_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each one before its call returns, where that is asked for; else none."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for always in (False, True):
        spool = spool_in(tmp_path, syncs_always=always)
        append(spool, 1, 2, 3)
        assert (3 if always else 0) == len(synced)
        spool.close()


def test_what_is_queued_again_comes_behind_all_else(spool: Spool) -> None:
    """And is counted once."""
    append(spool, 1, 2)
    held = take(spool)
    append(spool, 3)
    held.lines = line(2)
    assert spool.append_again(held)
    spool.done(held)
    assert (3, [3, 2]) == (spool.accepted, taken_from(spool))


def test_the_oldest_that_is_not_done_can_be_looked_at(spool: Spool) -> None:
    """Its time tells how long the queue waits."""
    assert b"" == spool.oldest_lines()
    append(spool, 1, 2)
    spool.done(take(spool, 1))
    assert spool.oldest_lines().startswith(line(2))
    assert [2] == numbers_in(take(spool, MEBIBYTE).lines)


def _fails(*_: object, **__: object) -> None:
    raise OSError("read-only file system")
