"""Document ids: ascending, and never the same twice, also with threads and forks."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel import OpenReplayLogRecordProcessor, Settings
from openreplay_otel.stamp.document_id import DocumentIdGenerator

from .contract import PROPERTY
from .records import AT_NS, in_session, writable


def test_ids_of_one_moment_ascend() -> None:
    """Ten thousand records of the very same nanosecond keep their order."""
    generator = DocumentIdGenerator()
    ids = [generator.next_id(AT_NS) for _ in range(10_000)]
    assert ids == sorted(set(ids))


@PROPERTY
@given(st.lists(st.integers(min_value=0, max_value=2**62), max_size=50))
def test_ids_ascend_with_the_time(moments: list[int]) -> None:
    """Over any rising series of times the ids rise, and all have the same length."""
    generator = DocumentIdGenerator()
    ids = [generator.next_id(moment) for moment in sorted(moments)]
    assert ids == sorted(set(ids))
    assert len({len(one) for one in ids}) <= 1
    assert all(one.isascii() and one.isalnum() for one in ids)


def test_ids_of_the_real_clock_ascend() -> None:
    """As the processor draws them: fast, over many milliseconds."""
    generator = DocumentIdGenerator()
    ids = [generator.next_id(time.time_ns()) for _ in range(50_000)]
    assert ids == sorted(set(ids))


def test_two_generators_draw_different_ids() -> None:
    """Two processors, or two processes, do not get in each other's way."""
    one, other = DocumentIdGenerator(), DocumentIdGenerator()
    assert {one.next_id(AT_NS) for _ in range(1000)}.isdisjoint(
        {other.next_id(AT_NS) for _ in range(1000)}
    )


def test_threads_draw_different_ids() -> None:
    """Eight threads at once: no id twice, and each thread's own ids ascend."""
    generator = DocumentIdGenerator()
    start = threading.Barrier(8)
    drawn: list[list[str]] = []

    def draw() -> None:
        start.wait()
        drawn.append([generator.next_id(time.time_ns()) for _ in range(4000)])

    threads = [threading.Thread(target=draw) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 8 * 4000 == len({one for ids in drawn for one in ids})
    assert all(ids == sorted(ids) for ids in drawn)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_draws_different_ids() -> None:
    """After a fork, parent and child count on from the same number and still never draw the same id."""
    generator = DocumentIdGenerator()
    generator.next_id(AT_NS)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, ",".join(generator.next_id(AT_NS) for _ in range(100)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        of_child = pipe.read().split(",")
    assert 0 == os.waitpid(child, 0)[1]
    of_parent = [generator.next_id(AT_NS) for _ in range(100)]
    assert 200 == len({*of_parent, *of_child})
    assert of_child == sorted(of_child)


def test_a_generator_is_let_go() -> None:
    """The hook for forks does not keep a generator alive."""
    reference = weakref.ref(DocumentIdGenerator())
    gc.collect()
    assert reference() is None


def test_the_processor_draws_by_the_time_of_emission() -> None:
    """Two records with the same time of their own keep the order in which they were emitted."""
    processor = OpenReplayLogRecordProcessor(Settings())
    ids = []
    for n in range(1000):
        record = writable(
            context=in_session(), timestamp=AT_NS, observed_timestamp=AT_NS + n * 10_000
        )
        processor.on_emit(record)
        ids.append((record.log_record.attributes or {})["elasticsearch.document_id"])
    assert ids == sorted(set(ids))
