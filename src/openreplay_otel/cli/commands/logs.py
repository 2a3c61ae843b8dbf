"""``openreplay-otel logs``: the records of sessions in time order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from string import hexdigits
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from ...errors import SettingsError
from ...lookup.entries import LogEntry
from ...lookup.session_logs import SessionLogs
from ...names import SESSION_ID_HEADER, SESSION_TOKEN_HEADER
from ...session import Session
from ...settings import Settings
from ...spool.folder import SpoolFolder
from ...spool.listing import list_spool
from ...text.times import parse_moment
from ..log_following import follow
from ..options import (
    ApiKeyOption,
    AppUrlOption,
    CaCertsOption,
    IndexOption,
    LevelOption,
    ProjectIdOption,
    ServiceOption,
    StoreOption,
    TextOption,
)
from ..output import PROGRAM, Output, note
from ..render.error_context import with_context
from ..render.formats import (
    CSV,
    ENTRY_COLUMNS,
    JSON,
    TABLE,
    CsvRows,
    CsvView,
    FormatOption,
    format_of,
)
from ..render.records import DocumentView, LineView

HELP: Final = """Show the backend logs of sessions, in time order.

SESSION is a decimal session id, a session token, or the link of a recording. A token is read and
forgotten: it is shown nowhere.

Each record has its time (UTC), its place in the recording (offset), level, service, logger and
message; an exception stands below. Into a pipe or file goes plain text, one line a record and nothing
cut off. With --json it is one JSON object a line: the document as it is stored, and its "_id".

--context NUMBER shows the errors, and so many records of the same trace before and behind each.

Times for --since and --until: 2024-01-24T02:30:00Z, without a zone in local time; 10m, 2h, 3d for so
long ago; +90s or +01:30 for so long after the session began.

\b
Examples:
  openreplay-otel logs 2618307011354435587
  openreplay-otel logs 2618307011354435587 --errors --traces
  openreplay-otel logs 2618307011354435587 4114245275701215239 --context 5
  openreplay-otel logs 2618307011354435587 --since +01:30 --text '"card declined"'
  openreplay-otel logs https://openreplay.example.com/1/session/2618307011354435587 --follow
  openreplay-otel logs 2618307011354435587 --json | jq .message
