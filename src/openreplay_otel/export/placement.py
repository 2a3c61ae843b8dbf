"""Where a document goes, and where its moment stands in the recording. Pure.

All of a session stands in the index of the day on which it began, which its id tells: its order, its
lookup, its retention, and a repeated ``create`` are settled by that.
"""

from __future__ import annotations

from functools import lru_cache
from time import gmtime
from typing import TYPE_CHECKING, Final, NamedTuple

from ..names import SESSIONLESS_DATA_STREAM
from ..session import CLOCK_TOLERANCE_MS, PLAUSIBLE_AGE_MS, replay_url_base, started_at_ms

if TYPE_CHECKING:
    from ..settings import Settings

_CACHE_LIMIT: Final = 2048
_NS: Final = 1_000_000
"""Nanoseconds of a millisecond."""


class Placement(NamedTuple):
    """Where a document goes, and the link to its moment in the recording, where that is known."""

    index: str  # pyright: ignore[reportIncompatibleMethodOverride] - a name is not looked for in it
    url: str | None


class _Session(NamedTuple):
    """What is the same for all records of a session.

    ``home``, its index, holds from ``earliest_ns`` to ``latest_ns``: a record out of these bounds shows
    the id to be made up, and goes to its own day.
    """

    home: Placement
    earliest_ns: int
    latest_ns: int
    started_ns: int
    url: str | None


class Placements:
    """Finds the placement of records.

    Args:
        settings: Index prefix, and app url and project id for links.
    """

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.index
        self._url_base = (
            replay_url_base(settings.app_url, settings.project_id)
            if settings.app_url is not None and settings.project_id is not None
            else None
        )
        self._session = lru_cache(maxsize=_CACHE_LIMIT)(self._make_session)

    def placement(self, session_id: str | None, time_ns: int) -> Placement:
        """The placement of a record, judged by the record's time and never by the clock.

        Args:
            session_id: Decimal id; None for a record without a session.
            time_ns: Unix nanoseconds of the record, from 1970 to 9999.
        """
        if session_id is None:
            return _SESSIONLESS
        session = self._session(session_id)
        place = session.home
        if not session.earliest_ns <= time_ns <= session.latest_ns:
            place = Placement(f"{self._prefix}-{_day(time_ns // _NS)}", None)
        if session.url is None:
            return place
        offset_ms = max(0, (time_ns - session.started_ns) // _NS)
        return Placement(place.index, f"{session.url}?jumpto={offset_ms}")

    def _make_session(self, session_id: str) -> _Session:
        started_ms = started_at_ms(session_id)
        return _Session(
            home=Placement(f"{self._prefix}-{_day(started_ms)}", None),
            earliest_ns=(started_ms - CLOCK_TOLERANCE_MS) * _NS,
            latest_ns=(started_ms + PLAUSIBLE_AGE_MS) * _NS + _NS - 1,
            started_ns=started_ms * _NS,
            url=None if self._url_base is None else self._url_base + session_id,
        )


_SESSIONLESS: Final = Placement(SESSIONLESS_DATA_STREAM, None)


@lru_cache(maxsize=64)
def _name_of_day(days: int) -> str:
    t = gmtime(days * 86400)
    return f"{t.tm_year:04d}.{t.tm_mon:02d}.{t.tm_mday:02d}"


def _day(unix_ms: int) -> str:
    return _name_of_day(unix_ms // 86_400_000)
