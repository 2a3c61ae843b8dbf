"""The command ``serve`` without its libraries, and what the page reads from an address."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from openreplay_otel import OpenReplayError, Session, SettingsError
from openreplay_otel.cli.commands import serve
from openreplay_otel.stores.base import Position
from openreplay_otel.viewer.filters import RecordsFilter, SessionsFilter, place_text
from openreplay_otel.viewer.rows import duration_text

from .contract import EXAMPLE_ID

SESSION = Session(EXAMPLE_ID)
NOW = datetime(2026, 7, 4, 12, tzinfo=timezone.utc)


def test_missing_libraries_are_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is an extra; the plain install has none of them."""
    serve.check_installed()
    monkeypatch.setattr(serve, "_NEEDED", ("jinja2", "no_such_library"))
    with pytest.raises(
        OpenReplayError, match="no_such_library: pip install 'openreplay-otel"
    ) as caught:
        serve.check_installed()
    assert "jinja2" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "since"),
    [
        ({}, None),
        ({"since": "15m"}, NOW - timedelta(minutes=15)),
        ({"since": "15m", "from": "2h"}, NOW - timedelta(hours=2)),
        ({"from": "2026-07-04 02:30"}, datetime(2026, 7, 4, 2, 30, tzinfo=timezone.utc)),
        ({"from": "2026-07-04"}, datetime(2026, 7, 4, tzinfo=timezone.utc)),
        ({"from": "2026-07-04T02:30:00+02:00"}, datetime(2026, 7, 4, 0, 30, tzinfo=timezone.utc)),
    ],
)
def test_times_without_a_zone_are_utc(given: dict[str, str], since: datetime | None) -> None:
    """Not those of the machine on which the page runs; exact times beat a choice."""
    assert SessionsFilter.read(given).moments(NOW)[0] == since


@pytest.mark.parametrize(
    "given",
    [
        {"level": "grave"},
        {"text": "x" * 301},
        {"text": "a " * 13},
        {"before": "12a"},
        {"before": "\N{ARABIC-INDIC DIGIT THREE}"},
    ],
)
def test_what_the_list_cannot_use_is_told(given: dict[str, str]) -> None:
    """By the name that stands in the address."""
    with pytest.raises(SettingsError, match=f"^{next(iter(given))}: expected"):
        SessionsFilter.read(given)


@pytest.mark.parametrize(
    "given",
    [{"trace": "abc"}, {"after": "soon~id"}, {"before": "~"}, {"at": "later"}, {"level": "x"}],
)
def test_what_a_session_s_page_cannot_use_is_told(given: dict[str, str]) -> None:
    """Likewise."""
    with pytest.raises(SettingsError, match=f"^{next(iter(given))}: expected"):
        RecordsFilter.read(SESSION, given)


def test_an_address_says_what_was_asked_for() -> None:
    """Read again, it is the same; places are left out where the filters change."""
    given: dict[str, Any] = {
        "show": "errors",
        "service": "a&b",
        "level": "error",
        "text": 'x "y z"',
    }
    wanted = RecordsFilter.read(SESSION, {**given, "trace": "0" * 31 + "1", "at": " 90s"})
    assert wanted.at == timedelta(seconds=90)
    assert wanted.address() == (
        f"/session/{EXAMPLE_ID}?show=errors&service=a%26b&level=error&text=x+%22y+z%22"
        f"&trace={'0' * 31}1"
    )
    place = Position("2024-01-24T02:27:39.324000Z", "a~b")
    assert RecordsFilter.read(SESSION, {"after": place_text(place)}).after == place


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.25, "250 ms"), (59.94, "59.9 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"),
     (200_000, "2 d 7 h")],
)  # fmt: skip
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    """In their two largest units."""
    assert duration_text(timedelta(seconds=seconds)) == text
