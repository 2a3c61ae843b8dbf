"""Each framework on each server, a real process with nothing but environment variables set."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.frameworks.cases import CASES
from tests.frameworks.rows import CORE, ONE_OF_EACH_SERVER, ROWS
from tests.frameworks.table import BEGIN, END, PAGE, Ran, printed_without, run, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.frameworks.rows import Row

# Two at a time: a start is most of a row's time.
_AT_ONCE = 2
_OF_THE_PAGE = "test_the_page_shows_what_these_tests_found"


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[Row, Future[Ran]]]:
    """What became of each row; all that the chosen tests ask for are begun with the first one."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {row: pool.submit(run, row) for row in _chosen(request, ROWS)}


@pytest.fixture(scope="session")
def printed(request: pytest.FixtureRequest) -> Iterator[dict[Row, Future[str]]]:
    """What servers print without the package."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        chosen = _chosen(request, ONE_OF_EACH_SERVER)
        yield {row: pool.submit(printed_without, row) for row in chosen}


def _chosen(request: pytest.FixtureRequest, rows: Sequence[Row]) -> list[Row]:
    """The rows that the tests of this run name; all where the one of the page is among them."""
    named = [getattr(item, "callspec", None) for item in request.session.items]
    if any(item.name == _OF_THE_PAGE for item in request.session.items):
        return list(rows)
    asked = {spec.params.get("row") for spec in named if spec is not None}
    return [row for row in rows if row in asked]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_record_has_its_own_session_and_only_that(
    row: Row, case: str, outcomes: dict[Row, Future[Ran]]
) -> None:
    """The records of each request have that request's session, the server's own lines included."""
    found = outcomes[row].result().found[case]
    assert "yes" == found or (found.startswith("(") and not row.logs_access), found


@pytest.mark.parametrize("row", ONE_OF_EACH_SERVER, ids=lambda row: row.name)
def test_the_console_is_as_without_the_package(
    row: Row, outcomes: dict[Row, Future[Ran]], printed: dict[Row, Future[str]]
) -> None:
    """A server's output and the app's are the same lines, apart from the tags, pids, ports and times."""
    expected, actual = _lines(printed[row].result()), _lines(outcomes[row].result().printed)
    assert sorted((expected - actual).elements()) == []
    assert sorted((actual - expected).elements()) == []


def _lines(printed: str) -> Counter[str]:
    printed = _OWN_FRAMES.sub("", _TAG.sub("", printed))
    # OpenTelemetry tells which of two installed configurators it takes, this package its settings, and waitress
    # how many requests wait, which is chance.
    left_out = ("Configuration of ", "INFO:openreplay_otel.auto.", "WARNING:waitress.queue:")
    lines = (line for line in printed.splitlines() if not line.startswith(left_out))
    return Counter(_NUMBER.sub("0", line) for line in lines)


_TAG = re.compile(r"\[openReplaySession\.id=\d+\] ")
# A request's of Lambda, one of these tests, an address, and any other.
_NUMBER = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<=-)[0-9a-f]{12}|0x[0-9a-f]+|\d[\d.]*"
)
# A line of the file, one of the code, and one of marks under it.
_OWN_FRAMES = re.compile(
    r'^[ |]*File ".*/openreplay_otel/.*\n[ |]* .*\n(?:[ |]*[\^~]+\n)?', re.MULTILINE
)


def test_the_page_shows_what_these_tests_found(outcomes: dict[Row, Future[Ran]]) -> None:
    """docs/frameworks.md is in step; `python -m tests.frameworks.table --write` brings it there."""
    text = PAGE.read_text(encoding="utf-8")
    shown = BEGIN + text.partition(BEGIN)[2].partition(END)[0] + END
    assert table({row: future.result().found for row, future in outcomes.items()}) == shown


@pytest.mark.parametrize("row", CORE, ids=lambda row: row.name)
def test_it_works_beside_a_distro_that_is_there_already(row: Row) -> None:
    """Where another distro is installed and none is chosen, that one stays, and the stamp comes first."""
    found = run(row, environ={"OTEL_LOGS_EXPORTER": "openreplay"} | _NO_OTLP).found
    assert dict.fromkeys(CASES, "yes") == found


_NO_OTLP = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
