"""Forks: one registration, nothing half done in a child, and a new life also where C code forked."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sqlite3
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import DurableLogRecordProcessor, forks
from openreplay_otel.stamp.document_id import DocumentIdGenerator
from openreplay_otel.stores.sqlite.store import SqliteStore

from .faults import FaultyStore
from .processes import Fork, forking, run_python
from .records import readable
from .spooled import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ONE_REGISTRATION = """
import gc, json, os, sys
made = []
real = os.register_at_fork
os.register_at_fork = lambda **hooks: (
    made.append(1) if any((hook.__module__ or "").startswith("openreplay") for hook in hooks.values()) else None,
    real(**hooks),
)
import openreplay_otel
from openreplay_otel import forks
before = len(made)
for number in range(2000):
    for url in ("sqlite:///logs.db", "http://127.0.0.1:9"):
        with openreplay_otel.SessionLogs(url):
            pass
    openreplay_otel.OpenReplayLogRecordProcessor()
openreplay_otel.DurableLogRecordProcessor("sqlite:///logs.db", spool_dir=sys.argv[1]).shutdown()
gc.collect()
kept = [type(one).__name__ for one in forks.watched()]
print(json.dumps([before, len(made), kept]))
"""


class Watcher:
    """Notes what it is told."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name = name
        self.told = told

    def before_fork(self) -> None:
        """See ForkAware."""
        self.told.append(f"before {self.name}")

    def after_fork_in_parent(self) -> None:
        """See ForkAware."""
        self.told.append(f"parent {self.name}")

    def after_fork_in_child(self) -> None:
        """See ForkAware."""
        self.told.append(f"child {self.name}")


