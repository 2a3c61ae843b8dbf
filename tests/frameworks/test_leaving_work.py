"""Whose session work has that leaves its request: of two visitors, and of nobody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.frameworks.apps.leaving_app import JOBS, LASTING
from tests.frameworks.cases import stored
from tests.frameworks.rows import Row
from tests.frameworks.serving import DISTRO, MOST_SECONDS, Serving, new_session, number_of, serving

if TYPE_CHECKING:
    from pathlib import Path

_ROW = Row(
    "FastAPI", "uvicorn", ("uvicorn", "tests.frameworks.apps.leaving_app:app", "--port", "{port}")
)
_CARRYING = {"async_scheduler"}
"""Whoever adds a job sets the timer anew, and so in his own context."""


def _asked(server: Serving, way: str, answered: float) -> dict[str, str | None]:
    """The requests' numbers with their sessions, of two visitors and of nobody."""
    asked: dict[str, str | None] = {}
    for session_id in (new_session(), new_session(), None):
        number = number_of(way)
        asked[number] = session_id
        server.get(f"/{way}?n={number}", session_id)
        time.sleep(answered)
    return asked


def _sessions(file: Path, numbers: dict[str, Any]) -> dict[str, str | None]:
    """The session of each number's line, once all are stored."""
    until = time.monotonic() + MOST_SECONDS
    found: dict[str, str | None] = {}
    while time.monotonic() < until and len(found) < len(numbers):
        time.sleep(0.2)
        found = {
            document["message"].rpartition("work for ")[2]: document.get("openreplay.session.id")
            for document in stored(file)
            if "work for" in document["message"]
        }
    return {number: session_id for number, session_id in found.items() if number in numbers}


def test_a_job_belongs_to_the_request_that_asks_for_it(tmp_path: Path) -> None:
    """However it leaves the request, and whichever request began the pool that does it."""
    file = tmp_path / "logs.db"
    with serving(_ROW, f"sqlite:///{file}", tmp_path) as server:
        asked = {way: _asked(server, way, 0) for way in JOBS}
        expected = {number: session for each in asked.values() for number, session in each.items()}
        found = _sessions(file, expected)
    assert expected == found, server.output()


@pytest.mark.parametrize("seconds", ["0", "1.5"])
def test_what_lasts_belongs_to_nobody_soon_after_its_request(tmp_path: Path, seconds: str) -> None:
    """A consumer, a scheduler or a process that the first visitor's request has begun works for others later."""
    file = tmp_path / "logs.db"
    environ = {**DISTRO, "OPENREPLAY_OTEL_SESSION_AFTER_REQUEST": seconds}
    with serving(_ROW, f"sqlite:///{file}", tmp_path, environ) as server:
        asked = {way: _asked(server, way, float(seconds)) for way in LASTING}
        numbers = {number: session for each in asked.values() for number, session in each.items()}
        found = _sessions(file, numbers)
    assert numbers.keys() == found.keys(), server.output()
    for way, requests in asked.items():
        (first, its_session), *others = requests.items()
        assert found[first] in {its_session, None}, way
        for number, session_id in others:
            assert found[number] in {None, session_id if way in _CARRYING else None}, way
