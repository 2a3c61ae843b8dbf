"""The end of a process: what is logged until its last instruction is kept, and nothing waits for long."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import socket
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import DurableLogRecordProcessor

from .faults import FaultyStore
from .processes import run_python
from .records import readable
from .spooled import line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BEFORE = """
import atexit, logging, multiprocessing, os, signal, sys, threading, time
import openreplay_otel
log = logging.getLogger("shop")
"""
CONFIGURE = """
pipeline = openreplay_otel.configure(store=sys.argv[1], spool_dir=sys.argv[2])
log.warning("first")
"""
LATE = {
    "an atexit function registered before": f"""
atexit.register(lambda: log.warning("late"))
{CONFIGURE}
""",
    "a daemon thread": f"""
ended, done = threading.Event(), threading.Event()
def work():
    ended.wait()
    log.warning("late")
    done.set()
@atexit.register
def last():
    ended.set()
    done.wait(60)
{CONFIGURE}
threading.Thread(target=work, daemon=True).start()
""",
    "a destructor": f"""
{CONFIGURE}
class Late:
    def __del__(self, log=log):
        log.warning("late")
kept = Late()
""",
}


def messages_in(path: Path) -> list[str]:
    """The messages in an SQLite store, sorted."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT document FROM logs").fetchall()
    return sorted(json.loads(document)["message"] for (document,) in found)


def left_in(folder: Path) -> str:
    """What lies in a spool, as text."""
    return "\n".join(path.read_text() for path in folder.rglob("*.ndjson"))


@pytest.mark.parametrize("way", LATE)
def test_what_is_logged_after_the_end_of_delivery_is_kept(tmp_path: Path, way: str) -> None:
    """The next process delivers it; nothing is raised and nothing is printed for it."""
    url, spool = f"sqlite:///{tmp_path}/logs.db", tmp_path / "spool"
    done = run_python(BEFORE + LATE[way], None, url, str(spool))
    assert "Error" not in done.stderr
    assert ["first"] == messages_in(tmp_path / "logs.db")
    assert "late" in left_in(spool)
    run_python(BEFORE + CONFIGURE, None, url, str(spool))
    assert ["first", "first", "late"] == messages_in(tmp_path / "logs.db")


CHILDREN = {
    "fork": 'c = multiprocessing.get_context("fork"); p = c.Process(target=work); p.start(); p.join()',
    "spawn": 'c = multiprocessing.get_context("spawn"); p = c.Process(target=work); p.start(); p.join()',
    "forkserver": (
        'c = multiprocessing.get_context("forkserver"); p = c.Process(target=work); p.start(); p.join()'
    ),
    "Pool": (
        'c = multiprocessing.get_context("fork")\n'
        "    with c.Pool(2) as pool:\n        pool.apply(work)\n        pool.close()\n        pool.join()"
    ),
    "ProcessPoolExecutor": (
        "from concurrent.futures import ProcessPoolExecutor\n"
        '    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:\n'
        "        pool.submit(work).result()"
    ),
}
WORK = """
import logging, multiprocessing, os, sys
import openreplay_otel
log = logging.getLogger("shop")
def configure():
    return openreplay_otel.configure(store=os.environ["STORE"], spool_dir=os.environ["SPOOL"])
def work():
    configure()
    log.warning("child")
if __name__ == "__main__":
    configure()
    {children}
    from tests.unit.test_flush_at_exit import messages_in
    print(messages_in({path!r}), flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize("way", CHILDREN)
def test_a_child_of_multiprocessing_delivers_before_it_leaves(tmp_path: Path, way: str) -> None:
    """It leaves without atexit; its parent, which logs nothing, finds its record in the store at once."""
    script = tmp_path / "script.py"
    script.write_text(WORK.format(children=CHILDREN[way], path=str(tmp_path / "logs.db")))
    environ = {"STORE": f"sqlite:///{tmp_path}/logs.db", "SPOOL": str(tmp_path / "spool")}
    done = run_python(
        "import os, subprocess, sys; sys.exit(subprocess.call([sys.executable, sys.argv[1]],"
        " env=os.environ | {'PYTHONPATH': os.getcwd()}))",
        environ,
        str(script),
    )
    assert "['child']" == done.stdout.strip(), done.stderr


ADOPTED = f"""
{BEFORE}{CONFIGURE}
pid = os.fork()
if pid == 0:
    log.warning("killed")
    os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(pid, 0)
