"""The worker: what it does about each answer of a store, until all is delivered or a dead letter."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import StoreAccessError, StoreLayoutError, StoreUnavailableError
from openreplay_otel.delivery import worker as worker_module
from openreplay_otel.delivery.wakeups import Wakeups
from openreplay_otel.delivery.worker import DeliveryWorker
from openreplay_otel.spool.dead_letters import DeadLetters, dead_letters_in
from openreplay_otel.stores.base import Document, RefusedDocument, WriteResult

from .faults import FaultyStore
from .spooled import MEBIBYTE, append, line, lines, spool_in, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from openreplay_otel.spool import Spool
    from openreplay_otel.spool.counts import DeliveryCounts

BUSY = StoreUnavailableError("busy")
TOO_LARGE = StoreUnavailableError("413", too_large=True)
BAD_REQUEST = StoreLayoutError("cannot be read", is_bad_request=True)


class Bench:
    """A spool, a store and the worker between them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = FaultyStore()
        self.spool: Spool = spool_in(path)
        self.worker = DeliveryWorker(
            self.spool,
            self.store,
            DeadLetters(self.spool.folder, MEBIBYTE),
            request_max_bytes=MEBIBYTE,
            request_timeout=7,
        )
        self.spool.on_first, self.spool.on_data = self.worker.start, self.worker.wake

    def flush(self, *numbers: int, size: int = 0) -> bool:
        """Append documents, at once so that they share a request, and bring all to the store."""
        if numbers:
            assert self.spool.append(lines(*numbers, size=size), True, len(numbers))
        return self.worker.flush(60)

    @property
    def counts(self) -> DeliveryCounts:
        """What was done."""
        return self.spool.tally.counts(self.spool.accepted)

    def sent(self) -> list[list[int]]:
        """The numbers in each request."""
        return [[int(one.id[2:]) for one in request] for request in self.store.requests]

    def dead(self) -> list[dict[str, Any]]:
        """The dead letters."""
        return [letter for _, letters in dead_letters_in(self.path) for letter in letters]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """All of it, with short pauses."""
    monkeypatch.setattr(worker_module, "pause_before", lambda *_: 0.01)
    made = Bench(tmp_path)
    yield made
    made.worker.stop(60)
    made.spool.close()


def refusing(*numbers: int, status: int = 400) -> Callable[[Sequence[Document]], WriteResult]:
    """An outcome: some are refused."""

    def outcome(request: Sequence[Document]) -> WriteResult:
        bad = [one for one in request if int(one.id[2:]) in numbers]
        refused = [RefusedDocument(one, status, "no such field") for one in bad]
        return WriteResult(accepted=len(request) - len(bad), refused=refused)

    return outcome


def is_clean(bench: Bench, records: int) -> bool:
    """Whether so many were taken, all are delivered once and nothing else happened."""
    counts = bench.counts
    found = (counts.accepted, counts.delivered, counts.refused, counts.dropped)
    kept, is_empty = len(bench.store.kept), bench.spool.is_empty
    return (found, kept, is_empty) == ((records, records, 0, {}), records, True)


def test_what_is_appended_is_delivered_without_being_asked_for(bench: Bench) -> None:
    """The first record starts it, those that come shortly after share a request."""
    append(bench.spool, *range(10))
    wait_until(lambda: is_clean(bench, 10))
    assert [7] * len(bench.store.timeouts) == bench.store.timeouts
    assert (1, 0) == (bench.store.prepared, bench.counts.retried)
    append(bench.spool, *range(10, 20))
    wait_until(lambda: is_clean(bench, 20))


def test_records_that_come_during_a_request_share_the_next_ones(bench: Bench) -> None:
    """Each request makes the app's threads wait for the interpreter, so there are few of them."""

    def slow(request: Sequence[Document]) -> WriteResult:
        time.sleep(0.01)
        return bench.store.accept(request)

    bench.store.outcomes = [slow] * 1000
    for n in range(300):
        append(bench.spool, n)
        time.sleep(0.005)
    wait_until(lambda: bench.counts.delivered == 300)
    assert len(bench.sent()) <= 30


