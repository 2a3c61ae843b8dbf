"""Moments as people type them, for ``--since`` and ``--until``, and as they are shown. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Final

from ..errors import SettingsError
from .typed import duration

_CLOCK: Final = re.compile(
    r"(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+(?:\.\d+)?)", re.ASCII
)
_FRACTION: Final = re.compile(r"[.,](\d+)", re.ASCII)
_LONGEST_OFFSET: Final = timedelta(days=366)
EXPECTED: Final = (
    "a time (2024-01-24T02:30:00Z; without a zone: local time) or how long ago (10m, 2h, 1d12h)"
)
"""What ``--since`` and ``--until`` take."""
EXPECTED_OFFSET: Final = "the time since the session began (+90s, +01:30)"
"""What they take where there is one session."""


def parse_moment(
    text: str, option: str, *, now: datetime, has_session: bool = False
) -> datetime | timedelta:
    """Read a moment.

    Args:
        text: What was typed.
        option: Name of the option, for the error.
        now: The present (aware).
        has_session: Whether an offset into a session can be meant.

    Returns:
        An aware moment, or for ``+…`` the time since the session began.

    Raises:
        SettingsError: It is none of these.
    """
    try:
        return _moment(text.strip(), now=now, has_session=has_session)
    except (ValueError, OverflowError):
        offset = f", or {EXPECTED_OFFSET}" if has_session else ""
        message = f"{option}: expected {EXPECTED}{offset}, got {text[:40]!r}"
        raise SettingsError(message) from None


def offset_text(offset: timedelta) -> str:
    """The place in a recording as its player shows it: ``+01:35.204``, ``+1:01:35.204``."""
    milliseconds = offset // timedelta(milliseconds=1)
    sign = "+" if milliseconds >= 0 else "-"
    seconds, rest = divmod(abs(milliseconds), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02d}" if hours else f"{minutes:02d}"
    return f"{sign}{clock}:{seconds:02d}.{rest:03d}"


def clock_text(moment: datetime) -> str:
    """The time of day in UTC with milliseconds, ``02:27:39.324``."""
    return moment.astimezone(timezone.utc).strftime("%H:%M:%S.%f")[:-3]


def seconds_text(moment: datetime) -> str:
    """Date and time of day in UTC, ``2024-01-24 02:27:39``."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}"


def _moment(text: str, *, now: datetime, has_session: bool) -> datetime | timedelta:
    if text.startswith("+") and has_session:
        clock = _CLOCK.fullmatch(text[1:])
        offset = (
            duration(text[1:])
            if clock is None
            else timedelta(**{unit: float(count) for unit, count in clock.groupdict("0").items()})
        )
        if offset > _LONGEST_OFFSET:
            raise ValueError
        return offset
    with suppress(ValueError):
        return now - duration(text)
    # Python 3.10 knows no "Z", and only fractions of three or six digits.
    text = _FRACTION.sub(lambda match: f".{match[1][:6]:0<6}", text)
    if text[-1:] in {"Z", "z"}:
        text = text[:-1] + "+00:00"
    # A moment without a zone counts as local time.
    return datetime.fromisoformat(text).astimezone(timezone.utc)
