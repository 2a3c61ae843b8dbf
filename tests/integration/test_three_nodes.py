"""A cluster of three nodes that loses some of them under load: every record arrives, once, and can be looked up."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import DurableLogRecordProcessor, SessionLogs, Settings
from tests.emitting import App, now_ms, session_id_begun_at
from tests.faults.nodes import majority_lost, merge_each_copy, one_after_the_other, one_hangs
from tests.openreplay_readers import reader_key, search_as_v1_21
from tests.servers.cluster import ElasticsearchCluster
from tests.servers.errors import ServerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.nodes import Way
    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
_PAUSE = 0.02


@pytest.fixture(scope="module")
def cluster() -> Iterator[ElasticsearchCluster]:
    """Three nodes, and no other server of this run has to be there."""
    try:
        made = ElasticsearchCluster.start(int(os.environ.get("OPENREPLAY_TEST_ES") or 9))
    except ServerUnavailable as error:
        pytest.skip(str(error))
    with contextlib.closing(made):
        yield made


class Load:
    """An app that logs all the time, in one session.

    Attributes:
        session: Its session.
        logged: How many records so far.
    """

    def __init__(self, store_url: str, folder: Path) -> None:
        began = now_ms()
        self.session = session_id_begun_at(began)
        self.logged = 0
        settings = Settings(spool_dir=str(folder), export_timeout=6.0)
        self._app = App(settings=settings)
        self._began = began
        self.processor = DurableLogRecordProcessor(store_url, settings=settings)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._log)
        self._thread.start()

    def _log(self) -> None:
        while not self._is_over.wait(_PAUSE):
            at = self._began + self.logged
            self._app.log(self.session, "step %d", self.logged, at_ms=at)
            for record in self._app.take():
                self.processor.on_emit(record)  # pyright: ignore[reportArgumentType] - what it reads is the same
            self.logged += 1

    def end(self) -> None:
        """Log no more, and wait until all is delivered."""
        self._is_over.set()
        self._thread.join()
        until = time.monotonic() + 240
        while not self.processor.force_flush(30_000):
            assert time.monotonic() < until, self.processor.counts

    def goes_on(self) -> None:
        """Log for a moment more."""
        count = self.logged
        while self.logged < count + 50:
            time.sleep(_PAUSE)


def _looked_up(cluster: ElasticsearchCluster, load: Load) -> None:
    """The others need half a minute to give a hung node up; what it had comes back with it."""
    with SessionLogs(cluster.store_url, export_timeout=60.0) as logs:
        assert list(logs.logs(load.session, limit=1)) or load.processor.counts.delivered == 0


@pytest.mark.parametrize("way", [one_after_the_other, majority_lost, one_hangs])
def test_nothing_is_lost_or_doubled(
    cluster: ElasticsearchCluster, tmp_path: Path, way: Way
) -> None:
    """Each node killed and started again in turn, two of three at once, and one that hangs."""
    node: ElasticsearchServer = cluster.nodes[0]
    node.wipe()
    load = Load(cluster.store_url, tmp_path)

    def meanwhile() -> None:
        load.goes_on()
        if way is one_hangs:
            _looked_up(cluster, load)

    try:
        load.goes_on()
        assert load.processor.force_flush(60_000)
        way(cluster, meanwhile)
    finally:
        load.end()
    counts = load.processor.counts
    load.processor.shutdown()
    assert (load.logged, 0, {}) == (counts.delivered, counts.refused, counts.dropped)
    # Whoever comes back copies what is there while new records arrive: that copy has them in another order until it is
    # merged. A merge is what `setup --repair` does.
    merge_each_copy(cluster, "openreplay-logs-*")
    assert load.logged == node.expect("GET", "/openreplay-logs-*/_count")["count"]
    for _ in range(4):
        hits = search_as_v1_21(node, reader_key(node), load.session)
        steps = [int(hit["_source"]["message"].rpartition(" ")[2]) for hit in hits]
        assert list(range(min(1000, load.logged))) == steps
