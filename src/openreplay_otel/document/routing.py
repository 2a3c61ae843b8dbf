"""Where a document goes, and where its moment stands in the recording. Pure.

All of a session stands in the index of the day on which it began, which its id tells: its order, its
lookup, its retention, and a repeated ``create`` are settled by that.
"""

from __future__ import annotations

from functools import lru_cache
from time import gmtime
from typing import TYPE_CHECKING, Final

import orjson

from ..names import FIELD_SESSION_ID, FIELD_SESSION_URL, SESSIONLESS_DATA_STREAM
from ..session import CLOCK_TOLERANCE_MS, PLAUSIBLE_AGE_MS, replay_url_base, started_at_ms

if TYPE_CHECKING:
    from ..settings import Settings

_CACHE_LIMIT: Final = 2048
MAX_TIME_NS: Final = 253_402_300_799_999_999_999
"""The last nanosecond of the year 9999: a date of more digits is none to any reader."""
_NS: Final = 1_000_000
"""Nanoseconds of a millisecond."""


Placement = tuple[str, bytes]
"""Where a document goes, and its fields of the session as a part of its JSON (see ``parts``).

A plain tuple, since a named one is unpacked by an iterator; this runs for each record."""

PlaceOfSession = tuple[int, int, int, Placement, bool]
"""What is the same for all records of a session: the first and the last nanosecond for which its id is
plausible, that of its start, the placement (without the moment in the link), whether there is a link."""


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

    def of_session(self, session_id: str | None) -> PlaceOfSession:
        """What the placements of a session's records share.

        Args:
            session_id: Decimal id; None for records without a session.
        """
        return _NO_SESSION if session_id is None else self._session(session_id)

    def placement(self, session_id: str | None, time_ns: int) -> Placement:
        """The placement of a record, judged by the record's time and never by the clock.

        Args:
            session_id: Decimal id; None for a record without a session.
            time_ns: Unix nanoseconds of the record, from 1970 to 9999.
        """
        return self.at(self.of_session(session_id), time_ns)

    def at(self, session: PlaceOfSession, time_ns: int) -> Placement:
        """The same, for who has looked the session up.

        Args:
            session: From :meth:`of_session`.
            time_ns: Unix nanoseconds of the record, from 1970 to 9999.
        """
        earliest_ns, latest_ns, started_ns, place, has_link = session
        if earliest_ns <= time_ns <= latest_ns:
            if not has_link:
                return place
            index, part = place
        else:
            # The id is made up: such a record goes to its own day.
            index, part = f"{self._prefix}-{_day(time_ns // _NS)}", place[1]
        if not has_link:
            return index, part
        offset_ms = (time_ns - started_ns) // _NS if time_ns > started_ns else 0
        return index, b'%b?jumpto=%d"' % (part, offset_ms)

    def _make_session(self, session_id: str) -> PlaceOfSession:
        started_ms = started_at_ms(session_id)
        part = b',"%b":"%b"' % (FIELD_SESSION_ID.encode(), session_id.encode())
        if self._url_base is not None:
            link = orjson.dumps(self._url_base + session_id)
            # Without the closing quote: each record adds its moment.
            part += b',"%b":%b' % (FIELD_SESSION_URL.encode(), link[:-1])
        return (
            (started_ms - CLOCK_TOLERANCE_MS) * _NS,
            (started_ms + PLAUSIBLE_AGE_MS) * _NS + _NS - 1,
            started_ms * _NS,
            (f"{self._prefix}-{_day(started_ms)}", part),
            self._url_base is not None,
        )


_NO_SESSION: Final[PlaceOfSession] = (0, MAX_TIME_NS, 0, (SESSIONLESS_DATA_STREAM, b""), False)


@lru_cache(maxsize=64)
def _name_of_day(days: int) -> str:
    t = gmtime(days * 86400)
    return f"{t.tm_year:04d}.{t.tm_mon:02d}.{t.tm_mday:02d}"


def _day(unix_ms: int) -> str:
    return _name_of_day(unix_ms // 86_400_000)
