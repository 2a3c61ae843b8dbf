"""What ``--follow`` shows: every record once, late ones too."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import LogEntry, StoreUnavailableError
from openreplay_otel.cli.follow import Follower

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2024, 1, 24, 2, 30, tzinfo=timezone.utc)


def entry(seconds: float) -> LogEntry:
    """A record so many seconds into the session; its time is its id."""
    offset = timedelta(seconds=seconds)
    return LogEntry(
        timestamp=START + offset,
        level="info",
        message="",
        service=None,
        logger=None,
        exception=None,
        trace_id=None,
        span_id=None,
        session_id="1",
        offset=offset,
        replay_url=None,
        document={},
        document_id=str(seconds),
    )


class Records:
    """A store whose reading takes time; it notes from which moment on it was read."""

    def __init__(self, *seconds: float, reading_takes: float = 0.0) -> None:
        self.seconds = list(seconds)
        self.reading_takes = reading_takes
        self.fails_after: int | None = None
        self.now = 0.0
        self.asked: list[datetime | None] = []

    def read(self, since: datetime | None) -> Iterator[LogEntry]:
        """The records from a moment on in time order."""
        self.asked.append(since)
        self.now += self.reading_takes
        for count, seconds in enumerate(sorted(self.seconds)):
            if count == self.fails_after:
                raise StoreUnavailableError("gone")
            if since is None or START + timedelta(seconds=seconds) >= since:
                yield entry(seconds)

    def follower(self) -> Follower:
        """One that looks at these records, by their clock."""
        return Follower(self.read, clock=lambda: self.now)


def offsets(entries: list[LogEntry]) -> list[float]:
    """The records by their seconds."""
    return [one.offset.total_seconds() for one in entries]


def test_the_first_look_gives_what_is_there_and_the_next_what_is_new() -> None:
    """In time order, each once."""
    records = Records(1, 2)
    follower = records.follower()

    assert offsets(follower.poll()) == [1, 2]
    records.seconds += [4, 3]
    assert offsets(follower.poll()) == [3, 4]
    assert follower.poll() == []


def test_a_record_that_comes_hours_late_is_given_once() -> None:
    """Its time is long before the newest one's."""
    records = Records(7200)
    follower = records.follower()
    follower.poll()

    records.seconds.append(1)
    records.now += 1
    assert offsets(follower.poll()) == [1]
    records.now += 1
    assert follower.poll() == []


def test_a_long_session_is_read_whole_only_now_and_then() -> None:
    """Reading it takes half a second: that is done every ten seconds, and in between its last part."""
    records = Records(1, 7200, reading_takes=0.5)
    follower = records.follower()
    for _ in range(20):
        follower.poll()
        records.now += 1

    assert records.asked.count(None) == 3
    assert records.asked[1] == START + timedelta(seconds=7200 - 30)


def test_nothing_is_lost_where_a_look_fails_midway() -> None:
    """What was read before the store failed is given by the next look."""
    records = Records(1, 2, 3)
    records.fails_after = 2
    follower = records.follower()
    with pytest.raises(StoreUnavailableError):
        follower.poll()

    records.fails_after = None
    assert offsets(follower.poll()) == [1, 2, 3]
