"""Each framework on each server, a real process with nothing but environment variables set."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.frameworks.cases import CASES
from tests.frameworks.rows import CORE, ROWS
from tests.frameworks.table import BEGIN, END, PAGE, Outcomes, run, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.frameworks.rows import Row

# Two at a time: a start is most of a row's time.
_AT_ONCE = 2


@pytest.fixture(scope="session")
def outcomes() -> Iterator[dict[Row, Future[Outcomes]]]:
    """What became of each row; all are begun with the first test that asks."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {row: pool.submit(run, row) for row in ROWS}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_record_has_its_own_session_and_only_that(
    row: Row, case: str, outcomes: dict[Row, Future[Outcomes]]
) -> None:
    """The records of each request have that request's session, the server's own lines included."""
    found = outcomes[row].result()[case]
    assert "yes" == found or (found.startswith("(") and not row.logs_access), found


def test_the_page_shows_what_these_tests_found(outcomes: dict[Row, Future[Outcomes]]) -> None:
    """docs/frameworks.md is in step; `python -m tests.frameworks.table --write` brings it there."""
    text = PAGE.read_text(encoding="utf-8")
    shown = BEGIN + text.partition(BEGIN)[2].partition(END)[0] + END
    assert table({row: future.result() for row, future in outcomes.items()}) == shown


@pytest.mark.parametrize("row", CORE, ids=lambda row: row.name)
def test_it_works_beside_a_distro_that_is_there_already(row: Row) -> None:
    """Where another distro is installed and none is chosen, that one stays, and the stamp comes first."""
    found = run(row, environ={"OTEL_LOGS_EXPORTER": "openreplay"} | _NO_OTLP)
    assert dict.fromkeys(CASES, "yes") == found


_NO_OTLP = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
