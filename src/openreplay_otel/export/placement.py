"""Where a document goes, and the fields that all documents of a session share. Pure.

All of a session stands in the index of the day on which it began, which its id tells: its order, its
lookup, its retention, and a repeated ``create`` are settled by that.
"""

from __future__ import annotations

from functools import lru_cache
from time import gmtime
from typing import TYPE_CHECKING, Final, NamedTuple

from ..names import FIELD_SESSION_ID, FIELD_SESSION_URL, SESSIONLESS_DATA_STREAM
from ..session import CLOCK_TOLERANCE_MS, PLAUSIBLE_AGE_MS, replay_url_base, started_at_ms
from .plain_values import json_bytes

if TYPE_CHECKING:
    from ..settings import Settings

_CACHE_LIMIT: Final = 2048
_NS: Final = 1_000_000
"""Nanoseconds of a millisecond."""


class Placement(NamedTuple):
    """Where a document goes, and its fields of the session as JSON, each with a comma before it."""

    index: str
    json: bytes


class _Session(NamedTuple):
    """What is the same for all records of a session.

    ``index`` holds from ``earliest_ns`` to ``latest_ns``: a record out of these bounds shows the id to
    be made up, and goes to its own day.
    """

    json: bytes
    url: bytes | None
    index: str
    earliest_ns: int
    latest_ns: int
    started_ns: int


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
        index = session.index
        if not session.earliest_ns <= time_ns <= session.latest_ns:
            index = f"{self._prefix}-{_day(time_ns // _NS)}"
        if session.url is None:
            return Placement(index, session.json)
        offset_ms = max(0, (time_ns - session.started_ns) // _NS)
        return Placement(index, b'%b%b?jumpto=%d"' % (session.json, session.url, offset_ms))

    def _make_session(self, session_id: str) -> _Session:
        started_ms = started_at_ms(session_id)
        url = None
        if self._url_base is not None:
            link = json_bytes(self._url_base + session_id)
            # Without the closing quote: each record adds its moment.
            url = b',"%b":%b' % (FIELD_SESSION_URL.encode(), link[:-1])
        return _Session(
            json=b',"%b":"%b"' % (FIELD_SESSION_ID.encode(), session_id.encode()),
            url=url,
            index=f"{self._prefix}-{_day(started_ms)}",
            earliest_ns=(started_ms - CLOCK_TOLERANCE_MS) * _NS,
            latest_ns=(started_ms + PLAUSIBLE_AGE_MS) * _NS + _NS - 1,
            started_ns=started_ms * _NS,
        )


_SESSIONLESS: Final = Placement(SESSIONLESS_DATA_STREAM, b"")


@lru_cache(maxsize=64)
def _name_of_day(days: int) -> str:
    t = gmtime(days * 86400)
    return f"{t.tm_year:04d}.{t.tm_mon:02d}.{t.tm_mday:02d}"


def _day(unix_ms: int) -> str:
    return _name_of_day(unix_ms // 86_400_000)
