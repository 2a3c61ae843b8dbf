"""Fault 4: servers and libraries that fork, kill and recycle processes, or replace threads by greenlets."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from tests.faults.ledger import noted
from tests.faults.trial import Program, Result, Trial, ending
from tests.servers.errors import ServerFailed
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.faults.stored import Target

_CLIENTS = 4
_SESSION = "2618307011354435587"
Worker = Literal["sync", "gthread", "gevent"]
Way = Literal["fork", "spawn", "midst"]
Moment = Literal["start", "import", "connect"]

_THREE: Final = ("--master", "--processes=3", "--enable-threads")
UWSGI: Final[tuple[tuple[tuple[str, ...], dict[str, bool]], ...]] = (
    (_THREE, {}),
    (_THREE, {"at_load": True}),
    (_THREE, {"is_brutal": True}),
    ((*_THREE, "--lazy-apps"), {"at_load": True}),
    ((*_THREE, "--threads=4"), {"at_load": True}),
    ((*_THREE, "--py-call-osafterfork"), {"at_load": True}),
    ((*_THREE, "--py-call-uwsgi-fork-hooks"), {"at_load": True}),
    ((*_THREE, "--max-requests=50"), {"at_load": True}),
    (("--processes=3", "--enable-threads"), {"at_load": True}),
    (("--master", "--processes=3"), {"at_load": True}),
)
"""uWSGI's usual modes."""


def gunicorn(
    folder: Path,
    target: Target,
    *,
    worker: Worker,
    preload: bool,
    requests: int,
    kills: int,
    max_requests: int,
) -> Result:
    """Serve under load by four workers, which are killed and recycled.

    Args:
        folder: For the trial.
        target: The store.
        worker: gunicorn's worker class.
        preload: Whether the app is loaded before the fork.
        requests: How many are sent; each logs five records.
        kills: How often one of the workers is killed.
        max_requests: After so many a worker is replaced.
    """
    port = free_port()
    with _serving(
        folder, target, port,
        "-m", "gunicorn", "tests.faults.programs.web:application", f"--bind=127.0.0.1:{port}",
        "--workers=4", f"--worker-class={worker}", f"--max-requests={max_requests}",
        "--log-level=warning", "--graceful-timeout=10", *(["--preload"] if preload else []),
    ) as (trial, program):  # fmt: skip
        _load(program, port, requests, kills)
    trial.deliver()
    return trial.result(
        f"gunicorn{' `--preload`' if preload else ''}, {worker} workers killed and recycled"
    )


def eventlet(folder: Path, target: Target, *, requests: int) -> Result:
    """Serve under load by eventlet's server, everything patched; then kill it."""
    port = free_port()
    arguments = ("-m", "tests.faults.programs.web", str(port))
    with _serving(folder, target, port, *arguments) as (trial, program):
        _load(program, port, requests, 0)
        program.kill()
    trial.deliver()
    return trial.result("eventlet's server, killed")


def uwsgi(
    folder: Path,
    target: Target,
    *options: str,
    requests: int,
    at_load: bool = False,
    is_brutal: bool = False,
) -> Result:
    """Serve under load by uWSGI, which forks in C.

    Args:
        folder: For the trial.
        target: The store.
        *options: uWSGI's, beside those for the app.
        requests: How many are sent; each logs five records.
        at_load: Whether the app logs while it is loaded, in the process from which the workers are forked.
        is_brutal: Whether it is killed at the end.
    """
    port = free_port()
    at_load_environ = {"FAULTS_AT_LOAD": "1"} if at_load else {}
    with _serving(
        folder, target, port,
        "-m", "tests.faults.programs.uwsgi", f"--http-socket=127.0.0.1:{port}",
        "--module=tests.faults.programs.wsgi:application", "--need-app", "--die-on-term",
        "--disable-logging", "--no-orphans", *options,
        environ=at_load_environ,
    ) as (trial, program):  # fmt: skip
        _load(program, port, requests, 0)
        workers = _children_of(program.process.pid)
        # Without a master the first worker ends alone, and leaves the others.
        if is_brutal or "--master" not in options:
            program.process.send_signal(signal.SIGKILL if is_brutal else signal.SIGTERM)
            program.wait()
            for pid in workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            program.wait_until_gone(workers)
    trial.deliver()
    what = ", a record at its load" if at_load else ", killed" if is_brutal else ""
    return trial.result(f"uWSGI `{' '.join(options)}`{what}")


@contextlib.contextmanager
def _serving(  # noqa: ANN202 - of two
    folder: Path,
    target: Target,
    port: int,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
):
    trial = Trial(folder, target)
    run = trial.new_run()
    trial.environ |= {"FAULTS_RUN": run, "FAULTS_LEDGER": str(trial.ledger(run)), **(environ or {})}
    program = trial.program(run, *arguments)
    with ending(program):
        program.wait_until(lambda: _asked(port, 0))
        yield trial, program
        if program.process.poll() is None:
            # gunicorn's own: a worker that is just being made does not hear that it shall end.
            time.sleep(2)
            program.process.terminate()
            program.wait()
        _assert_no_raised(program)


