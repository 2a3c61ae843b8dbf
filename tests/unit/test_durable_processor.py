"""The durable processor as an app uses it: what it takes is delivered once, and nothing comes back at the app."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import DurableLogRecordProcessor, SettingsError, StoreUnavailableError
from openreplay_otel.spool.folder import SpoolFolder

from .contract import EXAMPLE_ID
from .faults import FaultyStore
from .processes import Fork, forking
from .records import readable
from .spooled import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from openreplay_otel.stores.base import Document, WriteResult

BUSY = StoreUnavailableError("busy")


class Processors:
    """Makes processors of one spool folder, as one process after another would."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made: list[DurableLogRecordProcessor] = []

    def __call__(self, store: FaultyStore, **settings: Any) -> DurableLogRecordProcessor:
        """A new one."""
        made = DurableLogRecordProcessor(store, spool_dir=str(self.path), **settings)
        self.made.append(made)
        return made

    def files(self) -> list[str]:
        """The segments on disk."""
        return sorted(path.name for path in self.path.rglob("*.ndjson"))


@pytest.fixture
def processors(tmp_path: Path) -> Iterator[Processors]:
    """None at first; all are ended at the end."""
    made = Processors(tmp_path / "spool")
    yield made
    for one in made.made:
        one.shutdown()


def emit(processor: DurableLogRecordProcessor, *bodies: str, session: bool = True) -> None:
    """Records on their way, stamped as far as it matters."""
    for body in bodies:
        record: Any = readable(body, session_id=EXAMPLE_ID if session else None)
        processor.on_emit(record)


def stored(store: FaultyStore) -> list[str]:
    """The last words of the messages."""
    return sorted(message.split()[-1] for message in store.messages())


def test_what_is_emitted_is_delivered(processors: Processors) -> None:
    """By itself, and at once where that is asked for."""
    store = FaultyStore()
    processor = processors(store)
    emit(processor, "a", "b")
    emit(processor, "c", session=False)
    assert processor.force_flush() is True
    assert ["a", "b", "c"] == stored(store)
    emit(processor, "d")
    wait_until(lambda: len(store.kept) == 4)
    wait_until(lambda: processor.spool.is_empty)
    counts = processor.counts
    assert (4, 4, 0, {}) == (counts.accepted, counts.delivered, counts.refused, counts.dropped)


def test_what_one_process_leaves_the_next_one_delivers(processors: Processors) -> None:
    """As soon as it has a record of its own, and each of them once."""
    store = FaultyStore(*[BUSY] * 1000)
    first = processors(store)
    emit(first, "a", "b", "c")
    first.shutdown()
    assert ({}, 1) == (store.kept, len(processors.files()))
    store.outcomes = []
    second = processors(store)
    assert second._durable._worker._thread is None
    emit(second, "d")
    wait_until(lambda: len(store.kept) == 4)
    assert second.force_flush() is True
    second.shutdown()
    assert (["a", "b", "c", "d"], []) == (stored(store), processors.files())
    assert (1, 4) == (second.counts.accepted, second.counts.delivered)


def test_shutdown_delivers_and_leaves_nothing_behind(processors: Processors) -> None:
    """No record, no thread; a second call does nothing, and a store that was given stays open."""
    store = FaultyStore()
    processor = processors(store)
    emit(processor, *map(str, range(100)))
    processor.shutdown()
    processor.shutdown()
    assert (100, 0) == (len(store.kept), store.closed)
    # By which the folder is found again.
    assert ["hosts"] == [path.name for path in processors.path.rglob("*") if path.is_file()]
    thread = processor._durable._worker._thread
    assert thread is not None
    assert thread.join(0)


def test_shutdown_tries_a_store_that_is_down_once(processors: Processors) -> None:
    """It does not wait for the whole of a long ``shutdown_timeout``."""
    processor = processors(FaultyStore(*[BUSY] * 1000), shutdown_timeout=3600)
    emit(processor, "a")
    processor.shutdown()
    assert (1, 0, {}) == (
        processor.counts.accepted, processor.counts.delivered, processor.counts.dropped,
    )  # fmt: skip
    assert 1 == len(processors.files())


def test_shutdown_ends_although_the_store_hangs(processors: Processors) -> None:
    """What it was about to take is in the spool; should it have taken it, its id is known."""
    asked, answered = threading.Event(), threading.Event()

    def hang(request: Sequence[Document]) -> WriteResult:
        asked.set()
        answered.wait(60)
        return store.accept(request)

    store = FaultyStore(hang)
    processor = processors(store, shutdown_timeout=0.05)
    emit(processor, "a")
    assert asked.wait(60)
    processor.shutdown()
    assert 1 == len(processors.files())
    answered.set()
    wait_until(lambda: len(store.kept) == 1)
    assert processors(store).force_flush() is True
    wait_until(lambda: len(store.requests) == 2)
    assert ["a"] == stored(store)


def test_records_after_shutdown_are_kept_for_the_next_process(processors: Processors) -> None:
    """Other parts of the app may log later than this one ends; a flush tells that they are not stored."""
    store = FaultyStore()
    processor = processors(store)
    processor.shutdown()
    emit(processor, "late")
    assert processor.force_flush() is False
    assert ({}, 1) == (store.kept, len(processors.files()))
    processor.spool.close()
    emit(processors(store), "next")
    wait_until(lambda: stored(store) == ["late", "next"])


