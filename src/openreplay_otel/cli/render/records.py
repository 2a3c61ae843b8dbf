"""How the records of a session are shown: as lines for a person, or as documents for a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from ...lookup.entries import LogEntry
from ...session import Session
from ...settings import Settings
from ..output import Output
from . import entries as render

_CHUNK: Final = 500


class DocumentView:
    """Shows entries as JSON, one stored document a line.

    Args:
        output: Where to.
    """

    def __init__(self, output: Output) -> None:
        self._output = output

    def __call__(self, entries: Iterable[LogEntry]) -> int:
        """Show entries as they come, and tell how many."""
        shown = 0
        for entry in entries:
            self._output.json({"_id": entry.document_id, **entry.document})
            shown += 1
        self._output.flush()
        return shown

    def end(self) -> None:
        """Nothing comes behind the documents."""


class LineView:
    """Shows entries as lines: before the first one the session, behind the last one their number.

    Args:
        output: Where to.
        session: Whose entries they are.
        settings: For the link to the recording.
        traces: Whether stack traces are shown in full.
    """

    def __init__(
        self, output: Output, session: Session, settings: Settings, *, traces: bool
    ) -> None:
        self._output = output
        self._session = session
        self._settings = settings
        self._traces = traces
        self._timeline: render.Timeline | None = None

    def __call__(self, entries: Iterable[LogEntry]) -> int:
        """Show entries as they come, and tell how many."""
        shown = 0
        for chunk in _chunks(entries):
            if self._timeline is None:
                self._timeline = self._begin(chunk)
            self._output.lines(self._timeline.lines(chunk))
            shown += len(chunk)
        self._output.flush()
        return shown

    def end(self) -> None:
        """On a terminal, say how many there were."""
        if self._output.width is not None and self._timeline is not None:
            self._output.lines([self._timeline.end()])

    def _begin(self, entries: list[LogEntry]) -> render.Timeline:
        layout = render.Layout.fitting(entries, self._output.width)
        timeline = render.Timeline(self._session, layout, traces=self._traces)
        self._output.lines(
            render.session_head(
                self._session,
                render.recording_link(self._session, self._settings, entries[0]),
                is_terminal=self._output.width is not None,
            )
        )
        if self._output.width is not None:
            self._output.lines([timeline.head()])
        return timeline


def _chunks(entries: Iterable[LogEntry]) -> Iterator[list[LogEntry]]:
    iterator = iter(entries)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
