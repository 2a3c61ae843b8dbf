"""Files that real programs wrote: filelog.yaml stores each line once, under its own session or under none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.collector.reading import flat, hits, wait_for_count
from tests.openreplay_readers import read_as_v1_20, reader_key, search_as_v1_21
from tests.real_files.judging import documents_of, judge, table
from tests.real_files.texts import VICTIM
from tests.real_files.writing import NAMES, write_all
from tests.servers.collector import CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.real_files.writing import RealFile
    from tests.servers.collector import Collector
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_NOT_FOR_THE_COLLECTOR = ("in Docker", "in Kubernetes", "ecs-logging in journalctl")
"""Lines inside of other lines, and in parts: these are for `ship`."""
_TAGS = "openReplaySession.id,openReplaySessionToken"


def test_each_line_of_real_files_is_stored_once_under_its_own_session(
    es: ElasticsearchServer, collector: Callable[..., Collector], tmp_path: Path
) -> None:
    """Nothing is lost, doubled or a stranger's; neither reader finds the victim whose tags people typed."""
    names = [name for name in NAMES if not name.endswith(_NOT_FOR_THE_COLLECTOR)]
    folders = {kind: tmp_path / kind for kind in ("text", "json")}
    files = write_all(tmp_path, names)
    for kind, folder in folders.items():
        folder.mkdir()
        chosen = [file for file in files if _is_json(file) is (kind == "json")]
        for file in chosen:
            (folder / file.path.name).write_bytes(file.path.read_bytes())
        collector(
            CONFIG / "filelog.yaml", state=f"{kind}-state", LOG_GLOB=f"{folder}/*.log", LOG_FORMAT=kind,
            SERVICE_NAME="shop", OPENREPLAY_OTEL_TAGS=_TAGS,
        )  # fmt: skip
    # A blank line is none.
    written = sum(
        1 for file in files for line in file.path.read_bytes().splitlines() if line.strip()
    )
    wait_for_count(es, written)
    sources: list[dict[str, Any]] = [flat(hit["_source"]) for hit in hits(es)]
    judged = [judge(file, documents_of(file, sources)) for file in files]
    shown = table(judged)
    assert [one.faults for one in judged if one.faults] == [], shown
    assert len(sources) == written, shown
    assert len(files) >= 25

    key = reader_key(es)
    assert search_as_v1_21(es, key, VICTIM) == []
    assert VICTIM not in read_as_v1_20(es, key, "logs", since_ms=0)


def _is_json(file: RealFile) -> bool:
    return file.lines[0].startswith("{")
