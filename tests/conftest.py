"""Fixtures that all tests share."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.collector_build import collector_program
from tests.servers.elasticsearch import ElasticsearchServer, open_server
from tests.servers.errors import ServerUnavailable
from tests.servers.fetch import DISTRIBUTIONS, fetch
from tests.servers.java import find_java

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.no_skips"]


def _elasticsearch_major() -> int:
    if os.environ.get("OPENREPLAY_TEST_ES"):
        return int(os.environ["OPENREPLAY_TEST_ES"])
    with contextlib.suppress(ServerUnavailable):
        find_java(DISTRIBUTIONS[9].java)
        return 9
    return 8


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the folder in which pictures of the page are kept."""
    parser.addoption("--pictures", type=Path, help="keep the pictures of the page in this folder")


def pytest_configure() -> None:
    """Take Ctrl-C as at a terminal: a run in the background ignores it, and so would all that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch the servers here, where no test's time limit runs and the line that tells of it is seen."""
    if session.config.option.collectonly:
        return
    needed = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    capture: Any = session.config.pluginmanager.getplugin("capturemanager")
    # The fixtures say what is missing.
    if "elasticsearch" in needed and "ELASTICSEARCH_URL" not in os.environ:
        with capture.global_and_fixture_disabled(), contextlib.suppress(ServerUnavailable):
            major = _elasticsearch_major()
            find_java(DISTRIBUTIONS[major].java)
            fetch(major)
    if "otelcol" in needed:
        with capture.global_and_fixture_disabled(), contextlib.suppress(ServerUnavailable):
            collector_program()


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A state folder of the run's own: what waits for a store, waits there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[ElasticsearchServer]:
    """The run's Elasticsearch, of the major in OPENREPLAY_TEST_ES or the one in ELASTICSEARCH_URL."""
    try:
        server = open_server(_elasticsearch_major())
    except ServerUnavailable as error:
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture
def es(elasticsearch: ElasticsearchServer) -> ElasticsearchServer:
    """The run's Elasticsearch with nothing on it."""
    elasticsearch.wipe()
    return elasticsearch
