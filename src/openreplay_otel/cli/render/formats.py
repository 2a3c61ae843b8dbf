"""The forms in which lookups are shown: ``--format table|json|csv``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from ...errors import SettingsError
from ...lookup.entries import LogEntry
from ...stores.timestamps import to_text
from ..output import Output

TABLE, JSON, CSV = "table", "json", "csv"
_FORMATS: Final = (TABLE, JSON, CSV)
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORM",
        help="table (the default), json (one object a line, as --json), or csv.",
        show_default=False,
    ),
]
ENTRY_COLUMNS: Final = (
    "session_id", "timestamp", "offset_ms", "level", "service", "logger", "message", "error_type",
    "error_message", "stack_trace", "trace_id", "span_id", "replay_url", "document_id",
)  # fmt: skip
"""Columns of records in CSV."""
SESSION_COLUMNS: Final = (
    "session_id", "started_at", "first", "last", "records", "errors", "services", "replay_url",
)  # fmt: skip
"""Columns of sessions in CSV."""


def format_of(text: str | None, *, as_json: bool) -> str:
    """One of table, json and csv.

    Raises:
        SettingsError: It is none of them, or --json says another one.
    """
    word = (JSON if as_json else TABLE) if text is None else text.strip().lower()
    if word not in _FORMATS:
        raise SettingsError(f"format: expected table, json or csv, got {word[:20]!r}")
    if as_json and word != JSON:
        raise SettingsError(f"format: --json and --format {word} do not go together")
    return word


class CsvRows:
    """Writes rows to stdout, before the first one the names of the columns.

    Args:
        output: Where to.
        columns: Their names.
    """

    def __init__(self, output: Output, columns: Sequence[str]) -> None:
        self._output = output
        self._columns = columns
        self._has_head = False

    def head(self) -> None:
        """Write the names of the columns, once."""
        if not self._has_head:
            self._has_head = True
            self._output.csv(self._columns)

    def row(self, values: Iterable[Any]) -> None:
        """Write a row; None is an empty cell."""
        self.head()
        self._output.csv(values)


class CsvView:
    """Shows entries as CSV.

    Args:
        output: Where to.
        rows: The rows, shared by the sessions of a call.
    """

    def __init__(self, output: Output, rows: CsvRows) -> None:
        self._output = output
        self._rows = rows

    def __call__(self, entries: Iterable[LogEntry]) -> int:
        """Show entries as they come, and tell how many."""
        shown = 0
        self._rows.head()
        for entry in entries:
            self._rows.row(_cells(entry))
            shown += 1
        self._output.flush()
        return shown

    def end(self) -> None:
        """Nothing comes behind the rows."""


def _cells(entry: LogEntry) -> Iterable[Any]:
    error = entry.exception
    return (
        entry.session_id, to_text(entry.timestamp), entry.offset // timedelta(milliseconds=1),
        entry.level, entry.service, entry.logger, entry.message,
        None if error is None else error.type, None if error is None else error.message,
        None if error is None else error.stack_trace,
        entry.trace_id, entry.span_id, entry.replay_url, entry.document_id,
    )  # fmt: skip
