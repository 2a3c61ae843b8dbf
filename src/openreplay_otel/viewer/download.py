"""A session's records as JSON lines or CSV, page by page as the store gives them. Pure."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from ..stores.timestamps import to_text
from ..text.harmless import json_text
from ..text.spreadsheet import text_cell
from ..text.times import offset_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..lookup.entries import LogEntry

_COLUMNS: Final = (
    "timestamp", "offset", "level", "service", "logger", "message", "error_type", "error_message",
    "stack_trace", "trace_id", "span_id", "id",
)  # fmt: skip
_CHUNK: Final = 65_536


def json_lines(entries: Iterable[LogEntry]) -> Iterator[str]:
    """The documents as they are stored, each with its ``_id``, one a line."""
    chunk: list[str] = []
    size = 0
    for entry in entries:
        line = json_text({"_id": entry.document_id, **entry.document}) + "\n"
        chunk.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield "".join(chunk)
            chunk, size = [], 0
    yield "".join(chunk)


def csv_lines(entries: Iterable[LogEntry]) -> Iterator[str]:
    """A table for a spreadsheet, in which no cell is taken for a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for entry in entries:
        writer.writerow(map(_cell, _values(entry)))
        if buffer.tell() >= _CHUNK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _values(entry: LogEntry) -> tuple[str | None, ...]:
    error = entry.exception
    return (
        to_text(entry.timestamp),
        # As a text: a spreadsheet would take the sign for the begin of a formula.
        offset_text(entry.offset).lstrip("+"),
        entry.level,
        entry.service,
        entry.logger,
        entry.message,
        None if error is None else error.type,
        None if error is None else error.message,
        None if error is None else error.stack_trace,
        entry.trace_id,
        entry.span_id,
        entry.document_id,
    )


def _cell(value: str | None) -> str:
    return text_cell(value or "")
