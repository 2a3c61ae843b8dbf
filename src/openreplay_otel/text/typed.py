"""What people type for settings and options: durations and comma lists, read in one way everywhere. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_DURATION: Final = re.compile(
    r"(?:(?P<weeks>\d+)w)?(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)s)?",
    re.ASCII,
)


def duration(text: str) -> timedelta:
    """Read a duration: ``90s``, ``30m``, ``12h``, ``7d``, ``4w``, ``1d12h``; case and outer blanks do not matter.

    Raises:
        ValueError: It is none.
        OverflowError: It is longer than Python can tell.
    """
    text = text.strip().lower()
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ValueError
    return timedelta(**{unit: float(count) for unit, count in match.groupdict("0").items()})


def seconds(value: str | float) -> float:
    """Seconds, as a number or as a duration.

    Raises:
        ValueError: It is neither.
        OverflowError: It is longer than Python can tell.
    """
    try:
        return float(value)
    except ValueError:
        return duration(str(value)).total_seconds()


def comma_list(text: str) -> tuple[str, ...]:
    """The parts of a comma list, without blanks around them and without empty ones."""
    return tuple(part for part in map(str.strip, text.split(",")) if part)
