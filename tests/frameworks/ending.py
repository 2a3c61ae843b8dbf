"""Ends a program of a test with all that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import subprocess

MOST_SECONDS: Final = 60


def end_group(process: subprocess.Popen[Any], how: int = signal.SIGTERM) -> None:
    """End a program as an operator does and wait; what is left of its group is killed.

    Args:
        process: Started with ``start_new_session``.
        how: The signal.

    Raises:
        subprocess.TimeoutExpired: It did not end by itself.
    """
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(MOST_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
