"""Writes all files into a folder, each by the program that it is named after."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from .programs import DATES, LIBRARIES, LOGGING
from .texts import FIRST_NUMBER, NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

SECONDS: Final = 60
COLOURED: Final = "coloured tracebacks of Python"
SERVERS: Final = {
    "uvicorn": ["uvicorn", "tests.real_files.server_apps:asgi", "--port", "{port}"],
    "gunicorn": ["gunicorn", "tests.real_files.server_apps:wsgi", "--bind", "127.0.0.1:{port}"],
    "gunicorn with access lines": [
        "gunicorn", "tests.real_files.server_apps:wsgi", "--bind", "127.0.0.1:{port}", "--access-logfile=-",
    ],
    "hypercorn": ["hypercorn", "tests.real_files.server_apps:asgi", "--bind", "127.0.0.1:{port}"],
    "waitress": ["waitress", "--listen", "127.0.0.1:{port}", "tests.real_files.server_apps:wsgi"],
    "Django": ["tests.real_files.server_apps", "Django"],
    "Flask": ["tests.real_files.server_apps", "Flask"],
    "aiohttp": ["tests.real_files.server_apps", "aiohttp"],
}  # fmt: skip
_PROGRAMS: Final = (*LOGGING, *DATES, "warnings captured", *LIBRARIES, "syslog", "Celery")
_WRAPPED: Final = {
    f"{inner} in {around}": (inner, around)
    for inner in ("basicConfig", "time level name", "ecs-logging", "loguru coloured")
    for around in ("Docker", "Kubernetes", "journalctl")
}
NAMES: Final = (*_PROGRAMS, COLOURED, *SERVERS, *_WRAPPED)
"""The names of all files."""
WITHOUT_LEVELS: Final = frozenset({"only the message"})
_FIELDED: Final = ("{", "timestamp=")
_PART: Final = 150
"""Characters after which the runtime of Kubernetes is made to part a line; a real one takes 16 KiB."""
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_COLOURING: Final = ("3.13", "3.14", "3.15")


@dataclass(frozen=True)
class RealFile:
    """A file that a program wrote.

    Attributes:
        name: One of :data:`NAMES`.
        path: Where it is.
        lines: What the program wrote, without colours and without what a container's runtime puts around it.
    """

    name: str
    path: Path
    lines: tuple[str, ...]

    @property
    def text_lines(self) -> list[str]:
        """The lines that are no JSON and the like: of these every character stands in a record."""
        return [line for line in self.lines if line.strip() and not line.startswith(_FIELDED)]

    @property
    def has_levels(self) -> bool:
        """Whether its format says the level of a line."""
        return self.name not in WITHOUT_LEVELS


def write_all(folder: Path, names: Iterable[str] = NAMES) -> list[RealFile]:
    """Write the files, each into a file of its own, ``001.log`` and so on.

    Args:
        folder: Where; it is there.
        names: Which ones.

    Returns:
        What there is: all of them, but for that of coloured tracebacks where no Python here has these.
    """
    found: list[RealFile] = []
    for name in names:
        number = NAMES.index(name) + 1
        path = folder / f"{number:03d}.log"
        if name == COLOURED and coloured_python() is None:
            continue
        found.append(RealFile(name, path, tuple(_write(name, path, number))))
    return found


def _write(name: str, path: Path, number: int) -> Sequence[str]:
    inner, around = _WRAPPED.get(name, (name, None))
    env = {
        **os.environ, FIRST_NUMBER: str(number * 1000), "PYTHONUNBUFFERED": "1", "COLUMNS": "400",
    }  # fmt: skip
    if inner in SERVERS:
        _serve(SERVERS[inner], path, env)
    else:
        kind, program = inner, [sys.executable]
        if inner == COLOURED:
            kind, program = "time level name", [coloured_python() or sys.executable]
            env["FORCE_COLOR"] = "1"
            env["PYENV_VERSION"] = program[0].rpartition("python")[2]
        with path.open("wb") as file:
            done = subprocess.run(
                [*program, "-m", "tests.real_files.programs", kind],
                stdout=file, stderr=subprocess.STDOUT, timeout=SECONDS, check=False, env=env,
            )  # fmt: skip
        crashes = kind in LOGGING or kind in DATES
        assert done.returncode == crashes, path.read_text(encoding="utf-8")[-2000:]
    lines = path.read_text(encoding="utf-8").splitlines()
    if around is not None:
        wrap = _AROUND[around]
        path.write_text("".join(map(wrap, lines)), encoding="utf-8")
    return [_COLOURS.sub("", line) for line in lines]


def _in_docker(line: str) -> str:
    stream = "stdout" if line.startswith(f"{NOBODY}-") else "stderr"
    found = {"log": f"{line}\n", "stream": stream, "time": "2024-01-24T02:27:39.000000001Z"}
    return json.dumps(found) + "\n"


def _in_kubernetes(line: str) -> str:
    stream = "stdout" if line.startswith(f"{NOBODY}-") else "stderr"
    parts = [line[at : at + _PART] for at in range(0, len(line), _PART)] or [""]
    flags = "P" * (len(parts) - 1) + "F"
    return "".join(
        f"2024-01-24T02:27:39.000000001Z {stream} {flag} {part}\n"
        for part, flag in zip(parts, flags, strict=True)
    )


_AROUND: Final[dict[str, Callable[[str], str]]] = {
    "Docker": _in_docker,
    "Kubernetes": _in_kubernetes,
    "journalctl": lambda line: f"Jan 24 02:27:39 web1 shop[77]: {line}\n",
}


def _serve(command: list[str], path: Path, env: dict[str, str]) -> None:
    """Requests of two sessions and of nobody, which fails: access lines, errors and prints in one file."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = [part.format(port=port) for part in command]
    with path.open("wb") as file, subprocess.Popen(
        [sys.executable, "-m", *started], stdout=file, stderr=subprocess.STDOUT,
        env={**env, "PORT": str(port)},
    ) as process:  # fmt: skip
        try:
            for who in ("A", NOBODY, "B", "A", NOBODY):
                _ask(port, f"/{who}", process)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _ask(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
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


@lru_cache(maxsize=1)
def coloured_python() -> str | None:
    """A Python that colours tracebacks; None where there is none."""
    if sys.version_info >= (3, 13):
        return sys.executable
    for version in _COLOURING:
        program = shutil.which(f"python{version}")
        # A version manager's stand-in has to be told the version.
        env = {**os.environ, "PYENV_VERSION": version}
        if (
            program
            and not subprocess.run(
                [program, "-c", ""], capture_output=True, check=False, env=env
            ).returncode
        ):
            return program
    return None
