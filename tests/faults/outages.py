"""Faults 2 and 3: a store that is away, slow, full, cuts its answers, or refuses single documents."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from openreplay_otel.stores.elasticsearch.schema import session_template
from tests.faults.stored import OnElasticsearch
from tests.faults.trial import HANG_SECONDS, Result, Trial, ending

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.client import ElasticsearchClient
    from tests.servers.elasticsearch import ElasticsearchServer
    from tests.servers.faulty_bulk import Fault, FaultyBulk

_WAITING = f"--deliver={HANG_SECONDS}"


def elasticsearch_killed(
    folder: Path,
    server: ElasticsearchServer,
    *,
    times: int,
    away: float,
    records: int,
    seconds: float,
    say: Callable[[str], None],
) -> Result:
    """Kill a real Elasticsearch under load and start it again.

    Args:
        folder: For the trial.
        server: The server.
        times: How often.
        away: Seconds between its end and its next start.
        records: How many are emitted meanwhile.
        seconds: The time over which they are spread.
        say: Told of the progress.
    """
    trial = Trial(folder, OnElasticsearch(server))
    with ending(trial.emitting(records, f"--seconds={seconds}", "--deliver=600")) as program:
        for number in range(times):
            program.until_noted(min(records, (2 * number + 1) * records // (2 * times + 1)))
            server.kill()
            time.sleep(away)
            server.start_again()
            say(f"{number + 1} of {times} restarts")
        program.process.wait(660)
        assert program.result()["is_done"], program.output
    what = f"Elasticsearch away for {away:.0f} s" if away else "Elasticsearch killed and started"
    return trial.result(what)


def read_only_index(
    folder: Path, server: ElasticsearchServer, *, seconds: float, records: int
) -> Result:
    """Make the indexes read-only, as Elasticsearch does when its disk is nearly full."""
    trial = Trial(folder, OnElasticsearch(server))
    trial.emitting(8, _WAITING).result()
    _block(server, True)
    try:
        with ending(trial.emitting(records, f"--seconds={seconds / 2}", _WAITING)) as program:
            program.until_noted(records)
            time.sleep(seconds / 2)
            _block(server, None)
            assert program.result()["is_done"], program.output
    finally:
        _block(server, None)
    return trial.result("indexes read-only (flood stage)")


def _block(server: ElasticsearchClient, blocked: bool | None) -> None:
    settings = {"index.blocks.read_only_allow_delete": blocked}
    server.expect("PUT", "/openreplay-logs-*,logs-openreplay-default/_settings", settings)


def faulty_answers(
    folder: Path,
    server: ElasticsearchServer,
    faulty: FaultyBulk,
    fault: Fault,
    *,
    each: int = 1,
    seconds: float,
    records: int,
) -> Result:
    """Let a server before the real one fail for a time, under load.

    Args:
        folder: For the trial.
        server: The real one.
        faulty: The one before it.
        fault: What it does.
        each: To each such request.
        seconds: For how long.
        records: How many are emitted meanwhile.
    """
    # Whoever does not answer shall not be waited for longer than the fault lasts.
    trial = Trial(folder, OnElasticsearch(server, faulty.store_url), export_timeout=2)
    faulty.seen.clear()
    faulty.fault, faulty.each = fault, each
    try:
        with ending(trial.emitting(records, f"--seconds={seconds}", _WAITING)) as program:
            program.until_noted(records)
            # On a slow machine the first request may come after the last record.
            program.wait_until(lambda: faulty.seen[fault] > 0)
            faulty.fault = None
            assert program.result()["is_done"], program.output
    finally:
        faulty.fault, faulty.each = None, 1
    assert faulty.seen[fault] > 0, "the fault did not happen"
    return trial.result(SHOWN[fault])


SHOWN: dict[Fault, str] = {
    "429": "429 to every request",
    "429 items": "429 to every document of a request",
    "503": "503 to every request",
    "hang": "no answer",
    "reset before": "connection reset before the store has the request",
    "reset in answer": "connection reset in the answer, the store having taken the request",
    "cut off answer": "connection closed in the answer, the store having taken the request",
}


def too_large(
    folder: Path, server: ElasticsearchServer, faulty: FaultyBulk, *, most_bytes: int, records: int
) -> Result:
    """Answer 413 to requests above a size."""
    trial = Trial(folder, OnElasticsearch(server, faulty.store_url))
    faulty.seen.clear()
    faulty.most_bytes = most_bytes
    try:
        told = trial.emitting(records, _WAITING).result()
    finally:
        faulty.most_bytes = None
    assert told["is_done"], told
    assert faulty.seen["413"] > 0, "the fault did not happen"
    return trial.result(f"413 above {most_bytes // 1024} KiB")


def refused(folder: Path, server: ElasticsearchServer, *, records: int, each: int) -> Result:
    """Have an administrator's mapping refuse one document in so many, all of them of sessions."""
    template: dict[str, Any] = session_template("openreplay-logs")
    del template["_meta"]
    template["priority"] += 100
    amount = {"type": "long", "ignore_malformed": False}
    template["template"]["mappings"]["properties"]["labels"] = {
        "type": "object", "subobjects": False, "properties": {"amount": amount},
    }  # fmt: skip
    server.expect("PUT", "/_index_template/stricter", template)
    trial = Trial(folder, OnElasticsearch(server))
    told = trial.emitting(records, f"--wrong-each={each // 2}", _WAITING).result()
    assert told["is_done"], told
    assert told["refused"] == records // each, told
    return trial.result("one document in so many refused")
