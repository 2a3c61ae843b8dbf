"""Log files: what stands in them is found by its session, whole and once, also over rotation and kills."""

from __future__ import annotations

import json
import logging
import logging.handlers
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import SessionLogs
from tests.collector.reading import hits, wait_for, wait_for_count
from tests.emitting import now_ms, session_id_begun_at
from tests.openreplay_readers import (
    check_panel_rules,
    read_as_v1_20,
    reader_key,
    search_as_v1_21,
)
from tests.servers.collector import CONFIG
from tests.unit.contract import EXAMPLE_ID, EXAMPLE_TOKEN_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers.collector import Collector
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
TOKEN = f"{EXAMPLE_TOKEN_ID}.-2s.lrs1kx1q.5Kd3NBUAdUnhyzenEwVLy9pBKxSwXvE9FMPyR4UKZvpe"
OLD_TOKEN = f"{EXAMPLE_TOKEN_ID}.lrs1kx1q.5Kd3NBUAdUnhyzenEwVLy9pBKxSwXvE9FMPyR4UKZvpe"
LINES = 100_000
SESSIONS = 50


def variables(folder: Path) -> dict[str, str]:
    """What filelog.yaml has to be told."""
    return {"LOG_GLOB": f"{folder}/app.log*", "SERVICE_NAME": "shop", "HOST_NAME": "web-1"}


def test_tags_of_all_generations_lead_to_their_session_and_no_token_is_stored(
    es: ElasticsearchServer, collector: Callable[..., Collector], tmp_path: Path
) -> None:
    """Ids, tokens of four and three parts, text and JSON, tracebacks: each line is found, none holds a token."""
    session = session_id_begun_at(now_ms() - 60_000)
    failure = (
        f"ERROR shop.cart [openReplaySession.id={session}] failed\n"
        "Traceback (most recent call last):\n"
        f'  File "/a.py", line 1, in f\n    g("openReplaySessionToken={TOKEN}")\n'
        "shop.errors.Refused: no: really"
    )
    text = [
        f"INFO shop.cart [openReplaySession.id={session}] by id",
        f"WARNING shop.cart [asayer_session_id={session}] of 2021",
        f"ERROR shop.cart [openReplaySession.id={session}][openReplaySessionToken={session}] both",
        f"CRITICAL shop.cart [openReplaySessionToken={TOKEN}] by token",
        f"DEBUG shop.cart [openReplaySessionToken={OLD_TOKEN}] by old token",
        f"INFO shop.cart mentions openReplaySessionToken={TOKEN} further on",
        "INFO shop.cart without a session",
        failure,
    ]
    lines = [f"2026-07-21 12:00:00,{number:03d} {line}" for number, line in enumerate(text)]
    objects: list[dict[str, Any]] = [
        {"timestamp": "2026-07-21T12:00:01.123456Z", "level": "error", "logger": "shop.json",
         "message": f"[openReplaySession.id={session}] json", "order": 7},
        {"asctime": "2026-07-21 12:00:02,000", "levelname": "INFO", "name": "shop.json", "msg": "attribute",
         "openreplay.session.id": session},
        {"time": "2026-07-21T14:00:03+02:00", "severity": "WARNING", "name": "shop.json",
         "event": f"[openReplaySession.id={session}] with a trace",
         "exc_info": 'Traceback (most recent call last):\n  File "/b.py", line 2, in h\nValueError: bad'},
    ]  # fmt: skip
    # Beside a field the whole text may be a client's; none of these is the stranger's.
    objects += [
        {"time": f"2026-07-21T12:00:0{4 + number}Z", "level": "INFO", "name": "shop.json", "message": f"{tag} typed",
         "openreplay.session.id": session}
        for number, tag in enumerate(
            [f"[openReplaySession.id={EXAMPLE_ID}]", f"[openReplaySessionToken={TOKEN}]"]
        )
    ]  # fmt: skip
    lines += [json.dumps(one) for one in objects]
    lines.append("2026-07-21 12:00:09,000 odd")
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    running = collector(CONFIG / "filelog.yaml", **variables(tmp_path))

    found = list(wait_for(es, len(lines)).values())
    assert len(found) == len(lines)
    secret = TOKEN.rpartition(".")[2]
    assert secret not in json.dumps(found)
    assert secret not in running.output()
    by_time = sorted(found, key=lambda one: one["@timestamp"])
    prefix = f"[openReplaySession.id={session}] "
    example = f"[openReplaySession.id={EXAMPLE_ID}] "
    assert [(one["@timestamp"][11:23], one["level"], one["message"]) for one in by_time] == [
        ("12:00:00.000", "info", prefix + "by id"),
        ("12:00:00.001", "warning", prefix + "of 2021"),
        ("12:00:00.002", "error", prefix + "both"),
        ("12:00:00.003", "error", example + "by token"),
        ("12:00:00.004", "debug", example + "by old token"),
        ("12:00:00.005", "info", "mentions openReplaySession_Token=(token removed) further on"),
        ("12:00:00.006", "info", "without a session"),
        ("12:00:00.007", "error", prefix + "failed"),
        ("12:00:01.123", "error", prefix + "json"),
        ("12:00:02.000", "info", prefix + "attribute"),
        ("12:00:03.000", "warning", prefix + "with a trace"),
        ("12:00:04.000", "info", prefix + "typed"),
        ("12:00:05.000", "info", prefix + "typed"),
        (by_time[-1]["@timestamp"][11:23], "info", "2026-07-21 12:00:09,000 odd"),
    ]
    failed, traced = by_time[7], by_time[10]
    assert (failed["error.type"], failed["error.message"]) == ("shop.errors.Refused", "no: really")
    assert failed["error.stack_trace"].startswith("Traceback (most recent call last):\n  File")
    assert (traced["error.type"], traced["error.message"]) == ("ValueError", "bad")
    assert by_time[8]["labels.order"] == "7"
    assert {one["log.logger"] for one in by_time[:-1]} == {"shop.cart", "shop.json"}
    assert {(one["service.name"], one["host.name"]) for one in found} == {("shop", "web-1")}
    assert [one for one in running.complaints() if "failed" in one] == []


