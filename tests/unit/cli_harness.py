"""Runs the real command in a process of its own, in a pipe or on a terminal, and fills stores for it."""

from __future__ import annotations

import contextlib
import fcntl
import io
import logging
import os
import pty
import re
import struct
import subprocess
import sysconfig
import termios
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

from openreplay_otel import OpenReplayLogExporter
from openreplay_otel.cli.app import run
from tests.emitting import App

from .contract import EXAMPLE_ID, EXAMPLE_STARTED_MS, EXAMPLE_TOKEN_ID, MINUTE_MS, base36

COMMAND: Final = str(Path(sysconfig.get_path("scripts")) / "openreplay-otel")
TOKEN: Final = f"{EXAMPLE_TOKEN_ID}.2s.{base36(EXAMPLE_STARTED_MS)}.6Zb4vQ8kTt3Y9mNfE2HdRrWcXaPuLs"
APP_URL: Final = "https://replay.example.org"
SECONDS: Final = 180
"""How long a command may take before the test gives it up; all take a second or two."""

_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


class Screen(NamedTuple):
    """What a command wrote to a terminal: as it came, and as lines without colours."""

    code: int
    raw: str

    @property
    def lines(self) -> list[str]:
        """The lines as a person sees them."""
        return _ANSI.sub("", self.raw).replace("\r\n", "\n").split("\n")


def environment(state: Path, **more: str) -> dict[str, str]:
    """A user's variables: nothing of this package's, a state folder of one's own."""
    foreign = ("OPENREPLAY_OTEL_", "OTEL_", "FORCE_COLOR", "NO_COLOR", "TTY_", "COLUMNS", "UV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "XDG_STATE_HOME": str(state), "TZ": "Asia/Kolkata", **more}


def call(*arguments: str, state: Path, cwd: Path | None = None, **variables: str) -> Done:
    """Run the command with its output in pipes."""
    done = subprocess.run(
        [COMMAND, *arguments],
        env=environment(state, **variables),
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def call_here(*arguments: str, state: Path, **variables: str) -> Done:
    """Run the command in this process: a second less for tests that call it dozens of times."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment(state, **variables), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        logger = logging.getLogger("openreplay_otel")
        handlers = list(logger.handlers)
        try:
            code = run(arguments)
        finally:
            logger.handlers = handlers
    return Done(code, out.getvalue(), err.getvalue())


def call_on_terminal(*arguments: str, state: Path, columns: int) -> Screen:
    """Run the command on a terminal of some width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    variables = environment(state, TERM="xterm-256color")
    with subprocess.Popen(
        [COMMAND, *arguments], env=variables, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        written = bytearray()
        try:
            while part := os.read(ours, 65536):
                written += part
        except OSError:
            pass  # how Linux says that the other end is closed
        finally:
            os.close(ours)
        code = process.wait(SECONDS)
    return Screen(code, written.decode())


def store_url(path: Path) -> str:
    """The URL of an SQLite store."""
    return f"sqlite:///{path}"


def export(app: App, url: str, **settings: Any) -> None:
    """Bring the records of an app to a store."""
    exporter = OpenReplayLogExporter(url, **settings)
    exporter.export(app.take())
    assert exporter.force_flush()
    exporter.shutdown()


def fill_shop(url: str) -> None:
    """Four records of the contract's session in its second minute, and one of another session."""
    app = App("shop")
    start = EXAMPLE_STARTED_MS + MINUTE_MS
    app.log(EXAMPLE_ID, "cart opened", at_ms=start)
    app.log(EXAMPLE_ID, "price from cache", level=10, at_ms=start + 500)
    app.log(EXAMPLE_ID, "stock is low", level=30, at_ms=start + 1000)
    app.log(EXAMPLE_ID, "order failed", level=40, at_ms=start + 1500, error=chained_exception())
    app.log("2618307011354435588", "somebody else's", at_ms=start + 1600)
    export(app, url)


def chained_exception() -> Exception:
    """An exception that another one led to, both raised."""
    try:
        try:
            raise ConnectionError("the bank hung up")
        except ConnectionError as error:
            raise RuntimeError("nothing was charged") from error
    except RuntimeError as error:
        return error
