"""A job queue on files, so that the example needs no broker."""

import logging
import sys
from pathlib import Path

from celery import Celery

import openreplay_otel

log = logging.getLogger("shop.jobs")

for name in ("queue", "control"):
    Path(name).mkdir(exist_ok=True)
app = Celery("shop", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": "queue",
    "data_folder_out": "queue",
    "control_folder": "control",
}


@app.task(name="send_mail")
def send_mail(order: int) -> None:
    """Log a line, in the worker."""
    log.warning("mail about order %d is sent", order)


if __name__ == "__main__":
    # In place of a web request, which brings its session by itself.
    with openreplay_otel.use_session(sys.argv[1]):
        send_mail.delay(7)
