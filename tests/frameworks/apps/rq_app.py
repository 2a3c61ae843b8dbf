"""RQ jobs; run as a script it queues them, each for a session."""

from __future__ import annotations

import logging
import os
import sys

from redis import Redis
from rq import Queue

import openreplay_otel

log = logging.getLogger("shop.jobs")


def plain(number: str) -> None:
    """Logs a line."""
    log.warning("plain %s", number)


def fails(number: str) -> None:
    """Fails: the worker logs the traceback."""
    raise RuntimeError(f"job failed {number}")


def main() -> None:
    """Queue what the command line names."""
    queue = Queue(connection=Redis.from_url(os.environ["BROKER"]))
    for word in sys.argv[1:]:
        name, number, session = word.split("=")
        job = f"tests.frameworks.apps.rq_app.{name}"
        if session:
            with openreplay_otel.use_session(session):
                queue.enqueue(job, number)
        else:
            queue.enqueue(job, number)


if __name__ == "__main__":
    main()
