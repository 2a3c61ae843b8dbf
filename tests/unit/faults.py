"""A store that fails as it is told to, and a clock that is moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from openreplay_otel.stores.base import (
    Bin,
    Document,
    Hit,
    LogQuery,
    SessionFigures,
    SessionOverview,
    SessionQuery,
    WriteResult,
)
from openreplay_otel.stores.bulk_lines import documents_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def documents(count: int, size: int = 10) -> list[Document]:
    """So many documents of so many bytes."""
    return [Document("index", f"id{n}", b"x" * size) for n in range(count)]


class FaultyStore:
    """Keeps what it accepts, by id; each outcome of the list is for one request, after them all is well.

    An outcome is an exception to raise, or a function from the request to a result.
    """

    name = "the faulty store"

    def __init__(self, *outcomes: Exception | Callable[[Sequence[Document]], WriteResult]) -> None:
        self.outcomes: list[Any] = list(outcomes)
        self.requests: list[list[Document]] = []
        self.timeouts: list[float | None] = []
        self.kept: dict[str, Document] = {}
        self.prepared = 0
        self.closed = 0
        self.preparations: list[Exception | Sequence[str]] = []
        self.hits: list[Hit] = []

    def load(self) -> None:
        """Nothing to import."""

    def prepare(self) -> Sequence[str]:
        """Do the next of the preparations."""
        self.prepared += 1
        outcome = self.preparations.pop(0) if self.preparations else ()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def write(self, documents: Sequence[Document], *, timeout: float | None = None) -> WriteResult:
        """Do the next of the outcomes."""
        self.requests.append(list(documents))
        self.timeouts.append(timeout)
        outcome = self.outcomes.pop(0) if self.outcomes else self.accept
        if isinstance(outcome, Exception):
            raise outcome
        return outcome(documents)

    def write_lines(self, lines: bytes, *, timeout: float | None = None) -> WriteResult:
        """The same for lines."""
        return self.write(documents_of(lines), timeout=timeout)

    def accept(self, documents: Sequence[Document]) -> WriteResult:
        """Keep them; what was there already is known."""
        known = sum(document.id in self.kept for document in documents)
        self.kept |= {document.id: document for document in documents}
        return WriteResult(accepted=len(documents) - known, known=known)

    def search(self, query: LogQuery) -> Iterator[list[Hit]]:
        """The hits, whatever is asked for."""
        yield self.hits[: query.limit]

    def sessions(self, query: SessionQuery) -> Iterator[list[SessionFigures]]:
        """None."""
        yield from ()

    def overview(self, session_id: str) -> SessionOverview | None:
        """None."""
        return None

    def histogram(self, query: LogQuery, *, bins: int) -> Sequence[Bin]:
        """Nothing."""
        return ()

    def services(self) -> Sequence[str]:
        """None."""
        return ()

    def make_visible(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Count it."""
        self.closed += 1

    def messages(self) -> list[Any]:
        """The messages of what was kept."""
        return [orjson.loads(document.source)["message"] for document in self.kept.values()]


class Clock:
    """Monotonic seconds that pass only by waiting.

    Args:
        stop_after: The wait with this number, counted from 1, is interrupted.
    """

    def __init__(self, stop_after: int | None = None) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self._stop_after = stop_after

    def __call__(self) -> float:
        """The seconds."""
        return self.now

    def wait(self, seconds: float) -> bool:
        """Let the time pass; True where interrupted."""
        self.waits.append(seconds)
        self.now += seconds
        return len(self.waits) == self._stop_after