"""


def test_a_parent_that_ends_delivers_what_its_killed_children_left(tmp_path: Path) -> None:
    """And not only a later process."""
    url, spool = f"sqlite:///{tmp_path}/logs.db", str(tmp_path / "spool")
    run_python(ADOPTED, None, url, spool)
    assert ["first", "killed"] == messages_in(tmp_path / "logs.db")


def test_a_process_that_logged_nothing_delivers_nothing(tmp_path: Path) -> None:
    """What an earlier one left waits for one that logs."""
    url, spool = f"sqlite:///{tmp_path}/logs.db", str(tmp_path / "spool")
    run_python(BEFORE + CONFIGURE + "os.kill(os.getpid(), 9)", None, url, spool, status=-9)
    started = 'print([t.name for t in threading.enumerate() if "openreplay" in t.name])'
    quiet = CONFIGURE.replace('log.warning("first")', started)
    done = run_python(BEFORE + quiet, None, url, spool)
    assert "[]" == done.stdout.strip()
    assert not (tmp_path / "logs.db").exists()
    run_python(BEFORE + CONFIGURE, None, url, spool)
    assert ["first", "first"] == messages_in(tmp_path / "logs.db")


def test_a_store_that_has_hung_for_long_is_not_waited_for(tmp_path: Path) -> None:
    """The time it has taken already counts: a master that ends after its workers waits no second time."""
    script = f"""
{BEFORE}
from openreplay_otel.delivery import worker
pipeline = openreplay_otel.configure(
    store=sys.argv[1], spool_dir=sys.argv[2], shutdown_timeout=30, export_timeout=600
)
log.warning("first")
inner = pipeline.processor._durable._worker
while not inner._answers._asked_at:
    time.sleep(0.01)
inner._answers._asked_at[0] -= 31
waited = []
real = pipeline.processor.spool.wait_for
def wait_for(marks, timeout, is_hopeless):
    waited.append(timeout)
    return real(marks, timeout, is_hopeless)
pipeline.processor.spool.wait_for = wait_for
atexit.unregister(pipeline._end_process)
pipeline._end_process()
print([seconds <= 0 for seconds in waited])
"""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        done = run_python(script, None, url, str(tmp_path))
    assert "[True]" == done.stdout.strip()


@contextlib.contextmanager
def striking(handler: Callable[..., Any]) -> Iterator[None]:
    """Let a signal strike as often as it can."""
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_signal_handler_that_raises_in_an_append_leaves_count_and_file_agreed(
    tmp_path: Path,
) -> None:
    """Whatever it interrupts: the file tells what was accepted, and other threads can append."""
    is_within: list[bool] = []
    processor = DurableLogRecordProcessor(FaultyStore(), spool_dir=str(tmp_path))
    spool = processor.spool

    def raise_it(*_: object) -> None:
        if is_within:
            raise KeyboardInterrupt

    kept = raised = 0
    with striking(raise_it):
        for number in range(5000):
            try:
                is_within.append(True)
                kept += spool.append(line(number), True)
            except KeyboardInterrupt:
                raised += 1
            finally:
                is_within.clear()
    assert raised
    thread = threading.Thread(target=spool.append, args=(line(5000), True))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert processor.force_flush() is True
    store: Any = processor.store
    assert kept + 1 <= len(store.kept) <= 5001
    assert (len(store.kept),) * 2 == (processor.counts.accepted, processor.counts.delivered)
    processor.shutdown()


def test_log_calls_in_a_signal_handler_are_kept_whatever_they_interrupt(tmp_path: Path) -> None:
    """No deadlock, none lost."""
    processor = DurableLogRecordProcessor(FaultyStore(), spool_dir=str(tmp_path))
    inner: list[int] = []

    def emit(body: str) -> None:
        record: Any = readable(body)
        processor.on_emit(record)

    numbers = itertools.count()

    def log(*_: object) -> None:
        # A signal may strike in here, too.
        number = next(numbers)
        inner.append(number)
        emit(f"inner {number}")

    with striking(log):
        for number in range(3000):
            emit(f"outer {number}")
    processor.shutdown()
    store: Any = processor.store
    assert inner
    assert 3000 + len(inner) == len(set(store.messages()))
    assert (3000 + len(inner), {}) == (processor.counts.delivered, processor.counts.dropped)
