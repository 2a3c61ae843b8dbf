"""Forks while the delivering thread starts, imports or connects: each trial in a process that has done none of it.

``python -m tests.faults.programs.early_fork start|import|connect RUN LEDGER FORKS``
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
import warnings
from typing import Final

import openreplay_otel
from tests.faults.ledger import Ledger

_HANG_SECONDS: Final = 90
_FLUSH_MILLIS: Final = 60_000
_MOMENTS: Final = {"start": 0.001, "import": 0.25, "connect": 0.015}
"""Seconds after the first record within which the fork comes."""


def child(pipeline: openreplay_otel.Pipeline, book: Ledger, number: int) -> int:
    """Log and deliver; 0 where all is well."""
    signal.alarm(_HANG_SECONDS)
    try:
        "name".encode("idna")
        book.log(2 * number + 1, 0)
        return 0 if pipeline.force_flush(_FLUSH_MILLIS) else 3
    except BaseException:  # noqa: BLE001 - told
        traceback.print_exc()
        return 4


def trial(moment: str, run: str, ledger: str, number: int) -> int:
    """Configure, log once, fork: how the child ended."""
    signal.alarm(2 * _HANG_SECONDS)
    pipeline = openreplay_otel.configure(service_name="shop")
    book = Ledger(ledger, run)
    book.log(2 * number, 0)
    time.sleep(random.random() * _MOMENTS[moment])
    pid = os.fork()
    if pid == 0:
        os._exit(child(pipeline, book, number))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    """Do so many trials, and say on stdout which of them failed."""
    moment, run, ledger, forks = sys.argv[1:]
    warnings.simplefilter("ignore", DeprecationWarning)
    if moment == "connect":
        import elastic_transport  # noqa: F401 - so that the thread comes to its connection at once
    failed: list[int] = []
    for number in range(int(forks)):
        pid = os.fork()
        if pid == 0:
            status = 5
            try:
                status = trial(moment, run, ledger, number)
            except BaseException:  # noqa: BLE001 - told
                traceback.print_exc()
            # As little as a killed process: what it has not delivered, the next one finds.
            os._exit(status & 0xFF)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status:
            failed.append(status)
    print(json.dumps({"raised": failed}), flush=True)


if __name__ == "__main__":
    main()
