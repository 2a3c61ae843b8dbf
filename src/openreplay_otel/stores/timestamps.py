"""Times as they stand in documents: RFC 3339 in UTC with six digits, which sort as text. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_OWN_LENGTH: Final = len("2024-01-24T02:27:39.324000Z")


def to_text(moment: datetime) -> str:
    """An aware moment as documents hold it, ``2024-01-24T02:27:39.324000Z``."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)


def unix_ms(moment: datetime) -> int:
    """Unix milliseconds of an aware moment, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def from_text(text: str) -> datetime:
    """Read a document's time: RFC 3339 with ``Z`` or an offset and any number of digits.

    Returns:
        An aware moment in UTC.

    Raises:
        ValueError: It is no such time.
    """
    if len(text) == _OWN_LENGTH and text[-1] == "Z":
        # As this package writes them; most of what is read.
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc)
    head, dot, rest = text.partition(".")
    if dot:
        digits = len(rest) - len(rest.lstrip("0123456789"))
        fraction, zone = rest[:digits], rest[digits:]
        text = f"{head}.{fraction[:6]:0<6}{zone}"
    # Python 3.10 knows no "Z".
    moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)
