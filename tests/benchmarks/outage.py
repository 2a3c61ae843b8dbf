"""``outage``: the memory of a process that logs 5,000 records a second while the store is away for two minutes.

A process of its own, so that nothing else counts: resident memory after the first seconds, and the most of it
afterwards. The store's address is one at which nothing listens. All records have to be in the spool at the end.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile

from tests.benchmarks.report import Row

SECONDS = 120
RATE = 5_000
AIM_MB = 64.0

_APP = """
import json, sys, time
from openreplay_otel import DurableLogRecordProcessor, OpenReplayLogRecordProcessor, Settings
from tests.benchmarks.emitting_app import emitting, requests_of_sessions

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

url, folder, seconds, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
settings = Settings(store=url, spool_dir=folder)
processor = DurableLogRecordProcessor(settings=settings)
stamp = OpenReplayLogRecordProcessor(settings)
emit = emitting(requests_of_sessions(), [stamp, processor], emits=rate // 20)
for _ in range(20):
    emit()
time.sleep(1)
before = most = resident()
began = time.monotonic()
for number in range(seconds * 20):
    emit()
    most = max(most, resident())
    time.sleep(max(0.0, began + (number + 1) / 20 - time.monotonic()))
counts = processor.counts
late = time.monotonic() - began - seconds
queued, size = processor.spool.queued, processor.spool.queued_bytes
processor.shutdown()
print(json.dumps([before, most, counts.accepted, queued, size, late, sum(counts.dropped.values())]))
"""


def run() -> list[Row]:
    """Measure; returns the rows of the table."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-c", _APP, url, folder, str(SECONDS), str(RATE)],
            check=True,
            stdout=subprocess.PIPE,
        )
    before, most, accepted, queued, size, late, dropped = json.loads(done.stdout)
    assert (accepted, dropped) == (queued, 0), (accepted, queued, dropped)
    return [
        Row("memory added by the outage", "MB", (most - before) / 1e6, aim=AIM_MB),
        Row("records in the spool afterwards", "", queued),
        Row("  their bytes", "MB", size / 1e6),
        Row("seconds behind the rate", "s", late),
    ]
