"""The emitting program: threads that log numbered records, and one of the ways in which programs end.

Half of the threads log in the context of a request with a session, the others without one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from opentelemetry import context, propagate

import openreplay_otel
from tests.emitting import now_ms, session_id_begun_at
from tests.faults.ledger import Ledger


@contextlib.contextmanager
def request_of(session_id: str | None) -> Any:
    """The context of a request, as the instrumentation of a web framework makes it."""
    headers = {} if session_id is None else {"openReplaySession.id": session_id}
    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)


def emit(ledger: Ledger, thread: int, arguments: argparse.Namespace) -> None:
    """One thread's part of the records."""
    count = arguments.records // arguments.threads
    session = session_id_begun_at(now_ms() - 60_000, thread + 1) if thread % 2 == 0 else None
    began = time.monotonic()
    with request_of(session):
        for number in range(count):
            each = arguments.wrong_each
            wrong = session is not None and each and number % each == each // 2
            ledger.log(thread, number, **({"amount": "much"} if wrong else {"amount": number}))
            early = began + arguments.seconds * number / count - time.monotonic()
            if early > 0:
                time.sleep(early)


def deliver(pipeline: openreplay_otel.Pipeline, seconds: float) -> bool:
    """Wait until nothing is left to deliver, of this process and of those before it."""
    assert isinstance(pipeline.processor, openreplay_otel.DurableLogRecordProcessor)
    spool = pipeline.processor.spool
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pipeline.force_flush(2000)
        owner = spool.folder.owner
        with contextlib.suppress(OSError):
            foreign = [one for one in spool.folder.files() if one.owner != owner]
            if not foreign and spool.is_empty:
                return True
        time.sleep(0.05)
    return False


def main() -> None:
    """Emit, deliver if asked to, say on stdout what became of it, and end as asked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", default="run")
    parser.add_argument("--ledger", default=os.devnull)
    parser.add_argument("--records", type=int, default=0)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=0.0, help="over which they are spread")
    parser.add_argument("--wrong-each", type=int, default=0, metavar="N", help="of sessions")
    parser.add_argument("--deliver", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--end", choices=("main", "thread", "sigterm", "handler"), default="main")
    parser.add_argument("--ready", type=Path, help="a file to make once all is emitted")
    parser.add_argument("--most-file-bytes", type=int, help="larger no file may become")
    arguments = parser.parse_args()
    if arguments.most_file_bytes:
        most = arguments.most_file_bytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    logging.getLogger("openreplay_otel").addHandler(logging.StreamHandler())
    pipeline = openreplay_otel.configure(service_name="shop")
    if arguments.end == "handler":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ledger = Ledger(arguments.ledger, arguments.run)
    raised: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            emit(ledger, thread, arguments)
        except BaseException as error:  # noqa: BLE001 - counted, as the app would see it
            raised.append(error)

    threads = [
        threading.Thread(target=work, args=(one,)) for one in range(arguments.threads)
    ]  # fmt: skip
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    is_done = not arguments.deliver or deliver(pipeline, arguments.deliver)
    counts = pipeline.processor.counts
    told = {"raised": [repr(one) for one in raised], "is_done": is_done}
    told |= {"refused": counts.refused, "dropped": counts.dropped, "retried": counts.retried}
    print(json.dumps(told), flush=True)
    if arguments.ready is not None:
        arguments.ready.touch()
    if arguments.end == "thread":
        last = threading.Thread(target=sys.exit, args=(0,))
        last.start()
        last.join()
    elif arguments.end in {"sigterm", "handler"}:
        signal.pause()


if __name__ == "__main__":
    main()