def test_a_hundred_thousand_lines_survive_rotation_and_two_kills(
    es: ElasticsearchServer, collector: Callable[..., Collector], tmp_path: Path
) -> None:
    """Written and rotated while it is read, the Collector killed twice: each record is stored once, with its trace."""
    folder = tmp_path / "log"
    folder.mkdir()
    began = now_ms() - 60_000
    sessions = [session_id_begun_at(began, number + 1) for number in range(SESSIONS)]
    running = collector(CONFIG / "filelog.yaml", **variables(folder))

    records = 0
    for records in write_and_rotate(folder, sessions):
        if records in {30_000, 60_000}:
            # It has stored some of them, and has others under way.
            wait_for_count(es, records // 30)
            running.kill()
            running.start()
    files = len(list(folder.glob("app.log*")))
    assert files > 3

    assert wait_for_count(es, records, 120) == records
    numbers: set[int] = set()
    traces = 0
    for hit in hits(es, ["message", "error.message", "error.stack_trace"]):
        source = hit["_source"]
        numbers.add(int(source["message"].split()[2]))
        if "error.message" in source:
            assert source["error.message"] in source["error.stack_trace"]
            traces += 1
    assert numbers == set(range(records))
    assert traces == records // 50

    with SessionLogs(es.store_url) as lookup:
        found = [int(entry.message.split()[1]) for entry in lookup.logs(sessions[3])]
    assert sorted(found) == list(range(3, records, SESSIONS))
    # Lines of one millisecond keep their order, unless a file ended between them.
    assert sum(later < earlier for earlier, later in pairwise(found)) <= files
    seen = search_as_v1_21(es, reader_key(es), sessions[7])
    check_panel_rules(seen)
    assert len(seen) == 1000
    assert read_as_v1_20(es, reader_key(es), "logs", since_ms=began) == {}


def write_and_rotate(folder: Path, sessions: list[str]) -> Iterator[int]:
    """Write 100,000 lines as an app would, one record in fifty with a traceback; yields the records so far."""
    handler = logging.handlers.RotatingFileHandler(
        folder / "app.log", maxBytes=2_000_000, backupCount=20, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter(FORMAT))
    logger = logging.Logger("shop.checkout")  # noqa: LOG001 - of no hierarchy: nothing else hears it
    logger.addHandler(handler)
    lines = record = 0
    while lines < LINES or record % 50:
        tag = f"[openReplaySession.id={sessions[record % len(sessions)]}] "
        if record % 50 == 7:
            try:
                raise ConnectionError(f"gateway {record}")
            except ConnectionError:
                logger.exception("%spayment %d failed", tag, record)
            lines += 4
        else:
            logger.info("%sstep %d", tag, record)
            lines += 1
        record += 1
        yield record
    handler.close()
