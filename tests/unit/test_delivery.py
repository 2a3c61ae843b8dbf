"""Delivery: bounded requests, repeated tries within one deadline, and what becomes of each document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel import StoreAccessError, StoreLayoutError, StoreUnavailableError
from openreplay_otel.delivery.delivery import Delivery, DeliveryReport
from openreplay_otel.stores.base import Document, RefusedDocument, WriteResult

from .contract import PROPERTY
from .faults import Clock, FaultyStore, documents

if TYPE_CHECKING:
    from collections.abc import Sequence

BUSY = StoreUnavailableError("busy")
TOO_LARGE = StoreUnavailableError("413", too_large=True)


def delivery(
    store: FaultyStore, clock: Clock, *, jitter: float = 1.0, max_bytes: int = 10**6
) -> Delivery:
    """A delivery that takes its time from the clock."""
    return Delivery(
        store, request_max_bytes=max_bytes, wait=clock.wait, clock=clock, jitter=lambda: jitter
    )


def deliver(
    store: FaultyStore, clock: Clock, count: int = 3, timeout: float = 1000, **options: Any
) -> DeliveryReport:
    """The report of delivering so many documents."""
    return delivery(store, clock, **options).deliver(documents(count), timeout=timeout)


def test_what_a_store_takes_is_delivered_at_once() -> None:
    """One request, no wait, and the whole timeout is the store's."""
    store, clock = FaultyStore(), Clock()
    assert deliver(store, clock, timeout=7) == DeliveryReport(
        accepted=3, refused=[], undelivered=[]
    )
    assert (1, [], [7]) == (len(store.requests), clock.waits, store.timeouts)


def test_nothing_to_deliver_is_no_request() -> None:
    """An empty delivery asks the store nothing."""
    store = FaultyStore()
    assert DeliveryReport(refused=[], undelivered=[]) == deliver(store, Clock(), count=0)
    assert [] == store.requests


def test_a_store_that_comes_back_gets_everything_once() -> None:
    """An outage of four tries costs nothing; the waits double."""
    store, clock = FaultyStore(BUSY, BUSY, BUSY, BUSY), Clock()
    report = deliver(store, clock)
    assert (3, [], None) == (report.accepted, report.undelivered, report.error)
    assert [0.25, 0.5, 1.0, 2.0] == clock.waits
    assert [3] * 5 == [len(request) for request in store.requests]


def test_waits_grow_to_half_a_minute_and_no_further() -> None:
    """A long outage is asked about every half minute, for a whole day if it has to be."""
    store, clock = FaultyStore(*[BUSY] * 2000), Clock()
    report = deliver(store, clock, timeout=86_399)
    assert (3, 2000) == (report.accepted, len(clock.waits))
    assert [30.0] * 1993 == clock.waits[7:]


@pytest.mark.parametrize(
    ("jitter", "waits"), [(0.0, [0.125, 0.25]), (0.5, [0.1875, 0.375]), (1.0, [0.25, 0.5])]
)
def test_waits_are_spread(jitter: float, waits: list[float]) -> None:
    """Clients that failed together come back between half the wait and all of it."""
    clock = Clock()
    deliver(FaultyStore(BUSY, BUSY), clock, jitter=jitter)
    assert waits == clock.waits


@pytest.mark.parametrize(
    ("asked", "waited"), [(0.0, 0.25), (0.1, 0.25), (5.0, 5.0), (3600.0, 30.0), (-1.0, 0.25)]
)
def test_the_wait_that_a_server_asks_for_is_kept(asked: float, waited: float) -> None:
    """Retry-After counts where it is longer than our own wait, up to half a minute."""
    clock = Clock()
    deliver(FaultyStore(StoreUnavailableError("429", retry_after=asked)), clock)
    assert [waited] == clock.waits


