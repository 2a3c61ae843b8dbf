"""``ship`` reads what real programs wrote: every line is there once, and under its own session or under none."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.unit.shipping import ship_files

from .log_writers import LIBRARIES, LOGGING, SERVERS, SESSIONS

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60
_WHO = {session: who for who, session in SESSIONS.items()}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_MARK = re.compile(r"\b(A|B|none)-\d+ said")


def check(path: Path) -> dict[str, int]:
    """Of whom the records of a file are; no line is another's, and none is missing or there twice."""
    shipped = ship_files(path)
    text = _COLOURS.sub("", path.read_text(encoding="utf-8"))
    records = {"A": 0, "B": 0, "none": 0}
    seen: set[str] = set()
    for source in shipped.sources:
        who = _WHO.get(source.get("openreplay.session.id", ""), "none")
        records[who] += 1
        said = {match[0] for match in _MARK.finditer(source["message"])}
        raised = {match[0] for match in _MARK.finditer(json.dumps(source))} - said
        # A line that was logged is its session's; an exception of it that nothing ties to it is nobody's.
        assert all(mark.startswith(f"{who}-") for mark in said if who != "none"), source
        assert all(mark.startswith(f"{who}-") for mark in raised if who != "none"), source
        seen |= said | raised
    expected = {match[0] for match in _MARK.finditer(text)}
    assert len(expected) > 10
    assert seen == expected
    # Some write a text twice into a line.
    tagged = set(re.findall(r"\[openReplaySession\.id=\d+\] [AB]-\d+ said", text))
    assert records["A"] + records["B"] == len(tagged)
    assert shipped.counts.unread == 0
    return records


def write(kind: str, path: Path) -> None:
    """Let a program write a file."""
    with path.open("wb") as file:
        subprocess.run(
            [sys.executable, "-m", "tests.frameworks.log_writers", kind],
            stdout=file, stderr=subprocess.STDOUT, timeout=SECONDS, check=True,
        )  # fmt: skip


@pytest.mark.parametrize("kind", [*LOGGING, *LIBRARIES, "Celery"])
def test_a_program_s_file(kind: str, tmp_path: Path) -> None:
    """Written by logging in its usual formats, loguru, structlog, python-json-logger, ecs-logging, Celery."""
    path = tmp_path / "app.log"
    write(kind, path)
    records = check(path)
    assert records["A"] >= 2
    assert records["B"] >= 2


@pytest.mark.parametrize("around", ["Docker", "Kubernetes", "syslog"])
@pytest.mark.parametrize("kind", ["basicConfig", "ecs-logging"])
def test_a_file_with_something_around_its_lines(kind: str, around: str, tmp_path: Path) -> None:
    """What a container's runtime or syslog writes around the lines of a program."""
    path = tmp_path / "app.log"
    write(kind, path)
    lines = path.read_text(encoding="utf-8").splitlines()
    wrapped = {
        "Docker": lambda line: json.dumps(
            {"log": f"{line}\n", "stream": "stderr", "time": "2024-01-24T02:27:39Z"}
        ),
        "Kubernetes": lambda line: f"2024-01-24T02:27:39.1Z stderr F {line}",
        "syslog": lambda line: f"Jan 24 02:27:39 web1 shop[77]: {line}",
    }[around]
    path.write_text("\n".join(map(wrapped, lines)) + "\n", encoding="utf-8")
    check(path)


COMMANDS = {
    "uvicorn": ["uvicorn", "tests.frameworks.log_servers:asgi", "--port", "{port}"],
    "gunicorn": ["gunicorn", "tests.frameworks.log_servers:wsgi", "--bind", "127.0.0.1:{port}"],
    "hypercorn": ["hypercorn", "tests.frameworks.log_servers:asgi", "--bind", "127.0.0.1:{port}"],
    "waitress": ["waitress", "--listen", "127.0.0.1:{port}", "tests.frameworks.log_servers:wsgi"],
    "Django": ["tests.frameworks.log_servers"],
}


def ask(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    """Send a request, as soon as the server listens."""
    until = time.monotonic() + SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        try:
            connection.request("GET", path)
            connection.getresponse().read()
        except ConnectionRefusedError:
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()


@pytest.mark.parametrize("server", [name for name in SERVERS if name in COMMANDS])
def test_a_server_s_file(server: str, tmp_path: Path) -> None:
    """Requests of two sessions and of nobody, which fails: access lines, errors and prints in one file."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = tmp_path / "app.log"
    command = [part.format(port=port) for part in COMMANDS[server]]
    with path.open("wb") as file, subprocess.Popen(
        [sys.executable, "-m", *command], stdout=file, stderr=subprocess.STDOUT,
        env={**os.environ, "PORT": str(port), "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        try:
            for who in ("A", "none", "B", "A", "none"):
                ask(port, f"/{who}", process)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
    records = check(path)
    assert (records["A"], records["B"]) == (4, 2)
