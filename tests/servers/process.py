"""The tests' end of a supervised server process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.servers.errors import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.servers.access import Account

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_END_SECONDS = 30


class SupervisedProcess:
    """A command that ends when this process does, however that comes about (see `supervisor.py`).

    `folder` is the command's working folder, from now on removed at the end; its output is in `folder/console.log`.
    It runs under `account`, or under our own. Its methods raise `ServerFailed` when the supervisor is gone.
    """

    def __init__(self, folder: Path, account: Account | None = None) -> None:
        spec = {"folder": str(folder), "account": account, "owner": os.getpid()}
        self.folder = folder
        self._talking = threading.Lock()
        with (folder / "console.log").open("ab") as console:
            self._supervisor = subprocess.Popen(
                # Isolated, so that what the tests put into PYTHONPATH (instrumentation) does not reach it.
                [sys.executable, "-I", str(_SUPERVISOR), json.dumps(spec)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=console,
                text=True,
                # Out of the terminal's reach: Ctrl-C goes to the tests, which then end the server.
                start_new_session=True,
            )

    def start(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start `command` with the environment `env`; what an earlier start left is killed first."""
        self._ask({"do": "start", "command": list(command), "env": dict(env)})

    def alive(self) -> bool:
        """Whether the command is running."""
        return self._ask({"do": "alive"})

    def kill(self) -> None:
        """Kill the command's whole process group; it can be started again."""
        self._ask({"do": "kill"})

    def end(self) -> None:
        """Kill the command and remove its folder. Does nothing the second time."""
        with contextlib.suppress(BrokenPipeError):
            _given(self._supervisor.stdin).close()
        self._supervisor.wait(_END_SECONDS)
        _given(self._supervisor.stdout).close()

    def output(self) -> str:
        """What the command has printed, its last 64 kB."""
        with (self.folder / "console.log").open("rb") as console:
            size = console.seek(0, os.SEEK_END)
            console.seek(max(0, size - 65536))
            return console.read().decode(errors="replace")

    def _ask(self, order: Mapping[str, Any]) -> bool:
        try:
            with self._talking:
                stdin = _given(self._supervisor.stdin)
                stdin.write(f"{json.dumps(order)}\n")
                stdin.flush()
                answer = _given(self._supervisor.stdout).readline()
        except (OSError, ValueError):
            answer = ""
        if not answer:
            message = "the server's supervisor has ended, and the server with it"
            raise ServerFailed(message)
        return answer.strip() == "yes"


def _given(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