def _load(program: Program, port: int, requests: int, kills: int) -> None:
    """Send requests by several clients, and kill workers in between."""
    numbers = iter(range(1, requests + 1))
    lock = threading.Lock()
    answered: list[int] = []

    def ask() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            # Not sent twice: what a killed worker had logged of it stands in the ledger.
            if _asked(port, number):
                answered.append(number)

    clients = [threading.Thread(target=ask) for _ in range(_CLIENTS)]
    for one in clients:
        one.start()
    for number in range(kills):
        wanted = (number + 1) * requests // (kills + 1)
        program.wait_until(
            lambda wanted=wanted: (
                len(answered) >= wanted or not any(one.is_alive() for one in clients)
            )
        )
        _kill_a_child(program.process.pid)
    for one in clients:
        one.join()
    if len(answered) < requests / 2:
        message = f"only {len(answered)} of {requests} requests were answered:\n{program.output}"
        raise ServerFailed(message)


def _asked(port: int, number: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"openReplaySession.id": _SESSION} if number % 2 else {}
    try:
        connection.request("GET", f"/?{number}", headers=headers)
        return connection.getresponse().read() == b"logged\n"
    except (OSError, http.client.HTTPException):
        time.sleep(0.01)
        return False
    finally:
        connection.close()


def celery(folder: Path, target: Target, *, tasks: int, kills: int, concurrency: int = 2) -> Result:
    """Work through tasks in Celery's prefork pool, whose processes are killed and recycled."""
    trial = Trial(folder, target)
    run = trial.new_run()
    broker = folder / "broker"
    for name in ("queue", "control"):
        (broker / name).mkdir(parents=True)
    trial.environ |= {
        "FAULTS_RUN": run,
        "FAULTS_LEDGER": str(trial.ledger(run)),
        "FAULTS_BROKER": str(broker),
        "FAULTS_KILL_EACH": str(tasks // kills),
    }
    send = (
        "from tests.faults.programs.tasks import work\n"
        f"for number in range({tasks}): work.delay(number)"
    )
    subprocess.run([sys.executable, "-c", send], env=trial.environ, check=True)
    program = trial.program(
        run,
        "-m", "celery", "--app=tests.faults.programs.tasks:app", "worker", "--pool=prefork",
        f"--concurrency={concurrency}", "--max-tasks-per-child=20", "--loglevel=ERROR",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    )  # fmt: skip
    with ending(program):
        program.until_noted(tasks * 10 // 2)
        # Until nothing comes any more.
        last = -1
        while last < noted(trial.ledger(run)):
            last = noted(trial.ledger(run))
            time.sleep(3)
        program.process.terminate()
        program.wait()
    trial.deliver()
    return trial.result("Celery prefork, processes killed and recycled")


def forking(
    folder: Path,
    target: Target,
    way: Way,
    *,
    records: int,
    processes: int,
) -> Result:
    """Make processes while threads log.

    Args:
        folder: For the trial.
        target: The store.
        way: ``multiprocessing`` by fork or spawn, or ``os.fork`` in the middle of other threads' log calls.
        records: How many each process logs.
        processes: How many are made.
    """
    trial = Trial(folder, target)
    run = trial.new_run()
    program = trial.program(
        run,
        "-m", "tests.faults.programs.forking", way, run, str(trial.ledger(run)),
        str(records), str(processes),
    )  # fmt: skip
    with ending(program):
        program.result()
    trial.deliver()
    shown = "`os.fork` in the middle of other threads' log calls"
    return trial.result(shown if way == "midst" else f"`multiprocessing` {way}")


def early(folder: Path, target: Target, moment: Moment, *, forks: int) -> Result:
    """Fork while the delivering thread starts, imports or connects, each time in a new process.

    Args:
        folder: For the trial.
        target: The store.
        moment: What the thread is about to do.
        forks: How many.
    """
    trial = Trial(folder, target)
    # A name to be resolved, as stores have.
    trial.environ["OPENREPLAY_OTEL_STORE"] = target.url.replace("127.0.0.1", "localhost")
    run = trial.new_run()
    program = trial.program(
        run,
        "-m", "tests.faults.programs.early_fork", moment, run, str(trial.ledger(run)), str(forks),
    )  # fmt: skip
    with ending(program):
        # Each child that hangs is ended by a signal, and told.
        program.process.wait()
        program.result()
    trial.deliver()
    return trial.result(f"`os.fork` at the {moment} of the delivering thread")


def _children_of(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    if children.exists():
        return [int(pid) for pid in children.read_text().split()]
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]


def _kill_a_child(parent: int) -> None:
    found = _children_of(parent)
    if found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(found), signal.SIGKILL)


def _assert_no_raised(program: Program) -> None:
    # gunicorn tells of the workers that we killed; what counts is what the app would see.
    assert "Logging error" not in program.output, program.output
    assert "openreplay_otel/" not in program.output, program.output
