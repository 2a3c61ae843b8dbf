"""``ship``: log files read and stored, beside what Elasticsearch itself takes for the same documents.

A file of plain text (Python's own format, a session's tag in each line, a traceback now and then) and one of
JSON lines (ecs-logging) are made beforehand. In turns, on one server of the tests' harness, each time into
indexes that are not there yet:

- ship: the parts of ``openreplay-otel ship``, from the file to the store's last answer;
- raw: the same documents, made beforehand as ready requests of the same size, sent one after the other.

"Wall" is what a person waits. "CPU" is that of the reading process alone, with nothing sent: reading, parsing,
documents and ids. If it is below raw's wall, one core reads faster than Elasticsearch takes it in. Memory is
the highest of a process of its own that reads a small and a large file (``--dry-run``).
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from datetime import timezone
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ecs_logging

from openreplay_otel import Settings, open_store
from openreplay_otel.ship.aside import Aside
from openreplay_otel.ship.counts import ShipCounts
from openreplay_otel.ship.files import log_files
from openreplay_otel.ship.sending import Sender, quick_turns
from openreplay_otel.ship.shipping import ShipOptions, Shipper
from openreplay_otel.stores.bulk_lines import bulk_body
from openreplay_otel.stores.elasticsearch import ElasticsearchStore
from openreplay_otel.stores.elasticsearch.bulk import BULK_PATH
from tests.benchmarks.measuring import Rounds, turns
from tests.benchmarks.report import Row
from tests.emitting import session_id_begun_at
from tests.servers.elasticsearch import ElasticsearchServer

if TYPE_CHECKING:
    import resource
    from collections.abc import Iterator

    from openreplay_otel.delivery.delivery import DeliveryReport
    from openreplay_otel.stores.base import Document

RECORDS = 200_000
ROUNDS = 7
WARM_UP = 2
SMALL, LARGE = 50_000_000, 1_000_000_000
AIM_WALL = 1.05
AIM_CPU = 1.0
AIM_MEMORY = 1.2

_START_MS = 1_706_063_300_000
_TRACE = """Traceback (most recent call last):
  File "/srv/shop/pay.py", line 88, in charge
    bank.charge(order)
