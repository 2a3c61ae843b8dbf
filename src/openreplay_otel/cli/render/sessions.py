"""A list of sessions as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from ...lookup.entries import SessionSummary
from ...text.harmless import one_line
from ...text.times import seconds_text
from .entries import NO_LINKS, counted

_GAP: Final = "  "
_HEADS: Final = ("started (UTC)", "session", "records", "errors", "first", "last", "services")
_FIRST: Final = 4
_WIDE: Final = 110
"""From so many columns on there is room for the first record's time."""
_NUMBERS: Final = frozenset({2, 3})
_ERRORS: Final = 3
_STYLES: Final = ("", "bold cyan", "", "", "", "", "blue")


def session_table(summaries: Sequence[SessionSummary], width: int | None) -> Iterator[Text]:
    """The lines of a list of sessions.

    Args:
        summaries: The sessions.
        width: Columns of the terminal, where a link stands below its session; None for a pipe, where
            each session is one line.
    """
    if width is None:
        yield from _piped(summaries)
        return
    is_wide = width >= _WIDE
    heads, styles = _fitting(_HEADS, is_wide=is_wide), _fitting(_STYLES, is_wide=is_wide)
    rows = [_fitting(_cells(summary), is_wide=is_wide) for summary in summaries]
    widths = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    yield Text(_GAP.join(_padded(heads, widths)).rstrip(), style="bold")
    for summary, row in zip(summaries, rows, strict=True):
        line = Text()
        for number, cell in enumerate(_padded(row, widths)):
            style = "bold red" if number == _ERRORS and summary.errors else styles[number]
            line.append(cell, style=style).append(_GAP)
        line.rstrip()
        line.truncate(max(width, sum(widths[:-1]) + len(_GAP) * len(heads)), overflow="ellipsis")
        yield line
        if summary.replay_url is not None:
            yield Text(f"    {one_line(summary.replay_url)}", style="dim")
    if all(summary.replay_url is None for summary in summaries):
        yield Text(NO_LINKS, style="dim")


def _piped(summaries: Sequence[SessionSummary]) -> Iterator[Text]:
    for summary in summaries:
        cells = [
            f"{summary.started_at:%Y-%m-%dT%H:%M:%SZ}",
            summary.session_id,
            counted(summary.records, "record"),
            counted(summary.errors, "error"),
            f"first {summary.first:%Y-%m-%dT%H:%M:%SZ}",
            f"last {summary.last:%Y-%m-%dT%H:%M:%SZ}",
            _services(summary),
        ]
        if summary.replay_url is not None:
            cells.append(one_line(summary.replay_url))
        yield Text(_GAP.join(cells))


def _cells(summary: SessionSummary) -> tuple[str, ...]:
    first, last = (_moment(summary, moment) for moment in (summary.first, summary.last))
    return (
        seconds_text(summary.started_at),
        summary.session_id,
        f"{summary.records:,}",
        f"{summary.errors:,}",
        first,
        last,
        _services(summary),
    )


def _moment(summary: SessionSummary, moment: datetime) -> str:
    """A moment, with its date where that is another one than the session's."""
    text = seconds_text(moment)
    return text.partition(" ")[2] if moment.date() == summary.started_at.date() else text


def _fitting(cells: Sequence[str], *, is_wide: bool) -> tuple[str, ...]:
    return tuple(cells) if is_wide else (*cells[:_FIRST], *cells[_FIRST + 1 :])


def _services(summary: SessionSummary) -> str:
    return ", ".join(map(one_line, summary.services)) or "-"


def _padded(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for number, (cell, size) in enumerate(zip(cells, widths, strict=True)):
        blanks = " " * (size - cell_len(cell))
        yield blanks + cell if number in _NUMBERS else cell + blanks
