"""Log files: what stands in them is found by its session, whole and once, also over rotation and kills."""

from __future__ import annotations

import json
import logging
import logging.handlers
from collections import Counter
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
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.servers.collector import Collector
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
TOKEN = f"{EXAMPLE_TOKEN_ID}.-2s.lrs1kx1q.5Kd3NBUAdUnhyzenEwVLy9pBKxSwXvE9FMPyR4UKZvpe"
OLD_TOKEN = f"{EXAMPLE_TOKEN_ID}.lrs1kx1q.5Kd3NBUAdUnhyzenEwVLy9pBKxSwXvE9FMPyR4UKZvpe"
LINES = 100_000
SESSIONS = 50
TRACE_LINES = 5
RAN_AHEAD = 100


def variables(folder: Path) -> dict[str, str]:
    """What filelog.yaml has to be told."""
    return {"LOG_GLOB": f"{folder}/app.log*", "SERVICE_NAME": "shop", "HOST_NAME": "web-1"}


def test_a_text_file_is_found_by_its_sessions_and_no_token_is_stored(
    es: ElasticsearchServer, collector: Callable[..., Collector], tmp_path: Path
) -> None:
    """Ids, tokens of four and three parts, each line a record, a traceback's lines nobody's: none holds a token."""
    session = session_id_begun_at(now_ms() - 60_000)
    text = [
        f"INFO shop.cart [openReplaySession.id={session}] by id",
        f"WARNING shop.cart [asayer_session_id={session}] of 2021",
        f"ERROR shop.cart [openReplaySession.id={session}][openReplaySessionToken={session}] both",
        f"CRITICAL shop.cart [openReplaySessionToken={TOKEN}] by token",
        f"DEBUG shop.cart [openReplaySessionToken={OLD_TOKEN}] by old token",
        f"INFO shop.cart mentions openReplaySessionToken={TOKEN} further on",
        "INFO shop.cart without a session",
        f"ERROR shop.cart [openReplaySession.id={session}] failed",
    ]
    lines = [f"2026-07-21 12:00:00,{number:03d} {line}" for number, line in enumerate(text)]
    lines += [
        "Traceback (most recent call last):", '  File "/a.py", line 1, in f',
        f'    g("openReplaySessionToken={TOKEN}")', "shop.errors.Refused: no: really", "2026-07-21 12:00:09,000 odd",
    ]  # fmt: skip
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    running = collector(CONFIG / "filelog.yaml", **variables(tmp_path))

    found = list(wait_for(es, len(lines)).values())
    assert len(found) == len(lines)
    check_no_token(found, running)
    timed = [one for one in found if one["@timestamp"].startswith("2026-07-21")]
    prefix = f"[openReplaySession.id={session}] "
    example = f"[openReplaySession.id={EXAMPLE_ID}] "
    assert in_brief(timed) == [
        ("12:00:00.000", "info", prefix + "by id"),
        ("12:00:00.001", "warning", prefix + "of 2021"),
        ("12:00:00.002", "error", prefix + "both"),
        ("12:00:00.003", "error", example + "by token"),
        ("12:00:00.004", "debug", example + "by old token"),
        (
            "12:00:00.005",
            "info",
            "shop.cart mentions openReplaySession_Token=(token removed) further on",
        ),
        ("12:00:00.006", "info", "shop.cart without a session"),
        ("12:00:00.007", "error", prefix + "failed"),
        ("12:00:09.000", "info", "odd"),
    ]
    of_nobody = sorted(one["message"] for one in found if one not in timed)
    assert of_nobody == [
        '    g("openReplaySession_Token=(token removed)")', '  File "/a.py", line 1, in f',
        "Traceback (most recent call last):", "shop.errors.Refused: no: really",
    ]  # fmt: skip
    assert {(one["service.name"], one["host.name"]) for one in found} == {("shop", "web-1")}