ConnectionError: the bank hung up
"""
_OPTIONS = ShipOptions(zone=timezone.utc, service="shop")


def run(major: int) -> list[Row]:
    """Start a server of a major, make the files, measure; returns the rows of the table."""
    print(f"  starting Elasticsearch {major}", file=sys.stderr, flush=True)
    rows: list[Row] = []
    with ElasticsearchServer.start(major) as server, tempfile.TemporaryDirectory() as folder:
        for kind, lines in (("plain text", _plain_lines), ("JSON lines", _json_lines)):
            path = Path(folder) / f"{kind.partition(' ')[0]}.log"
            with path.open("w", encoding="utf-8") as file:
                file.writelines(islice(lines(), RECORDS))
            rows += _rows(kind, path, server)
        rows.append(_memory(Path(folder)))
    return rows


def _rows(kind: str, path: Path, server: ElasticsearchServer) -> list[Row]:
    settings = Settings(store=server.store_url)
    requests = _requests(path, settings)
    wall, cpu = Rounds(), Rounds()
    for number in range(WARM_UP + ROUNDS):
        for side in turns(("ship", "raw"), number):
            server.wipe()
            store = open_store(settings=settings)
            assert isinstance(store, ElasticsearchStore)
            assert not store.prepare()
            began = time.perf_counter()
            if side == "ship":
                _ship(path, settings, store)
            else:
                for body in requests:
                    answer = store.connection.request("POST", BULK_PATH, body, timeout=120).body
                    assert not answer.get("errors")
            seconds = time.perf_counter() - began
            store.close()
            if number >= WARM_UP:
                wall.add(side, seconds / RECORDS * 1e6)
        began = time.process_time()
        _read(path, settings)
        if number >= WARM_UP:
            cpu.add("read", (time.process_time() - began) / RECORDS * 1e6)
        print(f"  {kind}, round {number - WARM_UP + 1}", file=sys.stderr, flush=True)
    # Only figures of the same round make a ratio.
    both = Rounds({"read": cpu.taken["read"], "raw": wall.taken["raw"]})
    size = path.stat().st_size / RECORDS
    return [
        Row(f"{kind}: ship beside raw requests, wall a record", "µs", wall.median("ship"),
            wall.median("raw"), wall.ratio("ship", "raw"), AIM_WALL),
        Row(f"{kind}: reading alone, CPU, beside raw's wall", "µs", cpu.median("read"),
            wall.median("raw"), both.ratio("read", "raw"), AIM_CPU),
        Row(f"{kind}: reading alone", "MB/s of one core", size / cpu.median("read")),
        Row(f"{kind}: shipped", "records/s", 1e6 / wall.median("ship"), 1e6 / wall.median("raw")),
    ]  # fmt: skip


def _ship(path: Path, settings: Settings, store: ElasticsearchStore) -> None:
    counts = ShipCounts()

    def done(batch: list[Document], report: DeliveryReport) -> None:
        counts.stored += report.accepted
        shipper.settled(batch)

    sender = Sender(store, request_max_bytes=settings.request_max_bytes, patience=120, done=done)
    shipper = _shipper(settings, counts, sender.send)
    with quick_turns():
        _read_into(shipper, path)
        sender.finish()
    assert counts.stored == RECORDS, counts


def _read(path: Path, settings: Settings) -> None:
    counts = ShipCounts()

    def settled(batch: list[Document]) -> None:
        shipper.settled(batch)

    shipper = _shipper(settings, counts, settled)
    _read_into(shipper, path)
    assert counts.records == RECORDS, counts


def _requests(path: Path, settings: Settings) -> list[bytes]:
    """The documents of a file as ready requests."""
    bodies: list[bytes] = []

    def keep(batch: list[Document]) -> None:
        bodies.append(bulk_body(batch))
        shipper.settled(batch)

    shipper = _shipper(settings, ShipCounts(), keep)
    _read_into(shipper, path)
    return bodies


def _shipper(settings: Settings, counts: ShipCounts, send: Any) -> Shipper:
    return Shipper(settings, _OPTIONS, counts=counts, aside=Aside(None, counts), send=send)


def _read_into(shipper: Shipper, path: Path) -> None:
    (file,) = log_files([str(path)], with_rotated=False)
    shipper.read(file, lambda position: None)  # noqa: ARG005 - nobody watches
    shipper.flush()


def _memory(folder: Path) -> Row:
    """The highest memory of a process that reads a large file, beside one that reads a small one."""
    command = [str(Path(sysconfig.get_path("scripts")) / "openreplay-otel"), "ship"]
    highest: list[float] = []
    for size in (SMALL, LARGE):
        path = folder / "large.log"
        with path.open("wb", buffering=1 << 20) as file:
            written = 0
            for line in _plain_lines():
                written += file.write(line.encode())
                if written >= size:
                    break
        with subprocess.Popen(
            [*command, str(path), "--dry-run", "--json"], stdout=subprocess.DEVNULL
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        highest.append(_megabytes(usage))
        path.unlink()
    small, large = highest
    return Row(
        f"memory, {LARGE // 1_000_000:,} MB beside {SMALL // 1_000_000} MB", "MB", large, small,
        Rounds({"large": [large], "small": [small]}).ratio("large", "small"), AIM_MEMORY,
    )  # fmt: skip


def _megabytes(usage: resource.struct_rusage) -> float:
    # Kilobytes on Linux, bytes on macOS.
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _records() -> Iterator[logging.LogRecord]:
    sessions = cycle(session_id_begun_at(_START_MS - 60_000 + n, n) for n in range(300))
    number = 0
    while True:
        text = (
            f"[openReplaySession.id={next(sessions)}] order {number} of customer {number * 7919 % 99_991}"
            f" was placed with {number % 30} items and shipped to warehouse {number % 11}"
        )
        level = logging.ERROR if number % 100 == 0 else logging.INFO
        record = logging.LogRecord("shop.checkout", level, "/srv/shop/pay.py", 88, text, (), None)
        record.created = (_START_MS + number) / 1000
        record.msecs = number % 1000
        yield record
        number += 1


def _plain_lines() -> Iterator[str]:
    form = logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s")
    form.converter = time.gmtime
    for record in _records():
        line = form.format(record) + "\n"
        yield line + _TRACE if record.levelno == logging.ERROR else line


def _json_lines() -> Iterator[str]:
    form = ecs_logging.StdlibFormatter()
    for record in _records():
        yield form.format(record) + "\n"