def test_a_success_starts_the_waits_anew() -> None:
    """Two requests, each with a failure before it: both wait the first, short time."""
    store, clock = FaultyStore(BUSY), Clock()
    store.outcomes += [store.accept, BUSY, store.accept]
    report = deliver(store, clock, count=2, max_bytes=100)
    assert (2, [0.25, 0.25]) == (report.accepted, clock.waits)


def test_after_the_deadline_what_is_left_is_given_up() -> None:
    """No try begins after the deadline, none waits beyond it, and the store is told how long it has."""
    store, clock = FaultyStore(*[BUSY] * 100), Clock()
    report = deliver(store, clock, timeout=10)
    assert report.undelivered == documents(3)
    assert report.error is BUSY
    assert clock.now < 1010
    assert store.timeouts == sorted((t for t in store.timeouts if t), reverse=True)
    assert all(timeout and 0 < timeout <= 10 for timeout in store.timeouts)


def test_a_slow_store_uses_up_the_time_too() -> None:
    """Requests that succeed but take long leave the rest undelivered, with a reason."""
    clock = Clock()
    store = FaultyStore()

    def slow(request: Sequence[Document]) -> WriteResult:
        clock.now += 6
        return store.accept(request)

    store.outcomes = [slow] * 9
    report = deliver(store, clock, count=5, max_bytes=100, timeout=10)
    assert (2, 3) == (report.accepted, len(report.undelivered))
    assert "the faulty store took too long" == str(report.error)


def test_shutdown_interrupts_a_wait() -> None:
    """Woken from a wait, nothing more is tried, and what is left is reported."""
    store, clock = FaultyStore(*[BUSY] * 9), Clock(stop_after=2)
    report = deliver(store, clock)
    assert (2, 3, BUSY) == (len(store.requests), len(report.undelivered), report.error)


@pytest.mark.parametrize("error", [StoreAccessError("no"), StoreLayoutError("no")])
def test_what_waiting_cannot_change_is_not_tried_again(error: Exception) -> None:
    """Wrong credentials or a wrong layout: one request, no wait, all of it undelivered."""
    store, clock = FaultyStore(error), Clock()
    report = deliver(store, clock, count=4, max_bytes=300)
    assert (1, []) == (len(store.requests), clock.waits)
    assert (report.undelivered, report.error) == (documents(4), error)


def test_requests_are_bounded_in_bytes_and_keep_the_order() -> None:
    """Each holds what fits; together they hold everything in its order."""
    store = FaultyStore()
    delivery(store, Clock(), max_bytes=1000).deliver(documents(10, size=200), timeout=9)
    assert [3, 3, 3, 1] == [len(request) for request in store.requests]
    assert [document for request in store.requests for document in request] == documents(
        10, size=200
    )


def test_a_single_document_over_the_bound_goes_alone() -> None:
    """The bound is for requests; a larger document still gets its try."""
    store = FaultyStore()
    batch = [*documents(2), Document("index", "large", b"x" * 5000), *documents(3)[2:]]
    report = delivery(store, Clock(), max_bytes=1000).deliver(batch, timeout=9)
    assert [["id0", "id1"], ["large"], ["id2"]] == [
        [d.id for d in request] for request in store.requests
    ]
    assert 4 == report.accepted


def size_limit(store: FaultyStore, most: int) -> Any:
    """A server that takes so many documents in one request, and answers 413 to more."""

    def write(request: Sequence[Document]) -> WriteResult:
        if len(request) > most:
            raise TOO_LARGE
        return store.accept(request)

    return write


def test_a_request_too_large_for_the_server_is_halved() -> None:
    """At 413 the request is split until it passes, at once, in order, and nothing is sent twice."""
    store, clock = FaultyStore(), Clock()
    store.outcomes = [size_limit(store, 3)] * 99
    report = deliver(store, clock, count=10)
    assert (10, 0, []) == (report.accepted, report.known, clock.waits)
    passed = [
        document.id for request in store.requests if len(request) <= 3 for document in request
    ]
    assert passed == [f"id{n}" for n in range(10)]


