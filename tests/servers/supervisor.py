"""A small process between the tests and a server, so that the server ends whenever the tests do.

Run as a script, with nothing but the standard library: its argument is a JSON object with `folder` (removed at the
end), `account` (user and group id, or null) and `owner` (process id). Each line on stdin is a JSON object whose `do` is
`start` (with `command` and `env`), `alive` or `kill`, answered on stdout with whether the command now runs. When
stdin closes or the owner is gone, the command's whole process group is killed and the folder removed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_GONE_SECONDS = 10
_PR_SET_CHILD_SUBREAPER = 36


class _Command:
    def __init__(self, folder: Path, account: list[int] | None) -> None:
        self._folder = folder
        self._account = account
        self._process: subprocess.Popen[Any] | None = None

    def start(self, command: list[str], env: dict[str, str]) -> None:
        self.kill()
        switch: dict[str, Any] = {}
        if self._account is not None:
            switch = {"user": self._account[0], "group": self._account[1], "extra_groups": []}
        with (self._folder / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                command,
                env=env,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                **switch,
            )

    def alive(self) -> bool:
        if self._process is None:
            return False
        # Looked at, not reaped: until `kill` the dead leader keeps its id, so that no stranger's group can have it.
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def kill(self) -> None:
        if self._process is None:
            return
        group = self._process.pid
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # The leader's children are not ours to wait for, yet the next start needs their port and lock.
        deadline = time.monotonic() + _GONE_SECONDS
        with contextlib.suppress(ProcessLookupError, PermissionError):
            while time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(-group, os.WNOHANG)
                os.killpg(group, 0)
                time.sleep(0.02)


def _adopt_orphans() -> None:
    # Linux: the children of a dead command become ours to reap; elsewhere, or where init is slow, `kill` waits longer.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _serve(command: _Command, owner: int) -> None:
    while True:
        readable, _, _ = select.select([sys.stdin], [], [], 1.0)
        if not readable:
            # A forked child of the owner can hold the pipe open; that must not keep the server.
            if os.getppid() != owner:
                return
            continue
        line = sys.stdin.readline()
        if not line:
            return
        order = json.loads(line)
        if order["do"] == "start":
            command.start(order["command"], order["env"])
        elif order["do"] == "kill":
            command.kill()
        print("yes" if command.alive() else "no", flush=True)


def _end(_signal: int, _frame: object) -> None:
    sys.exit(1)


def main() -> None:
    """Serve the owner until it is gone; ends the command and removes the folder in any case."""
    spec = json.loads(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    _adopt_orphans()
    folder = Path(spec["folder"])
    command = _Command(folder, spec["account"])
    try:
        _serve(command, spec["owner"])
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        command.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
