"""Goes on showing what arrives of one or several sessions, until Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from rich.text import Text

from ..errors import StoreError, StoreUnavailableError
from ..lookup.entries import LogEntry
from ..lookup.session_logs import SessionLogs
from ..session import Session
from .follow import Follower
from .output import PROGRAM, Output, note

_POLL_SECONDS: Final = 1.0

View = Callable[[Iterable[LogEntry]], int]


class _Followed:
    """One session, what is new of it, and how it is shown."""

    def __init__(
        self, lookup: SessionLogs, session: Session, show: View, filters: dict[str, Any]
    ) -> None:
        earliest = _moment(session, filters["since"])

        def read(since: datetime | None) -> Iterable[LogEntry]:
            later = max((m for m in (since, earliest) if m is not None), default=None)
            wanted: dict[str, Any] = {**filters, "since": later}
            return lookup.logs(session, **wanted)

        self.session = session
        self.follower = Follower(read)
        self.show = show


def follow(
    lookup: SessionLogs,
    sessions: list[tuple[Session, View]],
    filters: dict[str, Any],
    heads: Output | None,
) -> None:
    """Show what arrives until Ctrl-C; a store that is restarted meanwhile is waited for.

    Args:
        lookup: Where to look.
        sessions: Each with what shows its records.
        filters: Arguments of the lookup.
        heads: Where to say whose records follow, where there are several sessions; None for programs.

    Raises:
        StoreError: The very first look fails for another reason than a store out of reach.
    """
    following = _Following([_Followed(lookup, *pair, filters) for pair in sessions], heads)
    is_out_of_reach = False
    pause = threading.Event()
    try:
        while True:
            try:
                following.look()
            except StoreError as error:
                # A server that starts again refuses in many ways before it answers as ever.
                if not following.has_read and not isinstance(error, StoreUnavailableError):
                    raise
                if not is_out_of_reach:
                    note(f"{PROGRAM}: {error}; trying again until Ctrl-C")
                is_out_of_reach = True
            else:
                if is_out_of_reach:
                    note(f"{PROGRAM}: {lookup.store.name} answers again")
                is_out_of_reach = False
            pause.wait(_POLL_SECONDS)
    except KeyboardInterrupt:
        # The way to end it, hence no failure.
        return


class _Following:
    """Several sessions, looked at in turns.

    Attributes:
        has_read: Whether a look has succeeded.
    """

    def __init__(self, followed: list[_Followed], heads: Output | None) -> None:
        self.has_read = False
        self._followed = followed
        self._heads = heads
        self._last: _Followed | None = None
        self._has_waited = False

    def look(self) -> None:
        """Show what is new."""
        shown = 0
        for one in self._followed:
            found = one.follower.poll()
            self.has_read = True
            if not found:
                continue
            if self._heads is not None and self._last not in {None, one}:
                self._heads.lines([Text(f"Session {one.session.id}", style="bold")])
            self._last = one
            shown += one.show(found)
        if not shown and not self._has_waited:
            note(f"{PROGRAM}: waiting for records of {_named(self._followed)}, until Ctrl-C")
        self._has_waited = True


def _named(followed: list[_Followed]) -> str:
    ids = [one.session.id for one in followed]
    return f"session {ids[0]}" if len(ids) == 1 else f"{len(ids)} sessions"


def _moment(session: Session, value: datetime | timedelta | None) -> datetime | None:
    """A filter's moment: an offset counts from the session's start."""
    return session.started_at + value if isinstance(value, timedelta) else value
