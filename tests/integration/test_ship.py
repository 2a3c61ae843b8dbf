"""Shipping log files to a real Elasticsearch: mixed formats, twice, every line accounted for."""

from __future__ import annotations

import gzip
import json
import logging
import random
import re
import socket
import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import ecs_logging
import pytest
import structlog
from pythonjsonlogger.json import JsonFormatter

from openreplay_otel import SessionLogs
from tests.emitting import session_id_begun_at
from tests.openreplay_readers import check_panel_rules, reader_key, search_as_v1_21
from tests.unit.cli_harness import TOKEN, call
from tests.unit.contract import EXAMPLE_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_LINES = 200_000
_START_MS = 1_706_063_300_000
_TRACE = """Traceback (most recent call last):
  File "/srv/shop/pay.py", line 88, in charge
    bank.charge(order)
ConnectionError: the bank hung up
"""


class Writer:
    """Writes lines as the formatters of logging libraries do, each of the next millisecond.

    The formatters themselves write one line for each kind, session and tag; in it, number and time are
    replaced for the others: two hundred thousand calls would take longer than all else.

    Attributes:
        records: How many records the lines are.
        unread: How many lines are none.
    """

    def __init__(self, sessions: list[str]) -> None:
        self._random = random.Random(7)
        self._now_ms = _START_MS
        self._templates = [
            [self._template(kind, tag, session) for kind in range(4)]
            for session in sessions
            for tag in ("openReplaySession.id", "openReplaySessionToken", "asayer_session_id")
        ]
        self.records = self.unread = 0

    def lines(self, count: int) -> Iterator[str]:
        """So many lines, and a few more where a traceback does not fit in."""
        written = 0
        while written < count:
            made = self._next()
            written += made.count("\n")
            yield made

    def _next(self) -> str:
        number = self._random.randrange(1000)
        self._now_ms += 1
        if number < 5:
            self.unread += 1
            return '{"message": "torn off in the mid\n' if number < 3 else '{"order": 7}\n'
        self.records += 1
        line = self._random.choice(self._templates)[number % 4]
        seconds, ms = divmod(self._now_ms, 1000)
        moment = _second(seconds)
        line = (
            line.replace(_NUMBER, str(self.records))
            .replace(_TEXT_TIME, f"{moment},{ms:03d}")
            .replace(_ISO_TIME, f"{moment.replace(' ', 'T')}.{ms:03d}")
            .replace(_UNIX_TIME, f"{seconds}.{ms:03d}")
        )
        return f"{line}\n{_TRACE}" if number % 4 == 0 and number < 40 else f"{line}\n"

    @staticmethod
    def _template(kind: int, tag: str, session: str) -> str:
        message = f"[{tag}={session}] step {_NUMBER} of an order"
        record = logging.LogRecord(
            "shop.checkout", logging.ERROR, "/srv/a.py", 1, message, (), None
        )
        record.created, record.msecs = _START_MS / 1000 + 0.123, 123
        if kind == 0:
            text = logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s")
            text.converter = time.gmtime
            return text.format(record)
        if kind == 1:
            return ecs_logging.StdlibFormatter().format(record)
        if kind == 2:
            form = "%(message)s %(levelname)s %(name)s %(created)s"
            return JsonFormatter(form, rename_fields={"created": "ts"}).format(record)
        event = {"event": message, "level": "warning", "timestamp": record.created}
        rendered = structlog.processors.JSONRenderer()(None, "warning", event)
        assert isinstance(rendered, str)
        return rendered


_NUMBER = "@number@"
_TEXT_TIME, _ISO_TIME = "2024-01-24 02:28:20,123", "2024-01-24T02:28:20.123"
_UNIX_TIME = "1706063300.123"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def counted(es: ElasticsearchServer) -> int:
    """Documents in all session indexes."""
    es.expect("POST", "/_all/_refresh")
    return es.expect("GET", "/openreplay-logs-*/_count")["count"]


