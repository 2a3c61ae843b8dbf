"""What ``--since`` and ``--until`` take, and how times are shown."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import SettingsError
from openreplay_otel.text.times import clock_text, offset_text, parse_moment, seconds_text

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2024, 1, 24, 2, 30, tzinfo=timezone.utc)


@pytest.fixture
def half_past_five_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine in India."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("45s", timedelta(seconds=45)),
        ("1.5s", timedelta(seconds=1.5)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("1h30m", timedelta(minutes=90)),
        ("3d", timedelta(days=3)),
        ("1w2d", timedelta(days=9)),
        (" 10m ", timedelta(minutes=10)),
    ],
)
def test_a_duration_is_so_long_ago(text: str, ago: timedelta) -> None:
    """A duration without a sign counts back from the present."""
    assert NOW - ago == parse_moment(text, "since", now=NOW)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("+90s", timedelta(seconds=90)),
        ("+1m30s", timedelta(seconds=90)),
        ("+01:30", timedelta(seconds=90)),
        ("+01:35.204", timedelta(seconds=95.204)),
        ("+1:01:35.204", timedelta(seconds=3695.204)),
        ("+0s", timedelta(0)),
    ],
)
def test_a_plus_counts_from_the_start_of_the_session(text: str, offset: timedelta) -> None:
    """An offset can be typed as a duration, or copied from the column of offsets."""
    assert offset == parse_moment(text, "since", now=NOW, has_session=True)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-24T02:27:39.324Z",
        "2024-01-24T02:27:39.324z",
        "2024-01-24T02:27:39.324000000Z",
        "2024-01-24T02:27:39,324Z",
        "2024-01-24 02:27:39.324+00:00",
        "2024-01-24T07:57:39.324+05:30",
    ],
)
def test_a_time_with_a_zone_is_that_moment(text: str) -> None:
    """ISO 8601 is read with Z or an offset and any number of digits, on Python 3.10 too."""
    expected = datetime(2024, 1, 24, 2, 27, 39, 324000, tzinfo=timezone.utc)

    assert expected == parse_moment(text, "since", now=NOW)


@pytest.mark.usefixtures("half_past_five_hours_east")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-24T07:57:39", datetime(2024, 1, 24, 2, 27, 39, tzinfo=timezone.utc)),
        ("2024-01-24 07:57", datetime(2024, 1, 24, 2, 27, tzinfo=timezone.utc)),
        ("2024-01-24", datetime(2024, 1, 23, 18, 30, tzinfo=timezone.utc)),
    ],
)
def test_a_time_without_a_zone_is_local(text: str, expected: datetime) -> None:
    """What a person reads off the wall is what they type."""
    assert expected == parse_moment(text, "since", now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "yesterday",
        "10",
        "m",
        "-10m",
        "10 m",
        "10m2h",
        "1e3s",
        "+",
        "+yesterday",
        "+01:30:00:00",
        "+9999999d",
        "99999999999d",
        "9" * 400 + "s",
        "\u0661\u0660m",
        "2024-13-01",
        "2024-01-24T25:00",
        "0001-01-01T00:00+14:00",
    ],
)
def test_anything_else_is_refused_with_what_was_expected(text: str) -> None:
    """The error names the option and shows examples."""
    with pytest.raises(SettingsError, match=r"^until: expected a time .* or how long ago .*\+90s"):
        parse_moment(text, "until", now=NOW, has_session=True)


def test_an_offset_needs_a_session() -> None:
    """Where there is no single session, +90s means nothing, and is not offered in the error either."""
    with pytest.raises(SettingsError) as caught:
        parse_moment("+90s", "since", now=NOW)

    assert "session began" not in str(caught.value)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "+00:00.000"),
        (95_204, "+01:35.204"),
        (3_695_204, "+1:01:35.204"),
        (-1_200, "-00:01.200"),
        (36_000_000, "+10:00:00.000"),
    ],
)
def test_offsets_are_shown_as_a_player_counts(milliseconds: int, text: str) -> None:
    """Minutes and seconds, hours where there are any, and a minus for what came before."""
    assert text == offset_text(timedelta(milliseconds=milliseconds))


def test_times_are_shown_in_utc() -> None:
    """Whatever zone a moment came in."""
    moment = datetime(2024, 1, 24, 7, 57, 39, 324999, timezone(timedelta(hours=5, minutes=30)))

    assert clock_text(moment) == "02:27:39.324"
    assert seconds_text(moment) == "2024-01-24 02:27:39"
