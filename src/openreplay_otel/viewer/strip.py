"""The strip above a session's records: how many there were, and where the errors lie. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ..text.times import offset_text
from .filters import offset_parameter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..session import Session
    from ..stores.base import Bin, SessionOverview
    from .filters import RecordsFilter

BINS: Final = 120
HEIGHT: Final = 44
WIDTH: Final = 1200
_GAP: Final = 2
_LEAST: Final = 3
"""So high is a bar at least: a single error among thousands of records has to be seen."""
_LONGEST_LEAD: Final = timedelta(hours=24)
_MARKS: Final = 5


@dataclass(frozen=True)
class Bar:
    """A part of the session's time: a bar of records, a bar of errors in front of it, a link."""

    x: float
    width: float
    height: float
    error_height: float
    title: str
    address: str


@dataclass(frozen=True)
class Strip:
    """What is drawn.

    Attributes:
        bars: Where something was logged.
        marks: Offsets along the time, from its begin to its end.
        shown_x: Where the records of the page begin.
        shown_width: How much of the time they take.
        label: The strip in words.
    """

    bars: tuple[Bar, ...]
    marks: tuple[str, ...]
    shown_x: float
    shown_width: float
    label: str


def span_of(session: Session, overview: SessionOverview) -> tuple[datetime, datetime]:
    """From the session's begin, if that can be right, to its last record."""
    began = session.started_at
    if not began <= overview.first <= began + _LONGEST_LEAD:
        began = overview.first
    return began, max(overview.last, began + timedelta(milliseconds=BINS)) + timedelta(
        milliseconds=1
    )


def strip_of(
    span: tuple[datetime, datetime],
    bins: Sequence[Bin],
    wanted: RecordsFilter,
    shown: tuple[datetime, datetime] | None,
) -> Strip:
    """The strip of a session.

    Args:
        span: Its time, as from :func:`span_of`.
        bins: What was logged in each part of that time.
        wanted: What the page shows; the links keep its filters.
        shown: Times of the first and the last record on the page.
    """
    began, ended = span
    step = (ended - began) / BINS
    origin = began - wanted.session.started_at
    most = max((one.records for one in bins), default=1)
    width = WIDTH / BINS
    bars: list[Bar] = []
    for one in bins:
        offset = origin + one.number * step
        errors = f", {one.errors:,} with an error" if one.errors else ""
        bars.append(
            Bar(
                x=one.number * width,
                width=width - _GAP,
                height=_height(one.records, most),
                error_height=_height(one.errors, most),
                title=f"{offset_text(offset)[:-4]} to {offset_text(offset + step)[:-4]}:"
                f" {one.records:,} records{errors}",
                address=wanted.address(at=offset_parameter(offset)) + "#records",
            )
        )
    x, shown_width = 0.0, float(WIDTH)
    if shown is not None:
        whole = (ended - began).total_seconds()
        x = (shown[0] - began).total_seconds() / whole * WIDTH
        shown_width = max(width, (shown[1] - shown[0]).total_seconds() / whole * WIDTH)
    with_errors = sum(1 for one in bins if one.errors)
    label = f"Records over the session's time; errors in {with_errors} of {BINS} parts of it"
    marks = tuple(
        offset_text(origin + (ended - began) * n / (_MARKS - 1))[:-4] for n in range(_MARKS)
    )
    return Strip(tuple(bars), marks, round(max(0.0, x), 1), round(shown_width, 1), label)


def _height(count: int, most: int) -> float:
    if not count:
        return 0.0
    # By the square root, so that a few records beside many can still be told apart.
    return round(max(_LEAST, (count / most) ** 0.5 * HEIGHT), 1)
