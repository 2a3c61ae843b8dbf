"""A real Chromium, and the example's front end with its real backends."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import LogEntry, SessionLogs, StoreError
from tests.browser.stand_ins import Files, Ingest, StandIn
from tests.browser.tools import (
    FRONTEND,
    ToolMissing,
    build_frontend,
    chromium,
    eventually,
    missing,
    wait_for_port,
)
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext

BACKENDS = ("flask", "fastapi", "django")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    try:
        program, arguments = chromium()
    except ToolMissing as error:
        missing(error)
        raise
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of a new visitor."""
    made = browser.new_context(locale="en-US")
    made.set_default_timeout(30_000)
    yield made
    made.close()


class Shop:
    """The example: its page, its three backends, OpenReplay's ingest and another origin.

    Attributes:
        page: Address of the front end that talks to a backend, by the backend's name.
        store: URL of the store in which a backend logs, by its name.
        port: Port of a backend, by its name.
        ingest: The stand-in for OpenReplay.
        elsewhere: Some other origin.
    """

    def __init__(self, folder: Path) -> None:
        self.ingest, self.elsewhere = Ingest(), StandIn()
        self.page: dict[str, str] = {}
        self.store: dict[str, str] = {}
        self.port: dict[str, int] = {}
        self._folder = folder
        self._closing = contextlib.ExitStack()
        for stand_in in (self.ingest, self.elsewhere):
            self._closing.callback(stand_in.close)

    def open(self, backend: str) -> None:
        """Build the page for a backend, and start both."""
        dist = self._folder / backend
        dist.mkdir()
        files = Files(dist)
        self._closing.callback(files.close)
        port = free_port()
        self.page[backend], self.port[backend] = files.url, port
        self.store[backend] = f"sqlite:///{self._folder}/{backend}.db"
        foreign = ("OPENREPLAY_OTEL_", "OTEL_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        variables = {
            "SHOP_PAGE": files.url,
            "OPENREPLAY_OTEL_STORE": self.store[backend],
            # What could not be delivered shall not lie in the spool of whoever runs the tests.
            "XDG_STATE_HOME": str(self._folder / f"{backend}-state"),
        }
        command = [sys.executable, str(FRONTEND / "backend" / f"{backend}_app.py"), str(port)]
        process = subprocess.Popen(
            command, env={**kept, **variables}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        self._closing.callback(_end, process)
        wait_for_port(port, process)
        build_frontend(
            dist,
            {
                "VITE_API_URL": f"http://127.0.0.1:{port}",
                "VITE_INGEST_POINT": f"{self.ingest.url}/ingest",
                "VITE_PROJECT_KEY": "example",
            },
        )

    def close(self) -> None:
        """End all of it."""
        self._closing.close()

    def logged(self, backend: str, session_id: str | None, *, errors: int = 1) -> list[LogEntry]:
        """A session's records, once so many errors have arrived."""
        assert session_id
        found: list[LogEntry] = []

        def has_come() -> bool:
            nonlocal found
            with contextlib.suppress(StoreError), SessionLogs(self.store[backend]) as logs:
                found = list(logs.logs(session_id))
            return sum(entry.exception is not None for entry in found) >= errors

        eventually(has_come, f"{errors} errors of session {session_id}")
        return found


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The example with all of its backends."""
    made = Shop(tmp_path_factory.mktemp("shop"))
    try:
        for backend in BACKENDS:
            made.open(backend)
        yield made
    except ToolMissing as error:
        missing(error)
    finally:
        made.close()
