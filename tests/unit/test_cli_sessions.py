"""``openreplay-otel sessions``, run as a person or a program runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .cli_harness import APP_URL, call, call_on_terminal, fill_shop, store_url
from .contract import EXAMPLE_ID

if TYPE_CHECKING:
    from pathlib import Path

OTHER_ID = "2618307011354435588"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with the records of :func:`fill_shop`: a session with an error, a newer one without."""
    url = store_url(tmp_path_factory.mktemp("store") / "logs.db")
    fill_shop(url)
    return url


def ids(json_lines: str) -> list[str]:
    """The ids of the sessions listed."""
    return [json.loads(line)["session_id"] for line in json_lines.splitlines()]


def test_json_has_all_that_is_known_of_a_session(shop: str, tmp_path: Path) -> None:
    """One object a line, the newest session first; the id a text, since numbers would be rounded."""
    done = call(
        "sessions", "--store", shop, "--json", "--app-url", APP_URL, "--project-id", "7",
        state=tmp_path,
    )  # fmt: skip

    assert done.code == 0
    assert done.err == ""
    assert ids(done.out) == [OTHER_ID, EXAMPLE_ID]
    document = json.loads(done.out.splitlines()[1])
    assert document.pop("first").startswith("2024-01-24T02:28:39.324")
    assert document.pop("last").startswith("2024-01-24T02:28:40.824")
    assert document == {
        "session_id": EXAMPLE_ID,
        "started_at": "2024-01-24T02:27:39.324000Z",
        "records": 4,
        "errors": 1,
        "services": ["shop"],
        "replay_url": f"{APP_URL}/7/session/{EXAMPLE_ID}",
    }


def test_a_pipe_gets_a_line_a_session_without_colours(shop: str, tmp_path: Path) -> None:
    """Start, id, numbers, first and last record, services."""
    done = call("sessions", "--store", shop, state=tmp_path)

    assert done.out.splitlines() == [
        (
            f"2024-01-24T02:27:39Z  {OTHER_ID}  1 record  0 errors"
            "  first 2024-01-24T02:28:40Z  last 2024-01-24T02:28:40Z  shop"
        ),
        (
            f"2024-01-24T02:27:39Z  {EXAMPLE_ID}  4 records  1 error"
            "  first 2024-01-24T02:28:39Z  last 2024-01-24T02:28:40Z  shop"
        ),
    ]


@pytest.mark.parametrize("columns", [80, 140])
def test_a_terminal_gets_a_table_that_fits(columns: int, shop: str, tmp_path: Path) -> None:
    """With the number of errors in red, and a word on how to get links."""
    screen = call_on_terminal("sessions", "--store", shop, state=tmp_path, columns=columns)

    assert screen.code == 0
    assert screen.lines[0].startswith("started (UTC)")
    assert screen.lines[2].split()[2] == EXAMPLE_ID
    assert "--app-url" in screen.lines[3]
    assert "\x1b[1;31m" in screen.raw
    assert all(len(line) <= columns for line in screen.lines)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--errors"], [EXAMPLE_ID]),
        (["--limit", "1"], [OTHER_ID]),
        (["--level", "WARN"], [EXAMPLE_ID]),
        (["--text", "order failed"], [EXAMPLE_ID]),
        (["--service", "nobody"], []),
        (["--since", "2024-01-24T02:28:40.9Z"], [OTHER_ID]),
        (["--until", "2024-01-24T02:28:40Z"], [EXAMPLE_ID]),
        (["--until", "2024-01-24T07:58:40"], [EXAMPLE_ID]),
        (["--since", "1h"], []),
    ],
)
def test_filters(options: list[str], expected: list[str], shop: str, tmp_path: Path) -> None:
    """Errors, number, and times, of which those without a zone are the machine's."""
    done = call("sessions", "--store", shop, "--json", *options, state=tmp_path)

    assert done.code == 0
    assert ids(done.out) == expected


def test_what_is_hidden_or_missing_is_said_on_stderr(shop: str, tmp_path: Path) -> None:
    """A limit that hides sessions, and a search that finds none."""
    cut = call("sessions", "--store", shop, "--limit", "1", state=tmp_path)
    none = call("sessions", "--store", shop, "--errors", "--since", "1h", state=tmp_path)

    assert "the newest 1; there are more" in cut.err
    assert none.out == ""
    assert f"No session with an error in that time in {shop}" in none.err