def fork_in_c(function: Callable[[], Any]) -> Any:
    """Run a function in a child that C code forked: none of Python's hooks runs."""
    reader, writer = os.pipe()
    # A thread that asks for the interpreter's lock just then would leave a child that waits for it for ever.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    time.sleep(4 * interval)
    # PyDLL keeps the interpreter's lock: no other thread holds it in the child.
    pid = ctypes.PyDLL(None).fork()
    sys.setswitchinterval(interval)
    if pid == 0:
        status = 1
        try:
            os.write(writer, json.dumps(function()).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as told:
        found = told.read()
    assert 0 == os.waitpid(pid, 0)[1], found
    return json.loads(found)


def test_there_is_one_registration_and_nothing_is_kept_alive(tmp_path: Path) -> None:
    """However many stores, lookups and processors a process makes, a fork has as little to do as before."""
    done = run_python(ONE_REGISTRATION, None, str(tmp_path))
    before, registrations, kept = json.loads(done.stdout)
    assert (0, 1) == (before, registrations)
    assert ["_Observed"] == kept


@forking
def test_watched_objects_are_told_of_a_fork_in_order() -> None:
    """Before it the last one first, as locks that are held together are let go in the reverse order."""
    told: list[str] = []
    both = [Watcher("a", told), Watcher("b", told)]
    forks.watch(both[0])
    forks.watch(both[1])
    assert ["before b", "before a", "child a", "child b"] == Fork(lambda _: told).result()
    assert ["before b", "before a", "parent a", "parent b"] == told
    both.clear()
    gc.collect()
    Fork(lambda _: None).result()
    assert 4 == len(told)


@forking
def test_a_watched_object_that_fails_does_not_make_the_fork_fail() -> None:
    """The others are told all the same."""
    told: list[str] = []

    class Failing(Watcher):
        def before_fork(self) -> None:
            raise TimeoutError

    failing, other = Failing("failing", told), Watcher("other", told)
    forks.watch(failing)
    forks.watch(other)
    assert ["before other", "child failing", "child other"] == Fork(lambda _: told).result()
    assert ["before other", "parent other"] == told


@forking
def test_a_fork_waits_for_what_is_postponed_and_not_for_what_takes_too_long() -> None:
    """A thread in the middle of an import or a connection keeps others from forking, a hanging one does not."""
    entered, go_on, left = threading.Event(), threading.Event(), threading.Event()

    def work(seconds: float) -> None:
        with forks.postponed(seconds):
            entered.set()
            go_on.wait(60)
            left.set()

    thread = threading.Thread(target=work, args=(60,))
    thread.start()
    entered.wait(60)
    threading.Timer(0.05, go_on.set).start()
    assert Fork(lambda _: left.is_set()).result() is True
    thread.join()
    for event in (entered, go_on, left):
        event.clear()
    thread = threading.Thread(target=work, args=(0.01,))
    thread.start()
    entered.wait(60)
    assert Fork(lambda _: left.is_set()).result() is False
    go_on.set()
    thread.join()


@forking
def test_whoever_forks_in_a_postponed_block_does_not_wait_for_itself() -> None:
    """And the child, which goes on in it, comes out of it and can postpone again."""

    def child(_: Any) -> bool:
        with forks.postponed(60):
            return True

    with forks.postponed(60):
        assert Fork(child).result() is True
    assert Fork(child).result() is True


@forking
def test_a_fork_does_not_wait_for_another_process_that_has_the_sqlite_file(tmp_path: Path) -> None:
    """A thread that waits for the file's lock leaves forks their turn."""
    store = SqliteStore(tmp_path / "logs.db")
    store.prepare()
    other = sqlite3.connect(tmp_path / "logs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = threading.Thread(target=store.write, args=([],), kwargs={"timeout": 60})
    writing.start()
    for _ in range(5):
        assert Fork(lambda _: "forked").result() == "forked"
    assert writing.is_alive()
    other.execute("ROLLBACK")
    other.close()
    writing.join()
    store.close()


def test_ids_of_a_child_that_c_code_forked_are_its_own() -> None:
    """Its process part and its sequence: equal ids would be taken for one document."""
    generator = DocumentIdGenerator()
    generator.next_id(0)
    ids = fork_in_c(lambda: [generator.next_id(0), generator.next_id(0)])
    mine = generator.next_id(0)
    assert [id_[11:17] for id_ in ids] == ["000000", "000001"]
    assert ids[0][17:] == ids[1][17:] != mine[17:]


def test_a_child_that_c_code_forked_has_files_a_thread_and_counts_of_its_own(
    tmp_path: Path,
) -> None:
    """With locks of the parent's that are held at the fork, and records of the parent's in the queue."""
    store = FaultyStore()
    processor = DurableLogRecordProcessor(store, spool_dir=str(tmp_path))
    record: Any = readable("parent")
    processor.on_emit(record)

    def child() -> list[Any]:
        for body in ("a", "b"):
            made: Any = readable(body)
            processor.on_emit(made)
        owners = {path.name.split("-")[1] for path in tmp_path.rglob("*.ndjson")}
        flushed = processor.force_flush(60_000)
        store.kept = {k: v for k, v in store.kept.items() if b"parent" not in v.source}
        return [sorted(owners), flushed, store.messages(), processor.counts.accepted]

    held = threading.Event(), threading.Event()

    def hold() -> None:
        with (
            processor.spool._write_lock,
            processor.spool._ship_lock,
            processor._durable._worker._lock,
        ):
            held[0].set()
            held[1].wait(60)

    holding = threading.Thread(target=hold)
    holding.start()
    held[0].wait(60)
    owners, flushed, messages, accepted = fork_in_c(child)
    held[1].set()
    holding.join()
    assert str(os.getpid()) in owners
    assert (2, True, ["a", "b"], 2) == (len(owners), flushed, messages, accepted)
    assert processor.force_flush() is True
    wait_until(lambda: store.messages() == ["parent"])
    processor.shutdown()
    assert 1 == processor.counts.accepted


IMPORTS = """
import json, logging, sys, threading
imported = []
def hook(event, arguments):
    if event == "import" and threading.current_thread() is not threading.main_thread():
        imported.append((arguments[0], is_loaded()))
import openreplay_otel
from openreplay_otel import forks
def is_loaded():
    return not any(thread == threading.get_ident() for thread, _ in forks._process._postponing)
sys.addaudithook(hook)
with openreplay_otel.configure(store=sys.argv[1], spool_dir=sys.argv[2], shutdown_timeout=0.5) as pipeline:
    logging.getLogger("shop").warning("a line")
    pipeline.force_flush(1000)
print(json.dumps([[name for name, late in imported if late], len(imported)]))
"""


@pytest.mark.parametrize(
    "url", ["http://localhost:9", "https://localhost:9", "http://no-such-host.invalid:9200"]
)
def test_the_thread_imports_nothing_while_the_process_may_fork(tmp_path: Path, url: str) -> None:
    """All that a request needs, also one that fails, is imported before, while forks wait."""
    done = run_python(IMPORTS, None, url, str(tmp_path))
    late, number = json.loads(done.stdout.splitlines()[-1])
    assert [] == late
    assert number > 50
