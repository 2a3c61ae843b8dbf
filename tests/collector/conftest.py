"""Fixtures of the tests that need a Collector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.collector import Collector, access
from tests.servers.collector_build import collector_program
from tests.servers.errors import ServerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer


@pytest.fixture(scope="session")
def otelcol() -> Path:
    """The Collector's program; skips where it cannot be built, which fails a run in CI."""
    try:
        return collector_program()
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def collector(
    otelcol: Path, es: ElasticsearchServer, tmp_path: Path
) -> Iterator[Callable[..., Collector]]:
    """Makes Collectors that write to the run's Elasticsearch; they are ended with the test."""
    del otelcol
    made: list[Collector] = []

    def make(*files: Path, state: str = "state", **variables: str) -> Collector:
        one = Collector(*files, environment={**access(es), **variables}, state=tmp_path / state)
        made.append(one)
        return one.start()

    yield make
    for one in made:
        one.end()
