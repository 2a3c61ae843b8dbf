"""``openreplay-otel ship --follow`` as a person or systemd runs it: killed, ended, without its store."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import SessionLogs
from tests.servers.faulty_bulk import FaultyBulk

from .cli_harness import COMMAND, SECONDS, call, environment, store_url
from .contract import EXAMPLE_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TAG = f"[openReplaySession.id={EXAMPLE_ID}]"


def lines(numbers: range) -> str:
    """Lines of a session, each with a number."""
    return "".join(
        f"2024-01-24 02:30:{number // 1000:02d},{number % 1000:03d} INFO shop: {TAG} {number}\n"
        for number in numbers
    )


def add(path: Path, numbers: range) -> None:
    """Write them to a file's end."""
    with path.open("a") as file:
        file.write(lines(numbers))


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextlib.contextmanager
def following(
    *arguments: str, state: Path, stdin: int | None = subprocess.DEVNULL, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """The command, running."""
    typed = [COMMAND, "ship", "--follow", "--timezone", "UTC", *arguments]
    env = environment(state, **variables)
    with subprocess.Popen(
        typed, env=env, cwd=state, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def stored(url: str) -> list[str]:
    """The session's messages."""
    with contextlib.suppress(Exception), SessionLogs(url) as lookup:
        return [entry.message for entry in lookup.logs(EXAMPLE_ID)]
    return []


def end(process: subprocess.Popen[str], number: int) -> tuple[int, str, str]:
    """End it by a signal."""
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_log_is_followed_until_a_signal(number: int, tmp_path: Path) -> None:
    """Over a rotation; what is written right before the end is stored too, and a next start doubles nothing."""
    url = store_url(tmp_path / "logs.db")
    log = tmp_path / "app.log"
    add(log, range(10))
    with following("app.log", "--store", url, "--json", state=tmp_path) as process:
        until(lambda: len(stored(url)) >= 9)
        log.rename(tmp_path / "app.log.1")
        add(log, range(10, 20))
        until(lambda: len(stored(url)) >= 19)
        add(log, range(20, 30))
        code, out, err = end(process, number)
    assert code == 0
    counts = json.loads(out)
    assert (counts["records"], counts["stored"], counts["unread"]) == (30, 30, 0)
    first, last = err.splitlines()
    assert first.startswith(f"openreplay-otel: following app.log into {url}")
    assert last.startswith("openreplay-otel: ended: 30 records of 30 lines, 30 in sqlite")
    assert stored(url) == [str(n) for n in range(30)]
    with following("app.log", "--store", url, "--json", state=tmp_path) as process:
        add(log, range(30, 31))
        until(lambda: len(stored(url)) == 31)
        _, out, _ = end(process, number)
    assert json.loads(out)["records"] == 1


def test_kills_in_the_middle_lose_and_double_nothing(tmp_path: Path) -> None:
    """SIGKILL five times, while 20,000 lines are written and rotated."""
    url = store_url(tmp_path / "logs.db")
    log = tmp_path / "app.log"
    written = 0
    for _ in range(5):
        with following("app.log", "--store", url, state=tmp_path) as process:
            assert process.stderr is not None
            assert "following" in process.stderr.readline()
            for _ in range(4):
                add(log, range(written, written + 1000))
                written += 1000
                time.sleep(0.2)
                if written % 3000 == 0:
                    name = f"app.log.{9 - written // 3000}"
                    log.rename(tmp_path / name)
            process.kill()
    with following("app.log", "--store", url, state=tmp_path) as process:
        until(lambda: len(stored(url)) >= written)
        code, _, _ = end(process, signal.SIGTERM)
    assert code == 0
    found = stored(url)
    assert sorted(map(int, found)) == list(range(written))


def test_a_store_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """It starts without one, keeps what it reads over its own end, and brings all once the store is there."""
    log = tmp_path / "app.log"
    add(log, range(10))
    server = FaultyBulk()
    with following("app.log", "--store", server.store_url, state=tmp_path) as process:
        until(lambda: any(tmp_path.rglob("*.sessions.ndjson")))
        add(log, range(10, 20))
        code, _, err = end(process, signal.SIGTERM)
    assert code == 0
    assert "records are kept in" in err
    assert "20 waiting in" in err
    with server, following("app.log", "--store", server.store_url, state=tmp_path) as process:
        add(log, range(20, 30))
        until(lambda: len(server.messages()) == 30)
        end(process, signal.SIGTERM)
        assert server.messages() == [f"{TAG} {n}" for n in range(30)]


def test_standard_input_is_followed_to_its_end(tmp_path: Path) -> None:
    """A line is stored while the next one is not there yet; the end of the input ends it."""
    url = store_url(tmp_path / "logs.db")
    with following("-", "--store", url, state=tmp_path, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(lines(range(1)))
        process.stdin.flush()
        until(lambda: stored(url) == ["0"])
        process.stdin.write(lines(range(1, 3)).rstrip("\n"))
        process.stdin.close()
        process.stdin = None
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert "ended: 3 records of 3 lines" in err
    assert stored(url) == ["0", "1", "2"]


def test_a_dry_run_prints_what_it_would_send(tmp_path: Path) -> None:
    """A document a line, as they come; no place is kept."""
    add(tmp_path / "app.log", range(3))
    for _ in range(2):
        with following("app.log", "--dry-run", state=tmp_path) as process:
            assert process.stdout is not None
            found = [json.loads(process.stdout.readline()) for _ in range(2)]
            code, out, _ = end(process, signal.SIGINT)
        assert code == 0
        found.append(json.loads(out))
        assert [one["message"] for one in found] == [f"{TAG} {n}" for n in range(3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.log"]


def test_what_cannot_be_read_is_kept_in_the_state_folder(tmp_path: Path) -> None:
    """Not where systemd happens to start it; a next start adds to the same file."""
    url = store_url(tmp_path / "logs.db")
    log = tmp_path / "app.log"
    kept = ""
    for number in range(2):
        with log.open("a") as file:
            file.write('{"broken\n')
        add(log, range(number, number + 1))
        with following("app.log", "--store", url, state=tmp_path) as process:
            until(lambda: len(stored(url)) > number)  # noqa: B023 - called at once
            _, _, err = end(process, signal.SIGTERM)
        kept = err.rpartition("kept aside in ")[2].strip()
        assert kept.startswith(str(tmp_path / "openreplay-otel"))
    with open(kept) as file:  # noqa: PTH123 - its name was told
        assert file.read() == '{"broken\n' * 2
    assert os.stat(kept).st_mode & 0o077 == 0  # noqa: PTH116 - the same


def test_wrong_use_is_one_sentence(tmp_path: Path) -> None:
    """Standard input beside files, a packed file, an encoding with wide characters, a folder that is closed."""
    url = store_url(tmp_path / "logs.db")
    (tmp_path / "app.log").touch()
    (tmp_path / "app.log.1.gz").touch()
    (tmp_path / "file").touch()
    for arguments, variables, said in (
        (("-", "app.log"), {}, "--follow: - is standard input"),
        (("app.log.1.gz",), {}, "app.log.1.gz is packed"),
        (("app.log", "--encoding", "utf-16"), {}, "--encoding: a growing file in utf-16"),
        (("app.log",), {"OPENREPLAY_OTEL_SPOOL_DIR": str(tmp_path / "file" / "x")}, "cannot be kept in"),
    ):  # fmt: skip
        typed = ("ship", "--follow", *arguments, "--store", url)
        done = call(*typed, state=tmp_path, cwd=tmp_path, **variables)
        assert (done.code, done.out) == (2, ""), arguments
        assert said in done.err
        assert "Traceback" not in done.err
    with following("app.log", "--store", url, state=tmp_path) as process:
        assert process.stderr is not None
        assert "following" in process.stderr.readline()
        done = call("ship", "--follow", "app.log", "--store", url, state=tmp_path, cwd=tmp_path)
    assert done.code == 2
    assert "another process follows" in done.err
