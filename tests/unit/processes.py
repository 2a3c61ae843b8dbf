"""Runs parts of a test in other processes: forks, and fresh interpreters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT: Final = Path(__file__).parents[2]
MOST_SECONDS: Final = 180
"""What ends a child that hangs. Far more than one takes, on a busy machine too."""
forking = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
"""For tests that fork on purpose although pytest has threads."""


class Fork:
    """A forked child that runs a function; the result has to be JSON.

    Args:
        function: Gets a function that tells the parent a word and waits for its go-ahead.
    """

    def __init__(self, function: Callable[[Callable[[], None]], Any]) -> None:
        self._from_child, to_parent = os.pipe()
        from_parent, self._to_child = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(to_parent)
            os.close(from_parent)
            self._reader = os.fdopen(self._from_child)
            return
        signal.alarm(MOST_SECONDS)  # a child that hangs is ended by the system

        def pause() -> None:
            os.write(to_parent, b"paused\n")
            os.read(from_parent, 1)

        status = 1
        try:
            os.write(to_parent, json.dumps(function(pause)).encode() + b"\n")
            status = 0
        except BaseException:  # noqa: BLE001 - told to the parent
            os.write(to_parent, json.dumps(traceback.format_exc()).encode() + b"\n")
        finally:
            os._exit(status)

    def until_paused(self) -> None:
        """Wait for the child to pause."""
        assert "paused\n" == self._reader.readline()

    def go_on(self) -> None:
        """Let a paused child go on."""
        os.write(self._to_child, b"x")

    def wait_for_end(self) -> None:
        """Wait for a child that is killed."""
        os.waitpid(self.pid, 0)
        self._reader.close()
        os.close(self._to_child)

    def result(self) -> Any:
        """What the function returned."""
        line = self._reader.readline()
        self._reader.close()
        os.close(self._to_child)
        _, status = os.waitpid(self.pid, 0)
        assert 0 == status, line or f"the child was ended by signal {status}"
        return json.loads(line)


def run_python(
    script: str, environ: Mapping[str, str] | None = None, *arguments: str, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """A script in a fresh interpreter with none of the machine's settings; it has to end with that status."""
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("OPENREPLAY_OTEL_", "OTEL_", "COV_", "PYTEST_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=clean | dict(environ or {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert status == done.returncode, done.stdout + done.stderr
    return done
