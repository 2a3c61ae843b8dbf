"""One of several hosts accepts connections and never answers: the others do its work, and it is left alone."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import DurableLogRecordProcessor, SessionLogs, Settings, StoreUnavailableError
from tests.emitting import App, now_ms, session_id_begun_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration
_LOOKUPS = 25


class HungHost:
    """A host whose program hangs: the system takes its connections, and nobody reads them.

    Attributes:
        asked: How many connections were made.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._taken: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def _take(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            self.asked += 1
            self._taken.append(taken)

    def close(self) -> None:
        """End it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for taken in self._taken:
            taken.close()


@pytest.fixture
def hung() -> Iterator[HungHost]:
    """Such a host."""
    host = HungHost()
    yield host
    host.close()


def _url(es: ElasticsearchServer, *hosts: HungHost) -> str:
    """The store's URL, with the hosts that hang before the one that does not."""
    return ",".join([*(f"http://{host.address}" for host in hosts), es.store_url])


def test_a_lookup_moves_on_to_the_next_host(es: ElasticsearchServer, hung: HungHost) -> None:
    """Each has a part of the time; afterwards the one that hangs is not asked again for a while."""
    with SessionLogs(_url(es, hung), export_timeout=4.0) as logs:
        session = session_id_begun_at(now_ms())
        for _ in range(_LOOKUPS):
            assert list(logs.logs(session)) == []
    assert hung.asked == 1


def test_delivery_goes_on_by_the_other_host(
    es: ElasticsearchServer, hung: HungHost, tmp_path: Path
) -> None:
    """No attempt fails, and so requests do not shrink either."""
    settings = Settings(spool_dir=str(tmp_path), export_timeout=4.0)
    processor = DurableLogRecordProcessor(_url(es, hung), settings=settings)
    app = App(settings=settings)
    session = session_id_begun_at(now_ms())
    for number in range(5):
        for line in range(40):
            app.log(session, "round %d, line %d", number, line)
        for record in app.take():
            processor.on_emit(record)  # pyright: ignore[reportArgumentType] - what it reads is the same
        assert processor.force_flush(60_000)
    counts = processor.counts
    processor.shutdown()
    assert (200, 0, 0) == (counts.delivered, counts.retried, counts.refused)
    assert hung.asked <= 2


def test_where_all_hang_the_error_comes_in_the_time_that_was_given(hung: HungHost) -> None:
    """A lookup names them."""
    other = HungHost()
    try:
        url = f"http://{hung.address},http://{other.address}"
        with (
            SessionLogs(url, export_timeout=1.0) as logs,
            pytest.raises(StoreUnavailableError, match="did not answer in time"),
        ):
            list(logs.logs(session_id_begun_at(now_ms())))
    finally:
        other.close()
    assert (1, 1) == (hung.asked, other.asked)
