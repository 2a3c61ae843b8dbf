"""A page of a shop's sessions, served once for all tests of a file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import OpenReplayLogExporter
from tests.emitting import App, in_parts, now_ms, session_id_begun_at
from tests.unit.cli_harness import chained_exception
from tests.viewer.serving import APP_URL, Serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Shop:
    """Sessions in a store.

    Attributes:
        url: The store's.
        began_ms: When the first session began.
        quiet: Sixty sessions of one record, the oldest first, a second apart.
        failed: A later one with 450 records and an error at the end.
    """

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        self.began_ms = now_ms() - 3_600_000
        self.quiet = [session_id_begun_at(self.began_ms + 1000 * n, n + 1) for n in range(60)]
        self.failed = session_id_begun_at(self.began_ms + 120_000, 99)
        app, bank = App("shop"), App("bank")
        for n, session in enumerate(self.quiet):
            app.log(session, "visit %d", n, at_ms=self.began_ms + 1000 * n + 300)
        began = self.began_ms + 120_000
        for n in range(448):
            app.log(self.failed, "step %d", n, at_ms=began + 1000 + 100 * n, order=n)
        bank.log(self.failed, "card declined", level=logging.WARNING, at_ms=began + 46_000)
        app.log(
            self.failed, "order failed", level=logging.ERROR, at_ms=began + 47_000,
            error=chained_exception(),
        )  # fmt: skip
        exporter = OpenReplayLogExporter(self.url)
        for one in (app, bank):
            for part in in_parts(one.take(), 500):
                exporter.export(part)
                assert exporter.force_flush()
        exporter.shutdown()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The sessions."""
    return Shop(tmp_path_factory.mktemp("shop") / "logs.db")


@pytest.fixture(scope="session")
def page(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The page that shows them."""
    state = tmp_path_factory.mktemp("state")
    links = ("--app-url", APP_URL, "--project-id", "7")
    with Serving(shop.url, state, *links) as serving:
        yield serving