def test_a_single_document_too_large_is_refused_and_the_others_pass() -> None:
    """Only the one that can never pass is given up, with status 413."""
    store = FaultyStore()

    def write(request: Sequence[Document]) -> WriteResult:
        if any(document.id == "id5" for document in request):
            raise TOO_LARGE
        return store.accept(request)

    store.outcomes = [write] * 99
    report = deliver(store, Clock(), count=10)
    assert (9, [], None) == (report.accepted, report.undelivered, report.error)
    assert report.refused == [RefusedDocument(documents(6)[5], 413, "413")]


def test_only_the_busy_items_are_sent_again() -> None:
    """Of one answer: accepted, known, refused and busy items; the busy ones come again after a wait."""
    batch = documents(4)
    refusal = RefusedDocument(batch[2], 400, "bad")
    store, clock = FaultyStore(), Clock()
    store.outcomes = [
        lambda _: WriteResult(accepted=1, known=1, refused=[refusal], retry=batch[3:])
    ]
    report = delivery(store, clock).deliver(batch, timeout=9)
    assert report == DeliveryReport(accepted=2, known=1, refused=[refusal], undelivered=[])
    assert store.requests == [batch, batch[3:]]
    assert [0.25] == clock.waits


def test_items_that_stay_busy_are_given_up_at_the_deadline() -> None:
    """The report says which and why; the later requests are given up as well."""
    store, clock = FaultyStore(), Clock()
    store.outcomes = [lambda request: WriteResult(accepted=len(request) - 1, retry=request[-1:])]
    store.outcomes += [lambda request: WriteResult(retry=request)] * 99
    report = deliver(store, clock, count=6, max_bytes=300, timeout=5)
    assert (1, ["id1", "id2", "id3", "id4", "id5"]) == (
        report.accepted,
        [d.id for d in report.undelivered],
    )
    assert "the faulty store did not take some documents: too busy" == str(report.error)


def test_delivering_again_doubles_nothing() -> None:
    """What a store had taken before a lost answer counts as known the second time."""
    store = FaultyStore()

    def lost(request: Sequence[Document]) -> WriteResult:
        store.accept(request)
        raise StoreUnavailableError("the connection broke")

    store.outcomes = [lost]
    report = deliver(store, Clock(), count=3)
    assert (0, 3, 3) == (report.accepted, report.known, len(store.kept))


@PROPERTY
@given(st.data(), st.integers(0, 12), st.integers(100, 800))
def test_every_document_is_accounted_for_once(
    data: st.DataObject, count: int, max_bytes: int
) -> None:
    """Whatever a store answers, accepted + known + refused + undelivered is what there was."""
    store, clock = FaultyStore(), Clock(stop_after=data.draw(st.none() | st.integers(1, 9)))

    def write(request: Sequence[Document]) -> WriteResult:
        fate = data.draw(
            st.sampled_from(["take", "busy", "large", "mixed", "refuse", "no", "slow"])
        )
        if fate == "busy":
            raise StoreUnavailableError("429", retry_after=data.draw(st.none() | st.floats(0, 40)))
        if fate == "large":
            raise TOO_LARGE
        if fate == "no":
            raise StoreAccessError("no")
        clock.now += 3 if fate == "slow" else 0
        middle = len(request) // 2 if fate == "mixed" else len(request)
        refused = [RefusedDocument(d, 400, "bad") for d in request] if fate == "refuse" else []
        taken = store.accept([] if refused else request[:middle])
        return WriteResult(taken.accepted, taken.known, retry=request[middle:], refused=refused)

    store.outcomes = [write] * 500
    batch = documents(count, size=30)
    report = delivery(store, clock, max_bytes=max_bytes).deliver(batch, timeout=20)
    assert report.accepted + report.known == len(store.kept)
    refused = [refusal.document for refusal in report.refused]
    assert sorted(batch) == sorted([*store.kept.values(), *refused, *report.undelivered])
    assert (report.error is None) is (not report.undelivered)
