"""Durations and comma lists are read in one way, wherever a person types them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import Settings, SettingsError
from openreplay_otel.cli.commands.api_key import _expiration  # pyright: ignore[reportPrivateUsage]
from openreplay_otel.cluster.retention import days_of
from openreplay_otel.text.times import parse_moment
from openreplay_otel.text.typed import comma_list

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone.utc)


def of_setting(name: str) -> Callable[[str], float]:
    """What a setting makes of a text, from its variable as from an argument."""

    def read(text: str) -> float:
        load: Any = Settings.load
        by_argument = getattr(load({}, **{name: text}), name)
        assert by_argument == getattr(load({f"OPENREPLAY_OTEL_{name.upper()}": text}), name)
        return by_argument

    return read


def since(text: str) -> float:
    """How long ago ``--since`` means."""
    moment = parse_moment(text, "since", now=NOW)
    assert isinstance(moment, datetime)
    return (NOW - moment).total_seconds()


def into_session(text: str) -> float:
    """How far into a session."""
    offset = parse_moment("+" + text, "since", now=NOW, has_session=True)
    assert isinstance(offset, timedelta)
    return offset.total_seconds()


EVERYWHERE: dict[str, Callable[[str], float]] = {
    "spool_max_age": of_setting("spool_max_age"),
    "since": since,
    "into session": into_session,
    "retention": lambda text: days_of(text, "retention") * 86_400,
    "expires": lambda text: float(_expiration(text).removesuffix("s")),
}
DURATIONS = {
    "4w": 28 * 86_400,
    "7d": 604_800,
    "1w3d": 864_000,
    "14D": 1_209_600,
    "48h": 172_800,
    "1d24h": 172_800,
}


@pytest.mark.parametrize("place", EVERYWHERE)
@pytest.mark.parametrize("text", DURATIONS)
def test_a_duration_is_the_same_everywhere(place: str, text: str) -> None:
    """Weeks, days and hours, also together."""
    assert EVERYWHERE[place](text) == DURATIONS[text]


@pytest.mark.parametrize("place", EVERYWHERE)
@pytest.mark.parametrize(
    "text", ["", "d", "4y", "1h1d", "-3d", "3d -", "\u0663d", "1e3d", "9" * 400 + "d"]
)
def test_what_is_no_duration_is_refused_everywhere(place: str, text: str) -> None:
    """With a message that names what was expected."""
    name = {"into session": "since"}.get(place, place)
    with pytest.raises(SettingsError, match=f"{name}: expected"):
        EVERYWHERE[place](text)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("export_timeout", "1m30s", 90.0),
        ("shutdown_timeout", "2.5s", 2.5),
        ("session_after_request", "0", 0.0),
        ("replay_lead", "12", 12.0),
        ("spool_max_age", "90", 90.0),
    ],
)
def test_settings_take_seconds_as_a_number_too(name: str, text: str, expected: float) -> None:
    """As before there were durations."""
    assert of_setting(name)(text) == expected


def test_retention_is_in_whole_days() -> None:
    """Indexes are of a day each."""
    for wrong in ("36h", "90s", "1d1s", "0d", "100000d"):
        with pytest.raises(SettingsError, match="retention: expected whole days or weeks"):
            days_of(wrong, "retention")


def test_a_comma_list_has_no_empty_parts() -> None:
    """Blanks around names and commas at the ends do not matter."""
    assert comma_list(" a, b ,,c,") == ("a", "b", "c")
    assert comma_list(" , ") == ()
