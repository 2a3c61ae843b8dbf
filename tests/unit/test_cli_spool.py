"""``openreplay-otel spool``, run as a person runs it, on spools that real processes left."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import SessionLogs, Settings, StoreError, StoreUnavailableError
from openreplay_otel.delivery import by_hand as spool_delivery
from openreplay_otel.spool.dead_letters import DeadLetters
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.spool.listing import is_running, list_spool
from openreplay_otel.stores.base import Document, RefusedDocument

from .cli_harness import COMMAND, SECONDS, call, call_on_terminal, environment, store_url
from .contract import EXAMPLE_ID
from .faults import FaultyStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from openreplay_otel.spool.segment import Segment

NOWHERE = "http://127.0.0.1:9"
APP = """
import logging, os, sys, openreplay_otel
from opentelemetry import context, propagate
from openreplay_otel.delivery.worker import DeliveryWorker

DeliveryWorker.start = lambda self: None  # what is taken stays in the spool
openreplay_otel.configure(sys.argv[1])
context.attach(propagate.extract({"openReplaySession.id": sys.argv[2]}))
for number in range(3):
    logging.getLogger("shop").warning("order %d", number)
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def app(url: str, state: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has taken three records of the example's session; killed with -9 in the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", APP, url, EXAMPLE_ID],
        env=environment(state),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()
            process.wait(SECONDS)


def spool_folder(url: str, state: Path) -> SpoolFolder:
    """The folder that the command looks at."""
    return SpoolFolder.of(str(state / "openreplay-otel" / "spool"), url)


def source(message: str) -> bytes:
    """A document of the example's session."""
    document = {
        "@timestamp": "2024-01-24T02:28:39.000000Z",
        "level": "error",
        "message": message,
        "openreplay.session.id": EXAMPLE_ID,
    }
    return json.dumps(document).encode()


def keep_letters(folder: SpoolFolder, *messages: str, reason: str = "no such mapping") -> None:
    """Have dead letters of these messages."""
    DeadLetters(folder, 1 << 20).keep(
        [
            RefusedDocument(Document("openreplay-logs-2024.01.24", text, source(text)), 400, reason)
            for text in messages
        ]
    )


def shown(url: str, state: Path) -> Any:
    """What ``--json`` shows."""
    done = call("spool", "--store", url, "--json", state=state)
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def stored(url: str) -> list[str]:
    """The messages in a store, without their tags."""
    with SessionLogs(url) as lookup:
        return [entry.message.rpartition("] ")[2] for entry in lookup.logs(EXAMPLE_ID)]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An embedded store."""
    return store_url(tmp_path / "logs.db")


def test_an_empty_spool_is_said_to_be_empty(url: str, tmp_path: Path) -> None:
    """With the folder, which may be another one than that of the app's account."""
    done = call("spool", "--store", url, state=tmp_path)

    assert (done.code, done.out) == (0, "")
    assert "no record queued, no dead letter, none dropped" in done.err
    assert f"{spool_folder(url, tmp_path).path} (not there yet)" in done.err
    assert not spool_folder(url, tmp_path).path.exists()


def test_what_a_killed_process_left_is_shown_and_delivered_once(url: str, tmp_path: Path) -> None:
    """By program, process id and size; a second call finds nothing to do."""
    with app(url, tmp_path) as process:
        pass
    (listed,) = shown(url, tmp_path)["processes"]
    assert (listed["pid"], listed["state"], listed["queued"]) == (process.pid, "ended", 3)
    assert listed["queued_bytes"] > 300
    assert listed["oldest"].endswith("Z")
    told = call("spool", "--store", url, state=tmp_path)
    assert told.out.splitlines()[1].split()[:3] == [str(process.pid), "-", "ended"]
    assert "spool --deliver" in told.err

    done = call("spool", "--store", url, "--deliver", state=tmp_path)
    assert done.code == 0, done.err
    assert done.out.startswith("3 records delivered to sqlite:")
    assert stored(url) == ["order 0", "order 1", "order 2"]
    assert shown(url, tmp_path)["total"]["queued"] == 0
    again = call("spool", "--store", url, "--deliver", "--json", state=tmp_path)
    assert json.loads(again.out)["delivered"] == 0
    assert len(stored(url)) == 3


def test_what_a_running_process_has_is_left_alone(url: str, tmp_path: Path) -> None:
    """It is shown as running, and delivers by itself."""
    with app(url, tmp_path) as process:
        done = call("spool", "--store", url, "--deliver", state=tmp_path)
        assert done.code == 0
        assert done.out.startswith("There is nothing of ended processes")
        (listed,) = shown(url, tmp_path)["processes"]
        assert (listed["pid"], listed["state"], listed["queued"]) == (process.pid, "running", 3)


def test_dead_letters_are_listed_and_cannot_act_on_a_terminal(url: str, tmp_path: Path) -> None:
    """Status, index, id, reason and text; what a stranger typed is shown as escapes."""
    keep_letters(spool_folder(url, tmp_path), "red \x1b[31m", reason="bad\x9bfield")

    done = call("spool", "--store", url, "--dead", state=tmp_path)
    assert done.code == 0
    assert done.out.startswith("400  ")
    assert "openreplay-logs-2024.01.24" in done.out
    assert r"reason: bad\x9bfield" in done.out
    assert r"message: red \x1b[31m" in done.out
    letter = json.loads(call("spool", "--store", url, "--dead", "--json", state=tmp_path).out)
    assert (letter["status"], letter["source"]["message"]) == (400, "red \x1b[31m")
    screen = call_on_terminal("spool", "--store", url, "--dead", state=tmp_path, columns=60)
    assert all(len(line) <= 60 for line in screen.lines if line.startswith("    "))


def test_a_terminal_shows_dead_letters_in_red(url: str, tmp_path: Path) -> None:
    """And the notes say what may be done."""
    keep_letters(spool_folder(url, tmp_path), "a", "b")
    screen = call_on_terminal("spool", "--store", url, state=tmp_path, columns=120)

    assert screen.code == 0
    assert "\x1b[1;31m" in screen.raw
    assert any(line.startswith("2 dead letters, refused") for line in screen.lines)


def test_retry_delivers_dead_letters_and_keeps_what_is_no_document(
    url: str, tmp_path: Path
) -> None:
    """A letter that goes is a letter no longer; bytes that were found in a segment stay."""
    folder = spool_folder(url, tmp_path)
    keep_letters(folder, "first", "second")
    DeadLetters(folder, 1 << 20).keep_damaged(b"\x00garbage", "a segment")

    done = call("spool", "--store", url, "--retry", state=tmp_path)
    assert done.code == 0, done.err
    assert "2 dead letters put back" in done.out
    assert "2 records delivered" in done.out
    assert "1 dead letter kept" in done.err
    assert sorted(stored(url)) == ["first", "second"]
    total = shown(url, tmp_path)["total"]
    assert (total["dead_letters"], total["queued"]) == (1, 0)
    again = json.loads(call("spool", "--store", url, "--retry", "--json", state=tmp_path).out)
    assert (again["again"], again["kept"], again["delivered"]) == (0, 1, 0)


def test_a_store_out_of_reach_leaves_all_as_it_was(tmp_path: Path) -> None:
    """One sentence, exit code 1, and the dead letters are still dead letters."""
    keep_letters(spool_folder(NOWHERE, tmp_path), "first")
    for action in ("--retry", "--deliver"):
        done = call("spool", "--store", NOWHERE, action, state=tmp_path)
        assert (done.code, done.out) == (1, "")
        assert "cannot be reached" in done.err
        assert len(done.err.splitlines()) == 1
    assert shown(NOWHERE, tmp_path)["total"]["dead_letters"] == 1


def test_clear_asks_before_and_leaves_what_is_queued(url: str, tmp_path: Path) -> None:
    """Where nobody can be asked it needs --yes; a no removes nothing."""
    with app(url, tmp_path):
        pass
    folder = spool_folder(url, tmp_path)
    keep_letters(folder, "first")
    refused = call("spool", "--store", url, "--clear", state=tmp_path)
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err

    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")
    asked = subprocess.run(
        [COMMAND, "spool", "--store", url, "--clear"],
        env=environment(tmp_path), stdin=theirs, capture_output=True, text=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert asked.returncode == 1
    assert asked.stderr.startswith("Remove 1 dead letter and the counts of")
    assert shown(url, tmp_path)["total"]["dead_letters"] == 1

    done = call("spool", "--store", url, "--clear", "--yes", state=tmp_path)
    assert (done.code, done.err) == (0, "")
    total = shown(url, tmp_path)["total"]
    assert (total["dead_letters"], total["queued"]) == (0, 3)


def test_two_actions_at_once_are_wrong_use(url: str, tmp_path: Path) -> None:
    """The options are named."""
    done = call("spool", "--store", url, "--retry", "--clear", state=tmp_path)
    assert done.code == 2
    assert "--clear: cannot be given together with --retry" in done.err


def test_a_spool_of_somebody_else_is_one_sentence(url: str, tmp_path: Path) -> None:
    """No traceback, and what to do."""
    path = spool_folder(url, tmp_path).path
    path.parent.mkdir(parents=True)
    path.write_text("no folder")
    done = call("spool", "--store", url, state=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert "cannot be used" in done.err
    assert "run it as the account of the app" in done.err


class _TakesForever(BaseHTTPRequestHandler):
    """Speaks as Elasticsearch does until documents come: those are never answered."""

    def do_GET(self) -> None:
        body = b'{"version":{"number":"9.0.0"},"index_templates":[{"name":"x","index_template":{"_meta":{}}}]}'
        self.send_response(200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        server: Any = self.server
        server.has_documents.set()
        server.may_end.wait(SECONDS)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


def test_ctrl_c_in_the_middle_of_a_retry_loses_nothing(tmp_path: Path) -> None:
    """What was a dead letter waits in the queue then, for the next process."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _TakesForever)
    server.has_documents, server.may_end = threading.Event(), threading.Event()
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        keep_letters(spool_folder(url, tmp_path), "first", "second")
        with subprocess.Popen(
            [COMMAND, "spool", "--store", url, "--retry"],
            env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert server.has_documents.wait(SECONDS)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=SECONDS)
        assert process.returncode == 130
        assert "Traceback" not in told
        total = shown(url, tmp_path)["total"]
        assert (total["queued"], total["dead_letters"]) == (2, 0)
    finally:
        server.may_end.set()
        server.shutdown()
        serving.join()
        server.server_close()


def test_a_store_that_fails_all_the_time_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was queued stays in the queue, and how much that is is told."""
    monkeypatch.setattr(spool_delivery, "_PATIENCE", 1.0)
    monkeypatch.setattr(spool_delivery, "_MARGIN", 0.5)
    store = FaultyStore(*[StoreUnavailableError("out of order")] * 1000)
    settings = Settings.load(spool_dir=str(tmp_path), export_timeout=0.5)
    folder = SpoolFolder.of(str(tmp_path), store.name)
    keep_letters(folder, "first", "second")
    told: list[tuple[int, int]] = []

    done = spool_delivery.deliver_spool(
        store, settings, with_dead_letters=True, progress=lambda *numbers: told.append(numbers)
    )
    assert (done.again, done.delivered, done.left) == (2, 0, 2)
    assert told[-1] == (0, 2)
    total = list_spool(folder).total
    assert (total.queued, total.dead_letters) == (2, 0)

    store.outcomes.clear()
    done = spool_delivery.deliver_spool(
        store, settings, with_dead_letters=False, progress=lambda *numbers: told.append(numbers)
    )
    assert (done.delivered, done.left, told[-1]) == (2, 0, (2, 2))
    assert store.messages() == ["first", "second"]


def test_dead_letters_stay_where_the_disk_takes_no_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Queued in memory only, they would be lost with the command."""

    def full(*_: object, **__: object) -> Segment:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = FaultyStore()
    folder = SpoolFolder.of(str(tmp_path), store.name)
    keep_letters(folder, "first")
    monkeypatch.setattr(SpoolFolder, "make_segment", full)
    with pytest.raises(StoreError, match="No space left on device"):
        spool_delivery.deliver_spool(
            store,
            Settings.load(spool_dir=str(tmp_path)),
            with_dead_letters=True,
            progress=lambda *_: None,
        )
    assert (store.requests, list_spool(folder).total.dead_letters) == ([], 1)


def test_a_process_is_told_from_a_later_one_of_the_same_id() -> None:
    """A process that began to log before it was started is another one."""
    assert is_running(os.getpid(), time.time())
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(SECONDS)
    assert not is_running(process.pid, time.time())
    if os.path.exists("/proc/uptime"):  # noqa: PTH110 - where the system tells when a process began
        assert not is_running(os.getpid(), time.time() - 365 * 86400)