def test_a_flush_in_vain_says_so(processors: Processors) -> None:
    """At its deadline; nothing is lost by it."""
    store = FaultyStore(*[BUSY] * 1000)
    processor = processors(store)
    emit(processor, "a")
    assert processor.force_flush(50) is False
    store.outcomes = []
    assert processor.force_flush() is True
    assert ["a"] == stored(store)


def test_a_flush_that_lost_something_says_so(
    processors: Processors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was given up meanwhile is not with the store, though nothing waits any more."""
    processor = processors(FaultyStore())
    monkeypatch.setattr(
        processor._durable._worker,
        "flush",
        lambda _, **__: processor.spool.tally.drop("age", 1) is None,
    )
    assert processor.force_flush() is False


def test_two_processors_of_one_store_share_a_folder(processors: Processors) -> None:
    """Each delivers its own; nothing comes twice."""
    store = FaultyStore()
    both = [processors(store), processors(store)]
    for n in range(20):
        emit(both[n % 2], f"{n:02d}")
    assert [True, True] == [one.force_flush() for one in both]
    assert [f"{n:02d}" for n in range(20)] == stored(store)
    assert 20 == sum(len(request) for request in store.requests)
    assert [10, 10] == [one.counts.delivered for one in both]


def test_nothing_is_ever_raised_into_the_app(
    processors: Processors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever breaks inside: the record is counted as lost, and the app's log call returns."""
    processor = processors(FaultyStore())

    def fails(*_: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(processor, "_build", fails)
        emit(processor, "a")
    with monkeypatch.context() as patched:
        patched.setattr(processor, "_keep", fails)
        emit(processor, "b")
    emit(processor, "c")
    assert ({"failed": 2}, 1) == (processor.counts.dropped, processor.counts.accepted)


@pytest.mark.parametrize("obstacle", ["a file", "a full disk"])
def test_a_spool_that_cannot_be_written_costs_nothing_as_long_as_the_store_takes_it(
    processors: Processors,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    obstacle: str,
) -> None:
    """Records go by way of memory; it is said once, with the setting to look at."""
    if obstacle == "a file":
        processors.path.write_bytes(b"")
    else:
        monkeypatch.setattr(os, "write", _no_space)
    store = FaultyStore()
    processor = processors(store)
    emit(processor, *map(str, range(50)))
    assert processor.force_flush() is True
    processor.shutdown()
    assert (50, {}) == (len(store.kept), processor.counts.dropped)
    (line,) = [one for one in caplog.messages if "records wait in memory" in one]
    assert "spool_dir" in line


@forking
def test_a_forked_child_delivers_its_own_and_nothing_of_the_parents(processors: Processors) -> None:
    """What the parent had taken is delivered by the parent, once."""
    store = FaultyStore(*[BUSY] * 1000)
    processor = processors(store)
    emit(processor, "parents")

    def child(_: Any) -> list[Any]:
        store.outcomes = []
        emit(processor, "childs")
        flushed = processor.force_flush()
        processor.shutdown()
        return [flushed, stored(store), processor.counts.accepted, processor.counts.delivered]

    assert [True, ["childs"], 1, 1] == Fork(child).result()
    store.outcomes = []
    assert processor.force_flush() is True
    assert ["parents"] == stored(store)
    assert (1, 1) == (processor.counts.accepted, processor.counts.delivered)


@forking
def test_what_a_killed_child_has_taken_the_parent_delivers(processors: Processors) -> None:
    """As gunicorn's and Celery's workers are killed."""
    store = FaultyStore()
    processor = processors(store)
    emit(processor, "parent")

    def child(_: Any) -> None:
        store.outcomes = [BUSY] * 1000
        emit(processor, "a", "b")
        os.kill(os.getpid(), 9)

    Fork(child).wait_for_end()
    wait_until(lambda: stored(store) == ["a", "b", "parent"])
    assert (1, {}) == (processor.counts.accepted, processor.counts.dropped)


def test_records_that_are_not_wanted_are_not_kept(processors: Processors) -> None:
    """Those without a session, where the settings say so, are neither taken nor lost."""
    store = FaultyStore()
    processor = processors(store, sessionless="drop")
    emit(processor, "x", session=False)
    assert processor.force_flush() is True
    assert ({}, 0, {}) == (store.kept, processor.counts.accepted, processor.counts.dropped)


def test_a_store_of_a_url_is_opened_and_closed(tmp_path: Path) -> None:
    """Its spool has a folder of its own, below the one that is named."""
    spool = tmp_path / "spool"
    url = f"sqlite:///{tmp_path}/logs.db"
    processor = DurableLogRecordProcessor(url, spool_dir=str(spool))
    emit(processor, "a")
    assert [SpoolFolder.of(str(spool), processor.store.name).path] == list(spool.iterdir())
    processor.shutdown()
    assert ["logs.db"] == [path.name for path in tmp_path.glob("logs.db*")]
    assert 1 == processor.counts.delivered


@pytest.mark.parametrize(
    "wrong", [{"spool_fsync": "maybe"}, {"spool_max_bytes": 5}, {"no_such": 1}]
)
def test_a_wrong_setting_is_an_error_at_the_start(wrong: dict[str, Any]) -> None:
    """And not at the first record."""
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        DurableLogRecordProcessor(FaultyStore(), **wrong)


@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
def test_each_way_of_syncing_delivers(processors: Processors, fsync: str) -> None:
    """What is brought to the disk, and when, changes nothing else."""
    store = FaultyStore()
    processor = processors(store, spool_fsync=fsync)
    emit(processor, "a", "b")
    assert processor.force_flush() is True
    assert ["a", "b"] == stored(store)


def _no_space(*_: object) -> int:
    raise OSError(28, "No space left on device")