def test_a_flush_does_not_wait_for_more(bench: Bench) -> None:
    """It ends when all that was there is stored; nothing to flush is flushed at once."""
    assert bench.flush() is True
    assert bench.flush(1, 2, 3) is True
    assert is_clean(bench, 3)


@pytest.mark.parametrize(
    "error", [BUSY, StoreAccessError("no"), StoreLayoutError("old version"), RuntimeError("a bug")]
)
def test_what_fails_is_sent_again_until_it_is_taken(bench: Bench, error: Exception) -> None:
    """Whatever the error is, also one of our own: the records are not to blame."""
    bench.store.outcomes = [error] * 5
    assert bench.flush(1, 2, 3) is True
    assert is_clean(bench, 3)
    assert (6, 15) == (len(bench.store.requests), bench.counts.retried)


def test_the_pause_that_a_server_asks_for_is_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retry-After reaches the reckoning of the pause, with the number of tries before."""
    asked: list[tuple[int, float | None]] = []

    def pause_before(tries: int, _: float, retry_after: float | None = None) -> float:
        asked.append((tries, retry_after))
        return 0.01

    monkeypatch.setattr(worker_module, "pause_before", pause_before)
    limited = StoreUnavailableError("429", retry_after=3)
    bench.store.outcomes = [limited, BUSY, limited, bench.store.accept, BUSY]
    assert bench.flush(1) is True
    assert bench.flush(2) is True
    assert [(0, 3), (1, None), (2, 3), (0, None)] == asked


def test_requests_become_smaller_until_they_fit(bench: Bench) -> None:
    """413: halves, and none so large again; all of it arrives."""

    def small_ones(request: Sequence[Document]) -> WriteResult:
        if sum(len(one.source) for one in request) > 2500:
            raise TOO_LARGE
        return bench.store.accept(request)

    bench.store.outcomes = [small_ones] * 200
    assert bench.flush(*range(20), size=300) is True
    assert is_clean(bench, 20)
    tries = len(bench.store.requests)
    assert tries < 20
    assert bench.flush(*range(20, 40), size=300) is True
    assert is_clean(bench, 40)


def test_a_large_document_in_front_of_small_ones_is_parted_from_them(bench: Bench) -> None:
    """Where it fits alone it arrives; where not it is a dead letter, and the others arrive."""

    def limit(request: Sequence[Document]) -> WriteResult:
        if sum(len(one.source) for one in request) > 10_000:
            raise TOO_LARGE
        return bench.store.accept(request)

    bench.store.outcomes = [limit] * 200
    append(bench.spool, 1, size=9_900)
    assert bench.flush(*range(2, 12)) is True
    assert is_clean(bench, 11)
    append(bench.spool, 20, size=20_000)
    assert bench.flush(21, 22) is True
    assert {*range(1, 12), 21, 22} == {int(one[2:]) for one in bench.store.kept}
    assert [(413, "413")] == [(one["status"], one["reason"]) for one in bench.dead()]
    assert (13, 1, {}) == (bench.counts.delivered, bench.counts.refused, bench.counts.dropped)


def test_a_refused_document_is_a_dead_letter_and_the_others_are_delivered(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """With status, reason and all that it held; it is said once."""
    bench.store.outcomes = [refusing(2)]
    assert bench.flush(1, 2, 3) is True
    (letter,) = bench.dead()
    assert (400, "no such field", "index", "id000000002", 2) == (
        letter["status"], letter["reason"], letter["index"], letter["id"], letter["source"]["message"],
    )  # fmt: skip
    assert (2, 1, {}) == (bench.counts.delivered, bench.counts.refused, bench.counts.dropped)
    assert "refused 1 documents for good" in caplog.text


@pytest.mark.parametrize("outcome", [refusing(2), BAD_REQUEST, TOO_LARGE])
def test_refused_documents_that_cannot_be_kept_stay_in_the_spool(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, outcome: Any
) -> None:
    """The others are not held up by it, and once the disk has room they are dead letters."""
    keep, full = bench.worker._dead_letters.keep, [True]

    def fails(refused: Sequence[RefusedDocument]) -> int:
        if full:
            raise OSError("the disk is full")
        return keep(refused)

    def refuses(documents: Sequence[Document]) -> WriteResult:
        if not isinstance(outcome, Exception):
            return outcome(documents)
        if any(one.id == "id000000002" for one in documents):
            raise outcome
        return WriteResult(accepted=len(documents))

    monkeypatch.setattr(bench.worker._dead_letters, "keep", fails)
    monkeypatch.setattr(bench.store, "accept", refuses)
    for numbers in ((1, 2, 3), (4,)):
        assert bench.spool.append(lines(*numbers), True, len(numbers))
        wait_until(lambda last=numbers[-1]: bench.counts.delivered == last - 1)
    assert (False, {}) == (bench.spool.is_empty, bench.counts.dropped)
    full.clear()
    wait_until(lambda: bench.spool.is_empty)
    assert ["id000000002"] == [letter["id"] for letter in bench.dead()]
    assert (1, {}) == (bench.counts.refused, bench.counts.dropped)


def test_of_a_request_that_cannot_be_read_the_one_to_blame_is_found(bench: Bench) -> None:
    """400 for all of it: parts are sent, one is a dead letter, and none is delivered twice."""

    def picky(request: Sequence[Document]) -> WriteResult:
        if any(one.id == "id000000005" for one in request):
            raise BAD_REQUEST
        return bench.store.accept(request)

    bench.store.outcomes = [picky] * 100
    assert bench.flush(*range(9)) is True
    assert (8, 1, 8) == (bench.counts.delivered, bench.counts.refused, len(bench.store.kept))
    assert [400] == [one["status"] for one in bench.dead()]


def test_an_outage_in_the_middle_of_that_search_doubles_nothing(bench: Bench) -> None:
    """What was stored, or is a dead letter, is neither sent nor counted again."""
    calls = 0

    def picky(request: Sequence[Document]) -> WriteResult:
        nonlocal calls
        calls += 1
        if calls in {5, 6, 8}:
            raise BUSY
        if any(one.id in {"id000000001", "id000000006"} for one in request):
            raise BAD_REQUEST
        return bench.store.accept(request)

    bench.store.outcomes = [picky] * 100
    assert bench.flush(*range(9)) is True
    counts = bench.counts
    assert (9, 7, 2, {}) == (counts.accepted, counts.delivered, counts.refused, counts.dropped)
    assert ["id000000001", "id000000006"] == sorted(one["id"] for one in bench.dead())


def test_documents_that_are_busy_are_held_and_the_others_go_on(bench: Bench) -> None:
    """Only they are sent again."""

    def some(request: Sequence[Document]) -> WriteResult:
        taken = bench.store.accept(request[1:])
        return WriteResult(taken.accepted, taken.known, retry=request[:1], hindrance="429 busy")

    bench.store.outcomes = [some]
    assert bench.flush(1, 2, 3) is True
    assert is_clean(bench, 3)
    assert [[1, 2, 3], [1]] == bench.sent()
    assert 1 == bench.counts.retried


def test_an_outage_while_documents_are_held_doubles_nothing(bench: Bench) -> None:
    """They alone are tried again, and each is counted once."""

    def some(request: Sequence[Document]) -> WriteResult:
        taken = bench.store.accept(request[1:])
        return WriteResult(taken.accepted, retry=request[:1])

    bench.store.outcomes = [some, BUSY, BUSY, StoreAccessError("no")]
    assert bench.flush(1, 2, 3) is True
    assert is_clean(bench, 3)
    assert [[1, 2, 3], [1], [1], [1], [1]] == bench.sent()


def test_documents_that_stay_busy_do_not_keep_the_others_from_the_store(bench: Bench) -> None:
    """An index that takes nothing for long: its documents wait, those of another one are delivered."""
    is_blocked = True

    def blocked(request: Sequence[Document]) -> WriteResult:
        bad = [one for one in request if one.index == "blocked"] if is_blocked else []
        taken = bench.store.accept([one for one in request if one not in bad])
        return WriteResult(taken.accepted, taken.known, retry=bad, hindrance="403 read-only")

    bench.store.outcomes = [blocked] * 10_000
    for n in range(0, 400, 2):
        assert bench.spool.append(line(n, index="blocked"), True)
        append(bench.spool, n + 1)
        if n % 20 == 0:
            wait_until(lambda n=n: f"id{n + 1:09d}" in bench.store.kept or bench.worker.flush(0.01))
    wait_until(lambda: len(bench.store.kept) == 200)
    assert bench.worker.flush(0.05) is False
    is_blocked = False
    assert bench.worker.flush(60) is True
    assert is_clean(bench, 400)


def test_a_flush_that_gives_up_ends_with_the_first_failure(bench: Bench) -> None:
    """At the end of a process a store that is down is tried once."""
    bench.store.outcomes = [BUSY] * 10_000
    append(bench.spool, 1)
    assert bench.worker.flush(3600, gives_up=True) is False
    bench.store.outcomes = []
    assert bench.worker.flush(60) is True


def test_a_flush_breaks_off_a_long_pause(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever flushes has a reason: the store is tried at once."""
    monkeypatch.setattr(worker_module, "pause_before", lambda *_: 3600.0)
    bench.store.outcomes = [BUSY]
    append(bench.spool, 1)
    wait_until(lambda: bench.worker._attempts_failed == 1)
    assert bench.worker.flush(60) is True
    assert is_clean(bench, 1)


