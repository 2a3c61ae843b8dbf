"""Each row of the docs' table of hostile messages and requests is what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emitting import now_ms, session_id_begun_at
from tests.viewer.hostile import BEGIN, PAGE, table
from tests.viewer.hostile_cases import CASES, SECRET_TOKEN, Rig
from tests.viewer.hostile_records import fill
from tests.viewer.serving import APP_URL, Serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Three pages of one store: open, behind a token, behind a proxy that is elsewhere."""
    state = tmp_path_factory.mktemp("hostile")
    url = f"sqlite:///{state}/logs.db"
    session = session_id_begun_at(now_ms() - 3_600_000)
    fill(url, session)
    links = ("--app-url", APP_URL, "--project-id", "7")
    with (
        Serving(url, state, *links) as page,
        Serving(url, state, OPENREPLAY_OTEL_VIEWER_TOKEN=SECRET_TOKEN) as locked,
        Serving(url, state, "--proxy", "10.0.0.1") as behind,
    ):
        yield Rig(page, locked, behind, session)
    for one in (page, locked, behind):
        assert one.said == ""


@pytest.mark.parametrize("number", range(1, len(CASES) + 1))
def test_a_hostile_message_or_request_is_harmless(rig: Rig, number: int) -> None:
    """As its row of the table says."""
    _, _, run = CASES[number - 1]
    run(rig)


def test_the_table_of_the_docs_is_that_of_the_tests() -> None:
    """Thirty rows at least; `python -m tests.viewer.hostile --write` brings it up to date."""
    assert len(CASES) >= 30
    assert BEGIN + table() in PAGE.read_text(encoding="utf-8")