"""
_SOON: Final = timedelta(minutes=10)
_FIRST_SESSIONS: Final = datetime(2020, 1, 1, tzinfo=timezone.utc)


def logs(
    sessions: Annotated[
        list[str],
        typer.Argument(
            metavar="SESSION…",
            help="Decimal ids, tokens, or links of recordings.",
            show_default=False,
        ),
    ],
    *,
    errors: Annotated[
        bool, typer.Option("--errors", help="Only errors and records with an exception.")
    ] = False,
    level: LevelOption = None,
    service: ServiceOption = None,
    trace: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only records of this trace: 32 hexadecimal digits."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only records at or after this time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only records before this time.")
    ] = None,
    text: TextOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="NUMBER", help="At most so many, the first ones.")
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="NUMBER", help="Errors, with so many records of their trace around them."
        ),
    ] = None,
    following: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Go on showing what arrives, until Ctrl-C."),
    ] = False,
    traces: Annotated[bool, typer.Option("--traces", help="Show stack traces in full.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One stored document a line, for programs.")
    ] = False,
    shown_as: FormatOption = None,
    store: StoreOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexOption = None,
    app_url: AppUrlOption = None,
    project_id: ProjectIdOption = None,
) -> None:
    """Show the records of sessions.

    Raises:
        InvalidSessionError: One of ``sessions`` is none.
        SettingsError: An option cannot be used.
        StoreError: The store cannot be read.
    """
    if following and limit is not None:
        raise SettingsError("limit: shows the first records, --follow the newest: use one of them")
    if following and context is not None:
        raise SettingsError("context: --follow shows records as they come: use one of them")
    form = format_of(shown_as, as_json=as_json)
    wanted = list(dict.fromkeys(Session.parse(text) for text in sessions))
    now = datetime.now(timezone.utc)
    filters: dict[str, Any] = {
        "errors_only": errors or context is not None,
        "level": level,
        "service": service,
        "trace_id": None if trace is None else _trace_id(trace),
        "since": None if since is None else parse_moment(since, "since", now=now, has_session=True),
        "until": None if until is None else parse_moment(until, "until", now=now, has_session=True),
        "text": text,
    }
    settings = Settings.load_for_command(
        store=store, api_key=api_key, ca_certs=ca_certs, index=index,
        app_url=app_url, project_id=project_id,
    )  # fmt: skip
    output = Output()
    rows = CsvRows(output, ENTRY_COLUMNS)

    def view(session: Session) -> LineView | DocumentView | CsvView:
        if form == CSV:
            return CsvView(output, rows)
        if form == JSON:
            return DocumentView(output)
        return LineView(output, session, settings, traces=traces)

    with SessionLogs(settings=settings) as lookup:
        if following:
            views = [(session, view(session)) for session in wanted]
            follow(lookup, views, filters, output if form == TABLE else None)
            return
        for number, session in enumerate(wanted):
            if number and form == TABLE:
                output.lines([Text()])
            if not _show(lookup, session, view(session), filters, limit=limit, context=context):
                _explain_nothing(lookup, session, now=now, is_filtered=any(filters.values()))


def _trace_id(text: str) -> str:
    trace = text.strip().lower()
    if len(trace) != 32 or not set(trace) <= set(hexdigits):
        raise SettingsError(f"trace: expected 32 hexadecimal digits, got {text[:40]!r}")
    return trace


def _show(
    lookup: SessionLogs,
    session: Session,
    show: LineView | DocumentView | CsvView,
    filters: dict[str, Any],
    *,
    limit: int | None,
    context: int | None,
) -> int:
    """Show one session's records, and tell how many."""
    # One more than asked for tells whether there are more.
    most = None if limit is None or context is not None else limit + 1
    entries = lookup.logs(session, **filters, limit=most)
    if context is not None:
        entries = _around(lookup, session, entries, context)
    shown = show(islice(entries, limit))
    if shown:
        show.end()
    if next(entries, None) is not None:
        note(f"{PROGRAM}: these are the first {shown}; there are more (--limit)")
    return shown


def _around(
    lookup: SessionLogs, session: Session, errors: Iterator[LogEntry], context: int
) -> Iterator[LogEntry]:
    """Errors with the records of their traces around them."""
    ids: set[str] = set()
    traces: set[str | None] = set()
    for entry in errors:
        ids.add(entry.document_id)
        traces.add(entry.trace_id)
    return with_context(lookup.logs(session) if ids else (), ids, traces, context)


def _waiting(lookup: SessionLogs) -> list[str]:
    """What is on its way: the last words of a process often wait for the next one."""
    folder = SpoolFolder.of(lookup.settings.spool_dir, lookup.store.name)
    try:
        waiting = list_spool(folder).total.queued
    except OSError:
        return []
    if not waiting:
        return []
    shown = f"- the spool: {waiting:,} records wait on this machine for the store"
    return [f"{shown}; `{PROGRAM} spool` shows them, --deliver sends what ended processes left"]


def _explain_nothing(
    lookup: SessionLogs, session: Session, *, now: datetime, is_filtered: bool
) -> None:
    where = f"session {session.id} in {lookup.store.name}"
    if is_filtered and next(lookup.logs(session, limit=1), None) is not None:
        note(
            f"No record of {where} fits --errors, --context, --level, --since, --until and --text as given."
        )
        return
    lines = [
        f"No records of {where}. What to check:",
        *_waiting(lookup),
        f"- the store (--store): does the app write to it? `{PROGRAM} sessions` lists what it holds",
        f"- the requests: do they carry the session ({SESSION_TOKEN_HEADER} or {SESSION_ID_HEADER})?",
        f"- the id: it says that the session began {session.started_at:%Y-%m-%d %H:%M:%S} UTC",
    ]
    if not _FIRST_SESSIONS < session.started_at < now + _SOON:
        lines[-1] += ", which is hardly so; ids have 19 digits: is it complete?"
    note(*lines)
