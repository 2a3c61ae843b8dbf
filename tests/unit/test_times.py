"""Times as they stand in documents."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel.stores.timestamps import from_text, to_text

from .contract import PROPERTY

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 30), timezones=ZONES)  # noqa: DTZ001 - as it wants them


@PROPERTY
@given(MOMENTS)
def test_a_moment_is_read_back(moment: datetime) -> None:
    """Of any zone, and of any year: the same moment, in UTC."""
    text = to_text(moment)
    assert 27 == len(text)
    assert moment == from_text(text)
    assert from_text(text).tzinfo is timezone.utc


@PROPERTY
@given(MOMENTS, MOMENTS)
def test_texts_sort_as_moments_do(one: datetime, other: datetime) -> None:
    """The store compares texts."""
    assert (to_text(one) < to_text(other)) is (one < other)


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2024-01-24T02:27:39Z", 0),
        ("2024-01-24T02:27:39.3Z", 300_000),
        ("2024-01-24T02:27:39.324Z", 324_000),
        ("2024-01-24T02:27:39.324001Z", 324_001),
        ("2024-01-24T02:27:39.324001999Z", 324_001),
        ("2024-01-24t02:27:39.324z", 324_000),
        ("2024-01-24T05:27:39.324+03:00", 324_000),
        ("2024-01-23T22:27:39.32-04:00", 320_000),
        ("2024-01-24 02:27:39.324", 324_000),
    ],
)
def test_the_forms_of_rfc_3339_are_read(text: str, microsecond: int) -> None:
    """Any number of digits, Z or an offset, and no zone at all is UTC, on every Python."""
    expected = datetime(2024, 1, 24, 2, 27, 39, microsecond, tzinfo=timezone.utc)
    assert expected == from_text(text)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2024", "1706063259324", "2024-13-01T00:00:00Z", "2024-01-24T02:27:39.Zx", "None"],
)
def test_anything_else_is_no_time(text: str) -> None:
    """A ValueError, which the lookup turns into a sentence."""
    with pytest.raises(ValueError, match=r".+"):
        from_text(text)
