"""Programs that make processes while they log: ``multiprocessing`` by fork and spawn, and a bare ``os.fork``.

``python -m tests.faults.programs.forking fork|spawn|midst RUN LEDGER RECORDS PROCESSES``
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from typing import Any

import openreplay_otel
from tests.faults.ledger import Ledger

_HANG_SECONDS = 60
_PAUSE = 0.0005
"""Between two records: of more processes than processors, the times would be the system's turns."""


def child(run: str, ledger: str, number: int, records: int) -> None:
    """What each process does."""
    signal.alarm(_HANG_SECONDS)
    openreplay_otel.configure(service_name="shop")
    book = Ledger(ledger, run)
    for one in range(records):
        book.log(number, one)
        time.sleep(_PAUSE)


def by_multiprocessing(
    method: str, run: str, ledger: str, records: int, processes: int
) -> list[int]:
    """Log here and in children that ``multiprocessing`` makes, all at once."""
    book = Ledger(ledger, run)
    context: Any = multiprocessing.get_context(method)
    started = [
        context.Process(target=child, args=(run, ledger, number + 1, records))
        for number in range(processes)
    ]
    for one, process in enumerate(started):
        book.log(0, one)
        process.start()
    for one in range(records):
        book.log(0, processes + one)
        time.sleep(_PAUSE)
    for process in started:
        process.join()
    return [int(process.exitcode or 0) for process in started]


def in_the_midst(run: str, ledger: str, records: int, processes: int) -> list[int]:
    """Fork again and again while four threads log; each child logs and ends without any clean-up."""
    book = Ledger(ledger, run)
    is_over = threading.Event()

    def log_on(thread: int) -> None:
        number = 0
        while not is_over.is_set():
            book.log(thread, number)
            number += 1

    threads = [threading.Thread(target=log_on, args=(one,)) for one in range(4)]
    for one in threads:
        one.start()
    statuses: list[int] = []
    for number in range(processes):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                signal.alarm(_HANG_SECONDS)
                for one in range(records):
                    book.log(100 + number, one)
                code = 0
            finally:
                os._exit(code)
        statuses.append(os.waitpid(pid, 0)[1])
    is_over.set()
    for one in threads:
        one.join()
    return statuses


def main() -> None:
    """Do one of them, and say on stdout how its processes ended."""
    way, run, ledger, records, processes = sys.argv[1:]
    # Python warns of forks beside threads, which is what this is about.
    warnings.simplefilter("ignore", DeprecationWarning)
    openreplay_otel.configure(service_name="shop")
    arguments = (run, ledger, int(records), int(processes))
    statuses = in_the_midst(*arguments) if way == "midst" else by_multiprocessing(way, *arguments)
    print(json.dumps({"raised": [one for one in statuses if one]}), flush=True)


if __name__ == "__main__":
    main()
