"""A Celery app whose tasks log: its broker is a folder."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from celery import Celery

import openreplay_otel
from tests.faults.ledger import Ledger

RECORDS = 10
_KILL_EACH = int(os.environ["FAULTS_KILL_EACH"])
_broker = Path(os.environ["FAULTS_BROKER"])
app = Celery("shop", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(_broker / "queue"),
    "data_folder_out": str(_broker / "queue"),
    "control_folder": str(_broker / "control"),
    "store_processed": False,
}
app.conf.task_ignore_result = True
app.conf.worker_hijack_root_logger = False
openreplay_otel.configure(service_name="shop")
_ledger = Ledger(os.environ["FAULTS_LEDGER"], os.environ["FAULTS_RUN"])


@app.task
def work(number: int) -> None:
    """Log some records, and be killed behind the last one each so many tasks.

    Not from outside: killed while it holds the lock of Celery's pool, a process would stop all others.
    """
    for one in range(RECORDS):
        _ledger.log(0, number * RECORDS + one)
    if number % _KILL_EACH == _KILL_EACH - 1:
        os.kill(os.getpid(), signal.SIGKILL)
