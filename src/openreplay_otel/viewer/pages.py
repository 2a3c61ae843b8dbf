"""The pages: the list of sessions, a session, a record, the downloads. Each runs in a thread of its own."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timezone
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from ..errors import StoreError
from ..session import Session
from ..text.harmless import one_line
from .download import csv_lines, json_lines
from .filters import LEVEL_CHOICES, TIMES, RecordsFilter, SessionsFilter
from .record_fields import fields_of
from .rows import (
    Moment,
    duration_text,
    record_row,
    recording_link,
    service_choices,
    session_row,
    shown_services,
)
from .strip import BINS, HEIGHT, WIDTH, span_of, strip_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from starlette.requests import Request
    from starlette.responses import Response

    from ..lookup.entries import LogEntry, SessionSummary
    from ..lookup.session_logs import SessionLogs
    from ..stores.base import SessionOverview
    from .rows import RecordRow

SESSIONS: Final = 50
"""Sessions of a page."""
RECORDS: Final = 200
"""Records of a page."""
_LONGEST_LEVEL: Final = 40
_MOST_LEVELS: Final = 20
_READ_AT_ONCE: Final = 4
"""Pages of records that are in memory at a time: each may hold a hundred megabytes where records are large."""
_ROWS_KEPT: Final = 2_000
_SERVICES_SECONDS: Final = 30.0
_OLDEST: Final = datetime(2020, 1, 1, tzinfo=timezone.utc)


class Show(Protocol):
    """How the pages make text and answers of templates."""

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """An answer."""
        ...

    def part(self, template: str, /, **values: Any) -> Markup:
        """A part of a page."""
        ...


class Pages:
    """Answers requests.

    Args:
        lookup: What is shown.
        show: Makes answers of templates.
    """

    def __init__(self, lookup: SessionLogs, show: Show) -> None:
        self._lookup = lookup
        self._settings = lookup.settings
        self._show = show.page
        self._part = show.part
        # What a session's row says hangs on its figures alone, and most of a list is as it was a moment ago.
        self._session_row = lru_cache(_ROWS_KEPT)(self._make_session_row)
        self._services = _Kept(lookup.services)
        self._turns = threading.BoundedSemaphore(_READ_AT_ONCE)

    def sessions(self, request: Request) -> Response:
        """The sessions, those with errors first to be seen."""
        wanted = SessionsFilter.read(request.query_params)
        since, until = wanted.moments(datetime.now(timezone.utc))
        found = list(
            self._lookup.sessions(
                errors_only=wanted.errors_only,
                since=since,
                until=until,
                service=wanted.service or None,
                level=wanted.level or None,
                text=wanted.text or None,
                before_id=wanted.before_id or None,
                limit=SESSIONS + 1,
            )
        )
        values: dict[str, Any] = {
            "wanted": wanted,
            "times": TIMES,
            "levels": LEVEL_CHOICES,
            "service_choices": service_choices(self._services.value(), wanted.service),
        }
        if not found:
            return self._show("empty_list.html", **values, is_empty=self._is_empty(wanted))
        has_more = len(found) > SESSIONS
        shown = found[:SESSIONS]
        return self._show(
            "sessions.html",
            **values,
            rows=[self._session_row(one) for one in shown],
            older=wanted.address(before=shown[-1].session_id) if has_more else None,
            newest=wanted.address() if wanted.before_id else None,
        )

    def _make_session_row(self, summary: SessionSummary) -> Markup:
        row = session_row(summary, Session(summary.session_id), self._settings)
        return self._part("session_row.html", row=row)

    def session(self, request: Request) -> Response:
        """What the backend did in a session."""
        session = _session(request)
        wanted = RecordsFilter.read(session, request.query_params)
        overview = self._lookup.overview(session)
        if overview is None:
            return self._unknown(session)
        span = span_of(session, overview)
        bins = self._lookup.histogram(session, since=span[0], until=span[1], bins=BINS)
        with self._turns:
            rows, has_earlier, has_later = self._records(session, wanted)
        shown = (rows[0].moment.at, rows[-1].moment.at) if rows else None
        services = sorted({share.service for share in overview.shares if share.service})
        values = {
            "session": session,
            "wanted": wanted,
            "began": Moment.of(session.started_at),
            "duration": duration_text(overview.last - overview.first),
            "overview": overview,
            "levels": _by_level(overview),
            "level_choices": LEVEL_CHOICES,
            "services": shown_services(services),
            "service_choices": service_choices(services, wanted.service),
            "recording": recording_link(session, self._settings, None),
            "strip": strip_of(span, bins, wanted, shown),
            "strip_size": (WIDTH, HEIGHT),
            "rows": rows,
            "lead": f"{self._settings.replay_lead:g}",
            "earlier": wanted.address(before=rows[0].place) if has_earlier else None,
            "later": wanted.address(after=rows[-1].place) if has_later else None,
        }
        return self._show("session.html", **values)

    def record(self, request: Request) -> Response:
        """One record, whole."""
        session = _session(request)
        document_id = request.query_params.get("id", "")
        found = list(self._lookup.logs(session, document_id=document_id, limit=1))
        if not found:
            raise HTTPException(404)
        (entry,) = found
        return self._show(
            "record.html",
            session=session,
            row=record_row(entry, session, self._settings, longest=None),
            fields=fields_of(entry),
            lead=f"{self._settings.replay_lead:g}",
            in_session=RecordsFilter(session).address(
                at=f"+{max(0.0, entry.offset.total_seconds()):.3f}s"
            )
            + "#records",
        )

    def download(self, request: Request) -> Response:
        """All records that fit, as JSON lines or CSV."""
        session = _session(request)
        kind = request.path_params["kind"]
        if kind not in {"jsonl", "csv"}:
            raise HTTPException(404)
        wanted = RecordsFilter.read(session, request.query_params)
        entries = self._lookup.logs(session, **_filters(wanted))
        # The first one is read now: what is wrong with the store has to be told before the answer begins.
        first = list(islice(entries, 1))
        lines = (json_lines if kind == "jsonl" else csv_lines)(_chained(first, entries))
        media_type = "application/jsonl" if kind == "jsonl" else "text/csv"
        name = f"session-{session.id}.{kind}"
        return StreamingResponse(
            lines,
            media_type=f"{media_type}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _records(
        self, session: Session, wanted: RecordsFilter
    ) -> tuple[list[RecordRow], bool, bool]:
        """A page of records, and whether there are earlier and later ones."""
        filters = _filters(wanted)
        is_end = wanted.live or wanted.last or wanted.before is not None
        entries = (
            self._lookup.logs(
                session, **filters, before=wanted.before, limit=RECORDS + 1, from_end=True
            )
            if is_end
            else self._lookup.logs(
                session, **filters, after=wanted.after, since=wanted.at, limit=RECORDS + 1
            )
        )
        # One by one: a row holds what is shown of a record, which may be a hundredth of it.
        found = [record_row(entry, session, self._settings) for entry in entries]
        if is_end:
            return found[-RECORDS:], len(found) > RECORDS, wanted.before is not None
        has_earlier = bool(wanted.after or wanted.at)
        return found[:RECORDS], has_earlier and bool(found), len(found) > RECORDS

    def _unknown(self, session: Session) -> Response:
        is_odd = not _OLDEST < session.started_at < datetime.now(timezone.utc)
        return self._show(
            "unknown.html",
            404,
            session=session,
            began=Moment.of(session.started_at),
            is_odd=is_odd,
        )

    def _is_empty(self, wanted: SessionsFilter) -> bool:
        """Whether the store has no session at all."""
        if wanted.is_narrow or wanted.before_id or wanted.errors_only:
            return not any(True for _ in self._lookup.sessions(limit=1))
        return True


class _Kept:
    """A value that is asked for again after a while only: choices of a filter, not what is looked for."""

    def __init__(self, ask: Any) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._value: Sequence[str] = ()
        self._until = 0.0

    def value(self) -> Sequence[str]:
        now = time.monotonic()
        with self._lock:
            if now < self._until:
                return self._value
            self._until = now + _SERVICES_SECONDS
        try:
            self._value = self._ask()
        except StoreError:
            # The list itself tells what is wrong with the store.
            self._until = 0.0
        return self._value


def _session(request: Request) -> Session:
    return Session.parse(request.path_params["session_id"])


def _filters(wanted: RecordsFilter) -> dict[str, Any]:
    return {
        "errors_only": wanted.errors_only,
        "level": wanted.level or None,
        "service": wanted.service or None,
        "text": wanted.text or None,
        "trace_id": wanted.trace_id or None,
    }


def _by_level(overview: SessionOverview) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for share in overview.shares:
        counts[share.level] = counts.get(share.level, 0) + share.records
    order = {"error": 0, "warning": 1, "info": 2, "debug": 3}
    known = sorted(counts.items(), key=lambda item: (order.get(item[0], 9), item[0]))
    return [(one_line(level, _LONGEST_LEVEL), count) for level, count in known[:_MOST_LEVELS]]


def _chained(first: list[LogEntry], rest: Any) -> Any:
    yield from first
    yield from rest