def test_a_backlog_reaches_a_slow_store_in_order(bench: Bench) -> None:
    """One request at a time: OpenReplay shows the records of a session as they lie in the index."""
    lock, together, most = threading.Lock(), 0, 0

    def slow(request: Sequence[Document]) -> WriteResult:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.15)
        with lock:
            together -= 1
            return bench.store.accept(request)

    bench.store.outcomes = [slow] * 1000
    bench.worker._size.bytes = bench.worker._size._usual = 10_000
    assert bench.flush(*range(400), size=100) is True
    assert is_clean(bench, 400)
    assert 1 == most
    assert list(range(400)) == [number for request in bench.sent() for number in request]


def test_what_many_short_processes_left_is_delivered_in_one_go(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a pause for each of their files."""
    for number in range(150):
        ended = spool_in(bench.path)
        append(ended, number)
        ended.close()
    pauses: list[float] = []
    pause = Wakeups.pause

    def counted(self: Wakeups, seconds: float) -> bool:
        pauses.append(seconds)
        return pause(self, seconds)

    monkeypatch.setattr(Wakeups, "pause", counted)
    bench.worker.start()
    wait_until(lambda: len(bench.store.requests) == 150)
    assert list(range(150)) == [number for request in bench.sent() for number in request]
    assert len(pauses) < 20


@pytest.mark.parametrize(("busy", "in_order"), [(1, True), (6, True), (40, False)])
def test_a_request_of_which_nothing_is_taken_keeps_the_others_waiting_for_a_while(
    bench: Bench, busy: int, in_order: bool
) -> None:
    """A node was lost, and another one takes its place; or the index is gone for good, and others shall go on."""
    left = [busy]

    def away(request: Sequence[Document]) -> WriteResult:
        if request[0].id == "id000000001" and left[0]:
            left[0] -= 1
            return WriteResult(retry=request, hindrance="503 unavailable", is_busy=True)
        return FaultyStore.accept(bench.store, request)

    bench.store.accept = away  # pyright: ignore[reportAttributeAccessIssue] - what every request meets
    for number in (1, 2, 3):
        assert bench.spool.append(line(number, size=MEBIBYTE // 2), True)
    bench.worker.start()
    wait_until(lambda: bench.spool.is_empty)
    assert is_clean(bench, 3)
    assert (list(bench.store.kept) == [f"id{n:09d}" for n in (1, 2, 3)]) is in_order


def test_what_comes_behind_a_busy_document_waits_for_its_first_tries(bench: Bench) -> None:
    """Records of a session are not stored before an earlier one that the store takes a moment later."""

    def but_the_last(request: Sequence[Document]) -> WriteResult:
        taken = bench.store.accept(request[:-1])
        return WriteResult(taken.accepted, retry=request[-1:])

    bench.store.outcomes = [but_the_last, but_the_last]
    bench.worker._size.bytes = bench.worker._size._usual = len(lines(0, 1, 2))
    assert bench.flush(*range(9)) is True
    assert is_clean(bench, 9)
    assert list(range(9)) == [int(one[2:]) for one in bench.store.kept]


def test_a_store_that_could_not_be_prepared_gets_nothing_before_it_was(bench: Bench) -> None:
    """Documents could make an index without its template."""
    bench.store.preparations = [StoreUnavailableError("no answer")] * 3
    assert bench.flush(1) is True
    assert (4, 1) == (bench.store.prepared, len(bench.store.requests))
    assert is_clean(bench, 1)


def test_a_store_that_refuses_to_be_prepared_gets_the_records(bench: Bench) -> None:
    """Someone else may have done it, with other privileges."""
    bench.store.preparations = [StoreAccessError("not allowed")] * 3
    assert bench.flush(1) is True
    assert (1, 1) == (bench.store.prepared, len(bench.store.requests))


def test_stop_does_not_wait_for_a_store_that_hangs(bench: Bench) -> None:
    """The request is left alone; a flush in another thread ends too, and is not told that all is stored."""
    asked, answered = threading.Event(), threading.Event()
    flushed: list[bool] = []

    def hang(request: Sequence[Document]) -> WriteResult:
        asked.set()
        answered.wait(60)
        return bench.store.accept(request)

    bench.store.outcomes = [hang]
    append(bench.spool, 1)
    flushing = threading.Thread(target=lambda: flushed.append(bench.worker.flush(3600)))
    flushing.start()
    assert asked.wait(60)
    bench.worker.stop(0.01)
    flushing.join(60)
    assert [False] == flushed
    bench.spool.close()
    answered.set()
    assert bench.worker._thread is not None
    assert bench.worker._thread.join(60)


def test_after_a_stop_nothing_is_sent(bench: Bench) -> None:
    """What comes is kept for the next process, and a flush says at once that it is not stored."""
    assert bench.flush(1) is True
    bench.worker.stop(60)
    append(bench.spool, 2)
    assert bench.worker.flush(3600) is False
    assert (1, 1) == (len(bench.store.kept), bench.spool.queued)


def test_waking_and_starting_are_safe_in_a_signal_handler(bench: Bench) -> None:
    """They may interrupt themselves, and whoever holds the worker's lock, in the same thread."""
    with bench.worker._lock:
        bench.worker.start()
        bench.worker.wake()
        append(bench.spool, 1)
    wait_until(lambda: is_clean(bench, 1))


def test_garbage_in_a_file_that_is_being_written_costs_no_document(bench: Bench) -> None:
    """What somebody wrote into it is a dead letter, all else is delivered."""
    garbage = b"x" * 50 + b"\n"
    for content in (line(1), garbage, line(2), bytes(9) + b"\n", line(3)):
        assert bench.spool.append(content, True, int(content.startswith(b"{")))
    bench.store.outcomes = [BUSY]
    assert bench.flush(4) is True
    assert {1, 2, 3, 4} == {int(one[2:]) for one in bench.store.kept}
    assert (4, 4) == (bench.counts.accepted, bench.counts.delivered)
    assert garbage.decode() in "".join(one["text"] for one in bench.dead())
    assert bench.spool.is_empty