def test_two_hundred_thousand_mixed_lines_twice(es: ElasticsearchServer, tmp_path: Path) -> None:
    """The second time stores nothing, also packed and renamed; what cannot be read is kept, line by line."""
    sessions = [session_id_begun_at(_START_MS - 60_000 + n, n) for n in range(300)]
    writer = Writer(sessions)
    path = tmp_path / "app.log"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(writer.lines(_LINES))
    total = path.read_bytes().count(b"\n")
    typed = ("--store", es.store_url, "--timezone", "UTC", "--service", "shop", "--json")
    first = call("ship", "app.log", *typed, state=tmp_path, cwd=tmp_path)
    assert (first.code, first.err) == (0, "")
    counts = json.loads(first.out)
    assert (counts["lines"], counts["records"]) == (total, writer.records)
    assert (counts["stored"], counts["known"], counts["refused"]) == (writer.records, 0, 0)
    assert counts["unread"] == writer.unread
    kept = (tmp_path / "app.log.unread").read_text(encoding="utf-8").splitlines()
    assert len(kept) == writer.unread
    assert counted(es) == writer.records

    packed = tmp_path / "app.log.1.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    again = json.loads(call("ship", str(packed), *typed, state=tmp_path, cwd=tmp_path).out)
    assert (again["stored"], again["known"]) == (0, writer.records)
    assert counted(es) == writer.records

    key = reader_key(es)
    for session in sessions[:3]:
        hits = search_as_v1_21(es, key, session)
        check_panel_rules(hits)
        times = [hit["_source"]["@timestamp"] for hit in hits]
        assert len(times) > 100
        assert times == sorted(times)


def test_what_elasticsearch_refuses_is_kept_aside(es: ElasticsearchServer, tmp_path: Path) -> None:
    """A field of another type in that day's index: the line stands in the file, the reason is told."""
    es.expect(
        "PUT", "/openreplay-logs-2024.01.24",
        {"mappings": {"properties": {"labels": {"properties": {"order": {"type": "ip"}}}}}},
    )  # fmt: skip
    lines = [
        json.dumps({"message": f"[openReplaySession.id={EXAMPLE_ID}] {n}", "order": order,
                    "time": "2024-01-24T02:28:00Z"})
        for n, order in enumerate(["10.0.0.1", "no address", "10.0.0.2"])
    ]  # fmt: skip
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
    done = call("ship", "app.log", "--store", es.store_url, state=tmp_path, cwd=tmp_path)
    assert done.code == 0
    assert "refused by the store, first in app.log:2" in done.out
    assert "order" in done.out
    assert (tmp_path / "app.log.unread").read_text() == lines[1] + "\n"
    assert counted(es) == 2


class Outage:
    """Stands before the server, and lets nobody in for a while after the first request of documents."""

    def __init__(self, es: ElasticsearchServer) -> None:
        parts = urlsplit(es.url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._target = (parts.hostname, parts.port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = es.store_url.replace(f":{parts.port}", f":{self._listening.getsockname()[1]}")
        self.closed = 0
        self._documents = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Outage:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            while request := _message(client):
                if b"/_bulk" in request[:200]:
                    self._documents += 1
                    if 2 <= self._documents <= 4:
                        # Once before the server has it, once when its answer is lost.
                        self.closed += 1
                        if self._documents == 3:
                            server.sendall(request)
                            server.recv(1)
                        return
                server.sendall(request)
                client.sendall(_message(server))


def _message(peer: socket.socket) -> bytes:
    """A request or an answer with all of its body."""
    read = b""
    while b"\r\n\r\n" not in read:
        part = peer.recv(65536)
        if not part:
            return b""
        read += part
    head, _, body = read.partition(b"\r\n\r\n")
    while b"transfer-encoding: chunked" in head.lower() and not read.endswith(b"\r\n0\r\n\r\n"):
        read += peer.recv(65536)
    length = re.search(rb"(?i)content-length: (\d+)", head)
    missing = (0 if length is None else int(length[1])) - len(body)
    while missing > 0:
        part = peer.recv(65536)
        read += part
        missing -= len(part)
    return read


def test_an_outage_meanwhile_costs_nothing(es: ElasticsearchServer, tmp_path: Path) -> None:
    """Connections that break, one of them when the documents were stored: nothing is lost or doubled."""
    text = "".join(
        f"2024-01-24 02:28:{n % 60:02d},{n % 1000:03d} - shop - INFO - [openReplaySessionToken={TOKEN}] step {n}\n"
        for n in range(10_000)
    )
    (tmp_path / "app.log").write_text(text)
    with Outage(es) as outage:
        typed = ("ship", "app.log", "--store", outage.url, "--timezone", "UTC", "--json")
        done = call(*typed, state=tmp_path, cwd=tmp_path)
        assert outage.closed == 3
    assert done.code == 0
    assert "does not take documents for the moment; trying again" in done.err
    counts = json.loads(done.out)
    assert counts["stored"] + counts["known"] == 10_000
    assert counts["known"] == 2000
    assert counted(es) == 10_000
    entries = list(SessionLogs(es.store_url).logs(EXAMPLE_ID))
    assert {entry.message for entry in entries} == {f"step {n}" for n in range(10_000)}
