"""A spool and its dead letters as lines of text, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, cast

from rich.cells import cell_len
from rich.text import Text

from ...spool.listing import ProcessListing, SpoolListing
from ...stores.timestamps import to_text
from ...text.harmless import one_line
from ...text.times import seconds_text
from .entries import counted
from .sizes import size_text
from .wrapping import fitted

_GAP: Final = "  "
_HEADS: Final = (
    "pid", "program", "state", "since (UTC)", "queued", "size", "oldest", "dead letters", "dropped",
)  # fmt: skip
_LEFT: Final = frozenset({1, 2, 3, 8})
_BAD: Final = frozenset({7, 8})
_NOTHING: Final = "-"
_LONGEST_TEXT: Final = 300
_AGES: Final = ((86400, "d"), (3600, "h"), (60, "m"))


def spool_table(listing: SpoolListing, now: datetime) -> Iterator[Text]:
    """The lines of a spool: each process, and the sums where there are several.

    Args:
        listing: The spool.
        now: The present (aware).
    """
    rows = [_cells(one, now) for one in listing.processes]
    if len(rows) > 1:
        rows.append(("total", "", "", "", *_figures(listing.total, now)))
    widths = [max(map(cell_len, column)) for column in zip(_HEADS, *rows, strict=True)]
    yield Text(_GAP.join(_padded(_HEADS, widths)).rstrip(), style="bold")
    for row in rows:
        line = Text(style="bold" if row[0] == "total" else "")
        for number, cell in enumerate(_padded(row, widths)):
            is_bad = number in _BAD and cell.strip() not in {_NOTHING, "0"}
            line.append(cell, style="bold red" if is_bad else "").append(_GAP)
        line.rstrip()
        yield line


def hints(listing: SpoolListing) -> Iterator[str]:
    """What a person may do about what is there."""
    total = listing.total
    if listing.waiting_for_nobody:
        yield (
            f"{counted(listing.waiting_for_nobody, 'record')} of ended processes: the next process that"
            " logs to this store delivers them, or openreplay-otel spool --deliver does"
        )
    if total.dead_letters:
        yield (
            f"{counted(total.dead_letters, 'dead letter')}, refused by the store: --dead shows why,"
            " --retry sends them again, --clear removes them"
        )
    if total.dropped:
        yield f"{counted(sum(total.dropped.values()), 'record')} dropped: lost, for the reasons shown"


def letter_lines(letter: dict[str, Any], width: int | None) -> Iterator[Text]:
    """A dead letter: a line that tells which one, its reason, its text.

    Args:
        letter: As it is kept.
        width: Columns of the terminal; None for a pipe.
    """
    head = Text()
    head.append(str(letter.get("status") or _NOTHING), style="bold red")
    for name in ("refused_at", "index", "id"):
        head.append(_GAP + one_line(str(letter.get(name) or _NOTHING)), style="cyan")
    yield head
    source = letter.get("source")
    has_source = isinstance(source, dict)
    message = cast("dict[str, Any]", source).get("message") if has_source else letter.get("text")
    texts = [Text(_short(f"reason: {letter.get('reason')}"))]
    if message is not None:
        texts.append(Text(_short(f"message: {message}"), style="dim"))
    yield from fitted(texts, width, "    ")


def process_document(one: ProcessListing) -> dict[str, Any]:
    """A process as JSON."""
    return {
        "pid": one.pid,
        "program": one.program,
        "state": one.state,
        "since": to_text(one.began_at),
        **figures_document(one),
    }


def figures_document(one: ProcessListing) -> dict[str, Any]:
    """Its figures as JSON."""
    return {
        "queued": one.queued,
        "queued_bytes": one.queued_bytes,
        "oldest": None if one.oldest is None else to_text(one.oldest),
        "dead_letters": one.dead_letters,
        **{
            name: one.counts.get(name, 0)
            for name in ("accepted", "delivered", "retried", "refused")
        },
        "dropped": one.dropped,
    }


def age_text(seconds: float) -> str:
    """How long ago, ``3s``, ``5m``, ``2h``, ``3d``."""
    for size, unit in _AGES:
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"


def _cells(one: ProcessListing, now: datetime) -> tuple[str, ...]:
    return (
        str(one.pid),
        one_line(one.program or _NOTHING),
        one.state,
        seconds_text(one.began_at),
        *_figures(one, now),
    )


def _figures(one: ProcessListing, now: datetime) -> tuple[str, ...]:
    return (
        f"{one.queued:,}",
        size_text(one.queued_bytes),
        _NOTHING if one.oldest is None else age_text((now - one.oldest).total_seconds()),
        f"{one.dead_letters:,}",
        ", ".join(f"{n:,} {one_line(reason)}" for reason, n in sorted(one.dropped.items()) if n)
        or _NOTHING,
    )


def _padded(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for number, (cell, size) in enumerate(zip(cells, widths, strict=True)):
        blanks = " " * (size - cell_len(cell))
        yield cell + blanks if number in _LEFT else blanks + cell


def _short(text: str) -> str:
    text = one_line(text, _LONGEST_TEXT + 1)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}… (all of it: --json)"
