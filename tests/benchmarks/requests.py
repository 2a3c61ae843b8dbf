"""What a request costs: the same app on the same server, with plain OpenTelemetry and with this package.

Both sides have OpenTelemetry's instrumentation, tracecontext and baggage, take the lines of ``logging`` (the plain
side by OpenTelemetry's handler), and export nothing; ours has links to recordings set. The app logs one line for
each request, and once more ten. Counted is the CPU of the server's processes, by the
kernel's own account of each thread, over many requests of one connection after another.
"""

from __future__ import annotations

import contextlib
import http.client
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measuring import Rounds, turns
from tests.benchmarks.report import Row
from tests.frameworks.rows import Row as Place
from tests.frameworks.serving import DISTRO, Serving, new_session, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

_NONE = dict.fromkeys(
    ("OTEL_LOGS_EXPORTER", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"), "none"
)
_SIDES: Mapping[str, Mapping[str, str]] = {
    "plain": _NONE
    | {
        "OTEL_PYTHON_DISTRO": "distro",
        "OTEL_PYTHON_CONFIGURATOR": "configurator",
        "OTEL_PROPAGATORS": "tracecontext,baggage",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openreplay",
    },
    "ours": _NONE
    | DISTRO
    | {
        "OPENREPLAY_OTEL_APP_URL": "https://openreplay.example.com",
        "OPENREPLAY_OTEL_PROJECT_ID": "1",
    },
}
_APPS = "tests.frameworks.apps"
# Without access lines: those of gunicorn and uvicorn become records with this package alone.
_SERVERS = {
    "WSGI (Flask, gunicorn)": (
        "gunicorn",
        "--bind=127.0.0.1:{port}",
        "--threads=2",
        f"{_APPS}.flask_app:app",
    ),
    "ASGI (FastAPI, uvicorn)": (
        "uvicorn",
        "--port={port}",
        "--no-access-log",
        f"{_APPS}.fastapi_app:app",
    ),
}
_PATHS = {"one line": "/child?n=1", "ten lines": "/lines?n=1"}
_REQUESTS = 500
_ROUNDS = 12
_AIM = 1.03


def run() -> list[Row]:
    """Measure, and compare."""
    return [
        _compare(f"{what}, {lines}", command, path)
        for what, command in _SERVERS.items()
        for lines, path in _PATHS.items()
    ]


def _compare(what: str, command: tuple[str, ...], path: str) -> Row:
    place = Place(what, command[0], command)
    rounds = Rounds()
    with contextlib.ExitStack() as stack:
        servers: dict[str, Serving] = {}
        for side, environ in _SIDES.items():
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            )
            store = f"sqlite:///{folder}/logs.db"
            servers[side] = stack.enter_context(serving(place, store, folder, environ))
            _send(servers[side], path)
        for number in range(_ROUNDS):
            for side in turns(list(servers), number):
                before = _cpu_ns(servers[side])
                _send(servers[side], path)
                rounds.add(side, (_cpu_ns(servers[side]) - before) / _REQUESTS / 1000)
    return Row(
        what, "CPU µs a request", rounds.median("ours"), rounds.median("plain"),
        rounds.ratio("ours", "plain"), _AIM,
    )  # fmt: skip


def _send(server: Serving, path: str) -> None:
    headers = {"openReplaySession.id": new_session(), "traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for _ in range(_REQUESTS):
        connection.request("GET", path, headers=headers)
        connection.getresponse().read()
    connection.close()


def _cpu_ns(server: Serving) -> int:
    """What all threads of the server's processes have used, in nanoseconds."""
    used = 0
    for process in server.processes():
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{process}/task").iterdir():
                used += int((thread / "schedstat").read_text().split()[0])
    return used
