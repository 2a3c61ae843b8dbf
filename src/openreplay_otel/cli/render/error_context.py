"""The records of the same trace around errors, for ``--context``. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from ...lookup.entries import LogEntry


class _Held:
    """A record of which it is not known yet whether an error follows soon enough."""

    __slots__ = ("entry", "is_decided", "is_wanted")

    def __init__(self, entry: LogEntry) -> None:
        self.entry = entry
        self.is_decided = False
        self.is_wanted = False


class _Trace:
    """What is held of one trace: the latest records before an error, and how many behind one are wanted."""

    def __init__(self, around: int) -> None:
        self.before: deque[_Held] = deque()
        self.behind = 0
        self.around = around

    def add(self, held: _Held, *, is_error: bool) -> None:
        if is_error:
            for one in self.before:
                one.is_decided = one.is_wanted = True
            self.before.clear()
            held.is_decided = held.is_wanted = True
            self.behind = self.around
            return
        if self.behind:
            self.behind -= 1
            held.is_decided = held.is_wanted = True
            return
        self.before.append(held)
        if len(self.before) > self.around:
            self.before.popleft().is_decided = True


def with_context(
    entries: Iterable[LogEntry],
    errors: AbstractSet[str],
    traces: AbstractSet[str | None],
    around: int,
) -> Iterator[LogEntry]:
    """Errors, and the records of their traces around them, in the order of the entries.

    Args:
        entries: All records of a session, in time order.
        errors: Ids of the documents that count as errors.
        traces: Their traces; None for errors of no trace, around which stand other records of none.
        around: How many records before and behind each error.

    Yields:
        Records; only those of the traces are held meanwhile.
    """
    queue: deque[_Held] = deque()
    by_trace: dict[str | None, _Trace] = {}
    for entry in entries:
        if entry.trace_id not in traces:
            continue
        held = _Held(entry)
        queue.append(held)
        trace = by_trace.setdefault(entry.trace_id, _Trace(around))
        trace.add(held, is_error=entry.document_id in errors)
        while queue and queue[0].is_decided:
            first = queue.popleft()
            if first.is_wanted:
                yield first.entry
    for held in queue:
        if held.is_wanted:
            yield held.entry
