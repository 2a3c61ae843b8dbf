"""What every unit test starts from: none of the machine's settings, a state folder of its own."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel.stores.sqlite.store import SqliteStore

from .lookups import Asynchronous, Plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away the variables that the package and OpenTelemetry read."""
    for name in list(os.environ):
        if name.startswith(("OPENREPLAY_OTEL_", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def the_shops_level() -> Iterator[None]:
    """Leave the logger of the tests' apps as it was: `demo`, run in this process, sets its level."""
    logger = logging.getLogger("shop")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An embedded store in a folder that is not there yet."""
    made = SqliteStore(tmp_path / "new" / "folder" / "logs.db")
    yield made
    made.close()


@pytest.fixture(params=[Plain, Asynchronous])
def lookup(request: pytest.FixtureRequest) -> Any:
    """One of the two ways to look up."""
    return request.param()