def test_a_json_file_is_found_by_its_sessions_and_no_token_is_stored(
    es: ElasticsearchServer, collector: Callable[..., Collector], tmp_path: Path
) -> None:
    """Fields and tags, tracebacks in a field or in ECS's: beside a field the text counts for nothing."""
    session = session_id_begun_at(now_ms() - 60_000)
    trace = (
        'Traceback (most recent call last):\n  File "/b.py", line 2, in h\n'
        '    g("openReplaySessionToken=%s")\nValueError: bad'
    )
    objects: list[dict[str, Any]] = [
        {"timestamp": "2026-07-21T12:00:01.123456Z", "level": "error", "logger": "shop.json",
         "message": f"[openReplaySession.id={session}] json", "order": 7},
        {"asctime": "2026-07-21 12:00:02,000", "levelname": "INFO", "name": "shop.json", "msg": "attribute",
         "openreplay.session.id": session},
        {"time": "2026-07-21T14:00:03+02:00", "severity": "WARNING", "name": "shop.json",
         "event": f"[openReplaySession.id={session}] with a trace", "exc_info": trace % TOKEN},
        {"@timestamp": "2026-07-21T12:00:03.5Z", "log.level": "error", "log": {"logger": "shop.json"}, "message": "ECS",
         "openreplay": {"session": {"id": session}},
         "error": {"type": "ValueError", "message": "bad", "stack_trace": trace % TOKEN}},
    ]  # fmt: skip
    # Beside a field the whole text may be a client's; none of these is the stranger's.
    objects += [
        {"time": f"2026-07-21T12:00:0{4 + number}Z", "level": "INFO", "name": "shop.json", "message": f"{tag} typed",
         "openreplay.session.id": session, "headers": f"openReplaySessionToken: {TOKEN}"}
        for number, tag in enumerate(
            [f"[openReplaySession.id={EXAMPLE_ID}]", f"[openReplaySessionToken={TOKEN}]"]
        )
    ]  # fmt: skip
    lines = [json.dumps(one) for one in objects]
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    running = collector(CONFIG / "filelog.yaml", LOG_FORMAT="json", **variables(tmp_path))

    found = list(wait_for(es, len(lines)).values())
    assert len(found) == len(lines)
    check_no_token(found, running)
    prefix = f"[openReplaySession.id={session}] "
    assert in_brief(found) == [
        ("12:00:01.123", "error", prefix + "json"),
        ("12:00:02.000", "info", prefix + "attribute"),
        ("12:00:03.000", "warning", prefix + "with a trace"),
        ("12:00:03.500", "error", prefix + "ECS"),
        ("12:00:04.000", "info", prefix + "typed"),
        ("12:00:05.000", "info", prefix + "typed"),
    ]
    traced = [one for one in found if "error.type" in one]
    assert [(one["error.type"], one["error.message"]) for one in traced] == [
        ("ValueError", "bad")
    ] * 2
    assert all(one["error.stack_trace"].startswith("Traceback (most") for one in traced)
    assert "7" in {one.get("labels.order") for one in found}
    assert {one["log.logger"] for one in found} == {"shop.json"}


def in_brief(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Time of day, level and text, by time."""
    by_time = sorted(found, key=lambda one: one["@timestamp"])
    return [(one["@timestamp"][11:23], one["level"], one["message"]) for one in by_time]


def check_no_token(found: Sequence[Mapping[str, Any]], running: Collector) -> None:
    """Neither a document nor the Collector's own log holds a token, and nothing failed."""
    secret = TOKEN.rpartition(".")[2]
    assert secret not in json.dumps(found)
    assert secret not in running.output()
    assert running.complaints() == []


def test_a_hundred_thousand_lines_survive_rotation_and_two_kills(
    es: ElasticsearchServer, collector: Callable[..., Collector], tmp_path: Path
) -> None:
    """Written and rotated while it is read, the Collector killed twice: each record is stored once, each trace too."""
    folder = tmp_path / "log"
    folder.mkdir()
    began = now_ms() - 60_000
    sessions = [session_id_begun_at(began, number + 1) for number in range(SESSIONS)]
    running = collector(CONFIG / "filelog.yaml", **variables(folder))

    written = (0, 0)
    for written in write_and_rotate(folder, sessions):
        records = written[0]
        if records in {30_000, 60_000}:
            # It has stored some of them, and has others under way.
            wait_for_count(es, records // 30)
            running.kill()
            running.start()
    records, lines = written
    files = len(list(folder.glob("app.log*")))
    assert files > 3

    # A line of a trace has no time: read again after a kill, in another minute, it may be there twice.
    assert lines <= wait_for_count(es, lines, 120) <= lines + 2 * RAN_AHEAD
    numbers: Counter[int] = Counter()
    traces: set[int] = set()
    for hit in hits(es, ["message"]):
        message = hit["_source"]["message"]
        if message.startswith("[openReplay"):
            numbers[int(message.split()[2])] += 1
        elif message.startswith("ConnectionError: gateway "):
            traces.add(int(message.split()[-1]))
    assert set(numbers) == set(range(records))
    assert max(numbers.values()) == 1
    assert traces == set(range(7, records, 50))

    with SessionLogs(es.store_url) as lookup:
        found = [int(entry.message.split()[1]) for entry in lookup.logs(sessions[3])]
    assert sorted(found) == list(range(3, records, SESSIONS))
    # Lines of one millisecond keep their order, unless a file ended between them.
    assert sum(later < earlier for earlier, later in pairwise(found)) <= files
    seen = search_as_v1_21(es, reader_key(es), sessions[7])
    check_panel_rules(seen)
    assert len(seen) == 1000
    assert read_as_v1_20(es, reader_key(es), "logs", since_ms=began) == {}


def write_and_rotate(folder: Path, sessions: list[str]) -> Iterator[tuple[int, int]]:
    """Write 100,000 lines as an app would, one record in fifty with a traceback; yields records and lines so far."""
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
            lines += TRACE_LINES
        else:
            logger.info("%sstep %d", tag, record)
            lines += 1
        record += 1
        yield record, lines
    handler.close()
