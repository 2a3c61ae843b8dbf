"""Celery tasks; the broker stands in a variable. Run as a script it queues them, each for a session."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from celery import Celery

import openreplay_otel

log = logging.getLogger("shop.jobs")

app = Celery("shop", broker=os.environ["BROKER"])
app.conf.broker_connection_retry_on_startup = True
if os.environ["BROKER"].startswith("filesystem:"):
    folder = Path(os.environ["BROKER_FOLDER"])
    app.conf.broker_transport_options = {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
    }


@app.task(name="plain")
def plain(number: str) -> None:
    """Logs a line."""
    log.warning("plain %s", number)


@app.task(name="fails")
def fails(number: str) -> None:
    """Fails: the worker logs the traceback."""
    raise RuntimeError(f"job failed {number}")


@app.task(name="retried", bind=True, max_retries=1, default_retry_delay=0)
def retried(self, number: str) -> None:
    """Fails once and is tried again."""
    log.warning("try %d of %s", self.request.retries, number)
    if self.request.retries == 0:
        raise self.retry(exc=RuntimeError(f"once {number}"))


if __name__ == "__main__":
    # number=session of each job; a job without a session has none.
    for word in sys.argv[1:]:
        name, number, session = word.split("=")
        task = {"plain": plain, "fails": fails, "retried": retried}[name]
        if session:
            with openreplay_otel.use_session(session):
                task.delay(number)
        else:
            task.delay(number)
