"""The way of a refused document on a real Elasticsearch: a dead letter, its reason, another try."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import DurableLogRecordProcessor, SessionLogs
from openreplay_otel.spool.folder import SpoolFolder
from tests.emitting import App, now_ms, session_id_begun_at
from tests.unit.cli_harness import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration


def labels(dynamic: str) -> dict[str, Any]:
    """A mapping that takes new labels, or refuses documents that bring any."""
    return {
        "properties": {"labels": {"type": "object", "subobjects": False, "dynamic": dynamic}},
    }


def test_a_refused_document_is_shown_and_delivered_once_its_mapping_is_mended(
    es: ElasticsearchServer, tmp_path: Path
) -> None:
    """The others are stored at once; a retry before the mapping is mended loses nothing."""
    assert call("setup", "--store", es.store_url, state=tmp_path).code == 0
    now = now_ms()
    session, begun = session_id_begun_at(now), datetime.fromtimestamp(now / 1000, timezone.utc)
    index = f"/openreplay-logs-{begun:%Y.%m.%d}"
    es.expect("PUT", index, {"mappings": labels("strict")})
    spool_dir = tmp_path / "spool"
    options = ("--store", es.store_url, "--spool-dir", str(spool_dir))

    processor = DurableLogRecordProcessor(es.store_url, spool_dir=str(spool_dir))
    app = App()
    app.provider.add_log_record_processor(processor)
    for number in range(10):
        odd: Any = {"odd": 1} if number == 7 else {}
        app.log(session, "order %d", number, at_ms=now + number, **odd)
    processor.force_flush()
    counts = processor.counts
    assert (counts.accepted, counts.delivered, counts.refused) == (10, 9, 1)
    processor.shutdown()

    shown = json.loads(call("spool", *options, "--json", state=tmp_path).out)
    assert shown["total"]["dead_letters"] == 1
    assert shown["total"]["queued"] == 0
    assert es.password not in json.dumps(shown)
    dead = call("spool", *options, "--dead", state=tmp_path)
    assert dead.code == 0
    assert dead.out.startswith("400  ")
    assert "odd" in dead.out.partition("reason: ")[2].partition("\n")[0]
    assert "order 7" in dead.out.partition("message: ")[2]

    too_early = call("spool", *options, "--retry", state=tmp_path)
    assert too_early.code == 1
    assert "1 record refused (again)" in too_early.err

    es.expect("PUT", f"{index}/_mapping", labels("true"))
    mended = call("spool", *options, "--retry", state=tmp_path)
    assert mended.code == 0, mended.err
    assert "1 record delivered" in mended.out
    es.expect("POST", f"{index}/_refresh")
    with SessionLogs(es.store_url) as lookup:
        entries = list(lookup.logs(session))
    assert [entry.message.rpartition("] ")[2] for entry in entries] == [
        f"order {number}" for number in range(10)
    ]
    (store_folder,) = spool_dir.iterdir()
    assert store_folder == SpoolFolder.of(str(spool_dir), es.url).path
    assert not list(store_folder.glob("*.dead-letters.jsonl"))
