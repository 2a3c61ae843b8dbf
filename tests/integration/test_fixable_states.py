"""States that an administrator makes and mends: records wait for it, and none becomes a dead letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import DurableLogRecordProcessor, Settings
from openreplay_otel.spool.dead_letters import dead_letters_in
from tests.emitting import App, now_ms, session_id_begun_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration


def day_index(es: ElasticsearchServer) -> str:
    """The index that the session's first record made."""
    (found,) = es.expect("GET", "/_cat/indices/openreplay-logs-*?format=json")
    return found["index"]


def settings_of(es: ElasticsearchServer, name: str, value: Any) -> None:
    """Set one of the cluster's settings, or take it back with None."""
    es.expect("PUT", "/_cluster/settings", {"persistent": {name: value}})


def pipeline_of(es: ElasticsearchServer, name: str) -> None:
    """Name the index's default pipeline."""
    es.expect("PUT", f"/{day_index(es)}/_settings", {"index.default_pipeline": name})


STATES: dict[str, tuple[bool, Callable[[Any], object], Callable[[Any], object]]] = {
    "closed": (
        True,
        lambda es: es.expect("POST", f"/{day_index(es)}/_close"),
        lambda es: es.expect("POST", f"/{day_index(es)}/_open"),
    ),
    "no-pipeline": (
        True,
        lambda es: pipeline_of(es, "is-not-there"),
        lambda es: pipeline_of(es, "_none"),
    ),
    "write-block": (
        True,
        lambda es: es.expect("PUT", f"/{day_index(es)}/_settings", {"index.blocks.write": True}),
        lambda es: es.expect("PUT", f"/{day_index(es)}/_settings", {"index.blocks.write": None}),
    ),
    "too-many-shards": (
        False,
        lambda es: [
            es.expect("PUT", "/somebodys-index"),
            settings_of(es, "cluster.max_shards_per_node", 1),
        ],
        lambda es: settings_of(es, "cluster.max_shards_per_node", None),
    ),
}
"""Whether the day's index is there before, what breaks it, and what mends it."""


@pytest.mark.parametrize("state", STATES)
def test_records_wait_until_it_is_mended(
    es: ElasticsearchServer, tmp_path: Path, state: str
) -> None:
    """All are stored then, once, and in order."""
    is_there_before, break_it, mend_it = STATES[state]
    settings = Settings(spool_dir=str(tmp_path))
    processor = DurableLogRecordProcessor(es.store_url, settings=settings)
    began = now_ms()
    session = session_id_begun_at(began)
    app = App(settings=settings)

    def emit(first: int, last: int) -> None:
        for n in range(first, last):
            app.log(session, "step %d", n, at_ms=began + n)
        for record in app.take():
            processor.on_emit(record)  # pyright: ignore[reportArgumentType] - what it reads is the same

    if is_there_before:
        emit(0, 10)
        assert processor.force_flush()
    break_it(es)
    try:
        emit(10, 200)
        assert processor.force_flush(3_000) is False
        assert not [
            letter
            for _, letters in dead_letters_in(processor.spool.folder.path)
            for letter in letters
        ]
    finally:
        mend_it(es)
    assert processor.force_flush(60_000)
    assert processor.counts.refused == 0
    processor.shutdown()
    es.expect("POST", "/openreplay-logs-*/_refresh")
    answer = es.expect("POST", "/openreplay-logs-*/_search", {"size": 1000})
    found = [hit["_source"]["message"].rpartition(" ")[2] for hit in answer["hits"]["hits"]]
    assert [str(n) for n in range(0 if is_there_before else 10, 200)] == found
