"""Starts a row's server under zero code, sends it requests over real sockets, and reads what was stored."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.emitting import now_ms, session_id_begun_at
from tests.frameworks.clients import CLIENTS
from tests.frameworks.ending import MOST_SECONDS, end_group
from tests.frameworks.lambda_service import LambdaService
from tests.frameworks.rows import program_of
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.frameworks.rows import Row

ROOT: Final = Path(__file__).parents[2]
_DJANGO_SETTINGS: Final = "tests.frameworks.apps.django_settings"
DISTRO: Final = {"OTEL_PYTHON_DISTRO": "openreplay", "OTEL_PYTHON_CONFIGURATOR": "openreplay"}


def clean_environ() -> dict[str, str]:
    """The environment without any setting of OpenTelemetry's or this package's."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "OPENREPLAY_", "PYTEST_", "COV_"))
    }


class Serving:
    """A running server.

    Args:
        row: What to start.
        store: URL of the store.
        folder: For its output.
        environ: Further variables; those that choose this package's distro where None.
    """

    def __init__(
        self, row: Row, store: str, folder: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self._row = row
        self._lambda = LambdaService(self.port) if row.client == "lambda" else None
        self._output = folder / "server.log"
        instrument = str(Path(sys.executable).parent / "opentelemetry-instrument")
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [instrument, *program_of(row, self.port)],
                env=clean_environ()
                | {"OPENREPLAY_OTEL_STORE": store, "XDG_STATE_HOME": str(folder)}
                | {"OTEL_SERVICE_NAME": "shop"}
                # OpenTelemetry's Django instrumentation wants it before the app is loaded.
                | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": row.disabled}
                | {"DJANGO_SETTINGS_MODULE": _DJANGO_SETTINGS}
                | {name: value.format(port=self.port) for name, value in row.environ}
                | dict(DISTRO if environ is None else environ),
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        """What it has printed."""
        return self._output.read_text(errors="replace")

    def wait_until_up(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + MOST_SECONDS
        while time.monotonic() < until:
            assert self._process.poll() is None, self.output()
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1),
            ):
                return
            time.sleep(0.05)
        raise AssertionError(self.output())

    def processes(self) -> list[int]:
        """The ids of its processes: they are one group."""
        found: list[int] = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # After the name, which may hold anything: state, parent, group.
                if int(stat.read_text().rpartition(")")[2].split()[2]) == self._process.pid:
                    found.append(int(stat.parent.name))
        return found

    def get(self, path: str, session_id: str | None) -> None:
        """Send a request, in the way of the row, and wait until it is answered or broken off."""
        if self._lambda is not None:
            self._lambda.invoke(path, session_id)
        else:
            CLIENTS[self._row.client](self.port, path, session_id)

    def stop(self) -> None:
        """End it as an operator does, and wait; its children with it."""
        try:
            end_group(self._process, self._row.end)
        finally:
            if self._lambda is not None:
                self._lambda.close()


def number_of(case: str) -> str:
    """A number that no other request has, to find its records by."""
    return f"{case}-{os.urandom(6).hex()}"


def new_session() -> str:
    """The id of a session that began just now."""
    return session_id_begun_at(now_ms(), int.from_bytes(os.urandom(3), "big") | 1)


def at_once(*calls: Any) -> None:
    """Do several things in threads at the same time."""
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(MOST_SECONDS)


@contextlib.contextmanager
def serving(
    row: Row, store: str, folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[Serving]:
    """A server that is up, for as long as the block lasts."""
    server = Serving(row, store, folder, environ)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.stop()
