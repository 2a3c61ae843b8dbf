"""Times as they stand in log files. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

PATTERN: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[+-]\d\d:?\d\d|Z| UTC)?"
"""ISO 8601 and Python's ``asctime``, as a part of a regular expression."""

_SECOND: Final = len("2024-01-24T02:27:39")
_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_FRACTION: Final = re.compile(r"[.,](\d{1,9})")
_LONGEST: Final = 64
"""Characters of a time: what is longer is none, and has no place in a cache."""
_EARLIEST_NUMBER: Final = 10**8
_FUTURE: Final = timedelta(days=2)


class TimeReader:
    """Reads times.

    Args:
        zone: Where times without a zone were written.
        year_of: A moment (aware) in or after the time of the logs: for formats that name no year.
    """

    def __init__(self, zone: tzinfo, year_of: datetime) -> None:
        self._zone = zone
        self._year_of = year_of
        # Lines of one second follow one another.
        self._second = lru_cache(maxsize=512)(self._read_second)
        self._stamp = lru_cache(maxsize=512)(self._read_stamp)

    def iso(self, text: str) -> int | None:
        """Unix nanoseconds of a time of the form of :data:`PATTERN`; None where it is no date."""
        rest = text[_SECOND:]
        nanoseconds = 0
        if rest and rest[0] in ".,":
            end = 1
            while end < len(rest) and rest[end].isdigit():
                end += 1
            nanoseconds = int(f"{rest[1:end]:0<9}")
            rest = rest[end:]
        seconds = self._second(text[:_SECOND], rest.strip())
        return None if seconds is None else seconds * _NS + nanoseconds

    def number(self, value: float) -> int | None:
        """Unix nanoseconds of a number of seconds, milli-, micro- or nanoseconds, told by its size."""
        magnitude = _EARLIEST_NUMBER * 1000
        for factor in (_NS, 1_000_000, 1000, 1):
            if value < magnitude:
                return int(value * factor) if value >= _EARLIEST_NUMBER else None
            magnitude *= 1000
        return None

    def any(self, value: object) -> int | None:
        """Unix nanoseconds of a time of any known form, text or number; None for all else."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self.number(value)
        if not isinstance(value, str) or len(value) > _LONGEST:
            return None
        text = value.strip()
        if text[4:5] == "-":
            return self.iso(text) if _FULL.fullmatch(text) else None
        if text[:1].isdigit():
            try:
                return self.number(float(text))
            except ValueError:
                return self.access(text)
        return self.syslog(text)

    def syslog(self, text: str) -> int | None:
        """Unix nanoseconds of ``Jan 24 02:27:39``, in the latest year that is not to come."""
        return self._stamp(" ".join(text.split()))

    def access(self, text: str) -> int | None:
        """Unix nanoseconds of ``24/Jan/2024:02:27:39 +0000`` or ``24/Jan/2024 02:27:39``."""
        return self._stamp(text)

    def _read_second(self, text: str, zone: str) -> int | None:
        try:
            moment = datetime.fromisoformat(text.replace("T", " "))
            return self._unix(moment, zone)
        except (ValueError, OverflowError):
            return None

    def _read_stamp(self, text: str) -> int | None:
        try:
            if text[2:3] == "/":
                day, month, rest = text.split("/", 2)
                clock, _, zone = rest[5:].partition(" ")
                moment = datetime.fromisoformat(
                    f"{rest[:4]}-{_MONTHS[month]:02d}-{int(day):02d} {clock[:8]}"
                )
                return self._unix(moment, zone) * _NS
            month, day, clock, *_ = text.split(" ")
            fraction = _FRACTION.search(clock)
            nanoseconds = 0 if fraction is None else int(f"{fraction[1]:0<9}")
            year = self._year_of.year
            for candidate in (year + 1, year, year - 1, year - 2, year - 3):
                try:
                    moment = datetime.fromisoformat(
                        f"{candidate}-{_MONTHS[month]:02d}-{int(day):02d} {clock[:8]}"
                    )
                except ValueError:
                    continue  # the 29th of February
                seconds = self._unix(moment, "")
                if _EPOCH + timedelta(seconds=seconds) <= self._year_of + _FUTURE:
                    return seconds * _NS + nanoseconds
        except (ValueError, KeyError, OverflowError):
            pass
        return None

    def _unix(self, moment: datetime, zone: str) -> int:
        if zone in {"Z", "UTC"}:
            moment = moment.replace(tzinfo=timezone.utc)
        elif zone:
            digits = zone.replace(":", "")
            offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
            moment = moment.replace(tzinfo=timezone(-offset if digits[0] == "-" else offset))
        else:
            moment = moment.replace(tzinfo=self._zone)
        return int((moment - _EPOCH) // timedelta(seconds=1))


_FULL: Final = re.compile(PATTERN)


class _LocalZone(tzinfo):
    """The zone of this machine, with the summer times of each year."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return None if dt is None else dt.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        return "local"


LOCAL_ZONE: Final[tzinfo] = _LocalZone()
"""The zone of this machine."""
