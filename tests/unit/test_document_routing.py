"""Where a document goes: the day of the session's beginning, judged by the record's own time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource

from openreplay_otel import OpenReplayLogRecordProcessor, Settings
from openreplay_otel.document.builder import DocumentBuilder

from .contract import (
    DAY_MS,
    EXAMPLE_ID,
    EXAMPLE_STARTED_MS,
    LARGEST_ID,
    MINUTE_MS,
    PROPERTY,
    id_beginning_at,
)
from .records import in_session, readable, writable

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MIDNIGHT_MS = 1_706_054_400_000
"""2024-01-24T00:00:00Z."""


def day(unix_ms: int) -> str:
    """The UTC day as index names have it."""
    return (EPOCH + timedelta(milliseconds=unix_ms)).strftime("%Y.%m.%d")


def index_of(session_id: str | None, at_ns: int, **settings: Any) -> str:
    """The index of a record of a session at a time."""
    made = DocumentBuilder(Settings(**settings)).build(
        readable("x", session_id=session_id, timestamp=at_ns)
    )
    assert made is not None
    return made.index


def test_the_contracts_example_goes_to_its_day() -> None:
    """Under the default name and under one of the settings."""
    at_ns = EXAMPLE_STARTED_MS * 1_000_000
    assert "openreplay-logs-2024.01.24" == index_of(EXAMPLE_ID, at_ns)
    assert "shop-logs-2024.01.24" == index_of(EXAMPLE_ID, at_ns, index="shop-logs")


@PROPERTY
@given(
    st.integers(1, LARGEST_ID),
    st.integers(-40 * DAY_MS, 40 * DAY_MS)
    | st.sampled_from([0, 30 * DAY_MS, 30 * DAY_MS + 1, -10 * MINUTE_MS, -10 * MINUTE_MS - 1]),
)
def test_a_record_goes_to_the_day_on_which_its_session_began(number: int, later_ms: int) -> None:
    """From ten minutes before the start to thirty days after it; else the record's own day counts."""
    started_ms = (number >> 24) + 1_550_000_000_000
    is_home = -10 * MINUTE_MS <= later_ms <= 30 * DAY_MS
    expected = day(started_ms if is_home else started_ms + later_ms)
    at_ns = (started_ms + later_ms) * 1_000_000
    assert f"openreplay-logs-{expected}" == index_of(str(number), at_ns)


@pytest.mark.parametrize(
    ("later_ns", "is_home"),
    [
        (30 * DAY_MS * 1_000_000, True),
        (30 * DAY_MS * 1_000_000 + 999_999, True),
        ((30 * DAY_MS + 1) * 1_000_000, False),
        (-10 * MINUTE_MS * 1_000_000, True),
        (-10 * MINUTE_MS * 1_000_000 - 1, False),
    ],
)
def test_the_bounds_are_kept_to_the_millisecond(later_ns: int, is_home: bool) -> None:
    """A nanosecond before the lower bound is out of it; the last millisecond of the upper one is in it."""
    session_id = id_beginning_at(MIDNIGHT_MS + 5 * MINUTE_MS)
    found = index_of(session_id, (MIDNIGHT_MS + 5 * MINUTE_MS) * 1_000_000 + later_ns)
    assert (found == "openreplay-logs-2024.01.24") is is_home


def test_all_of_a_session_over_midnight_stands_in_one_index() -> None:
    """A session that goes on after midnight, and a clock that is a little slow, do not split it."""
    session_id = id_beginning_at(MIDNIGHT_MS + 3 * MINUTE_MS)
    minutes = [-7, -5, 0, 1, 60, 24 * 60 - 1, 24 * 60 + 1, 48 * 60]
    found = {index_of(session_id, (MIDNIGHT_MS + (3 + m) * MINUTE_MS) * 1_000_000) for m in minutes}
    assert {"openreplay-logs-2024.01.24"} == found


def test_the_present_does_not_matter() -> None:
    """An old session's old record goes where it went then: only the record's time is asked."""
    for started_ms in (1_550_000_000_000, EXAMPLE_STARTED_MS, 2_600_000_000_000):
        found = index_of(id_beginning_at(started_ms), (started_ms + DAY_MS) * 1_000_000)
        assert found == f"openreplay-logs-{day(started_ms)}"


@pytest.mark.parametrize("session_id", ["1", "42", str(LARGEST_ID), "12345678901234567890"])
def test_a_made_up_id_goes_to_the_day_of_the_record(session_id: str) -> None:
    """Ids of other systems begin in 2019 or far off: they do not make indexes of days long gone."""
    assert "openreplay-logs-2024.01.24" == index_of(session_id, MIDNIGHT_MS * 1_000_000)
    assert "openreplay-logs-2024.01.23" == index_of(session_id, MIDNIGHT_MS * 1_000_000 - 1)


def test_a_record_without_a_session_goes_to_the_data_stream_or_nowhere() -> None:
    """Whatever its time; with ``sessionless=drop`` there is no document."""
    for at_ns in (0, MIDNIGHT_MS * 1_000_000, 2**70):
        assert "logs-openreplay-default" == index_of(None, at_ns)
    assert DocumentBuilder(Settings(sessionless="drop")).build(readable("x")) is None


def test_the_same_record_has_the_same_id_and_index() -> None:
    """Exported twice, by two builders, stamped or not: one document."""
    stamped = writable("x", context=in_session())
    OpenReplayLogRecordProcessor(Settings()).on_emit(stamped)
    for record in (
        ReadableLogRecord(stamped.log_record, Resource({})),
        readable("x", session_id=EXAMPLE_ID),
    ):
        first, second = (DocumentBuilder(Settings()).build(record) for _ in range(2))
        assert first is not None
        assert first == second


def test_the_ids_of_a_process_ascend_with_emission() -> None:
    """Records of one time keep the order in which they were logged."""
    processor, builder = OpenReplayLogRecordProcessor(Settings()), DocumentBuilder(Settings())
    ids = []
    for n in range(500):
        record = writable(f"{n}", context=in_session(), timestamp=MIDNIGHT_MS * 1_000_000)
        processor.on_emit(record)
        made = builder.build(ReadableLogRecord(record.log_record, Resource({})))
        assert made is not None
        ids.append(made.id)
    assert ids == sorted(set(ids))
