"""``openreplay-otel logs``: the records of one session in time order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Annotated, Any, Final

import typer

from ..entries import LogEntry
from ..errors import SettingsError, StoreUnavailableError
from ..lookup import SessionLogs
from ..names import SESSION_ID_HEADER, SESSION_TOKEN_HEADER
from ..session import Session
from ..settings import Settings
from .follow import Follower
from .log_views import DocumentView, LineView
from .options import (
    ApiKeyOption,
    AppUrlOption,
    CaCertsOption,
    IndexOption,
    ProjectIdOption,
    StoreOption,
)
from .output import PROGRAM, Output, note
from .times import parse_moment

HELP: Final = """Show the backend logs of one session, in time order.

SESSION is a decimal session id, a session token, or the link of a recording. A token is read and
forgotten: it is shown nowhere.

Each record has its time (UTC), its place in the recording (offset), level, service, logger and
message; an exception stands below. Into a pipe or file goes plain text, one line a record and nothing
cut off. With --json it is one JSON object a line: the document as it is stored, and its "_id".

Times for --since and --until: 2024-01-24T02:30:00Z, without a zone in local time; 10m, 2h, 3d for so
long ago; +90s or +01:30 for so long after the session began.

\b
Examples:
  openreplay-otel logs 2618307011354435587
  openreplay-otel logs 2618307011354435587 --errors --traces
  openreplay-otel logs 2618307011354435587 --since +01:30 --text '"card declined"'
  openreplay-otel logs https://openreplay.example.com/1/session/2618307011354435587 --follow
  openreplay-otel logs 2618307011354435587 --json | jq .message
"""
_POLL_SECONDS: Final = 1.0
_SOON: Final = timedelta(minutes=10)
_FIRST_SESSIONS: Final = datetime(2020, 1, 1, tzinfo=timezone.utc)


def logs(
    session: Annotated[
        str,
        typer.Argument(
            metavar="SESSION", help="Decimal id, token, or link of a recording.", show_default=False
        ),
    ],
    *,
    errors: Annotated[
        bool, typer.Option("--errors", help="Only errors and records with an exception.")
    ] = False,
    level: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL", help="Only this level and graver ones: debug, info, warning, error."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only records at or after this time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only records before this time.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="Only records with all these words in message or exception; words in double quotes"
            " have to stand in a row.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="NUMBER", help="At most so many, the first ones.")
    ] = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Go on showing what arrives, until Ctrl-C."),
    ] = False,
    traces: Annotated[bool, typer.Option("--traces", help="Show stack traces in full.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One stored document a line, for programs.")
    ] = False,
    store: StoreOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexOption = None,
    app_url: AppUrlOption = None,
    project_id: ProjectIdOption = None,
) -> None:
    """Show the records of a session.

    Raises:
        InvalidSessionError: ``session`` is none.
        SettingsError: An option cannot be used.
        StoreError: The store cannot be read.
    """
    if follow and limit is not None:
        raise SettingsError("limit: shows the first records, --follow the newest: use one of them")
    wanted = Session.parse(session)
    now = datetime.now(timezone.utc)
    filters: dict[str, Any] = {
        "errors_only": errors,
        "level": None if level is None else level.strip().lower(),
        "since": None if since is None else parse_moment(since, "since", now=now, has_session=True),
        "until": None if until is None else parse_moment(until, "until", now=now, has_session=True),
        "text": text,
    }
    settings = Settings.load(
        store=store, api_key=api_key, ca_certs=ca_certs, index=index,
        app_url=app_url, project_id=project_id,
    )  # fmt: skip
    output = Output()
    show = DocumentView(output) if as_json else LineView(output, wanted, settings, traces=traces)
    with SessionLogs(settings=settings) as lookup:
        if follow:
            _follow(lookup, wanted, filters, show)
            return
        # One more than asked for tells whether there are more.
        most = None if limit is None else limit + 1
        entries = lookup.logs(wanted, **filters, limit=most)
        shown = show(islice(entries, limit))
        if not shown:
            _explain_nothing(lookup, wanted, now=now, is_filtered=any(filters.values()))
            return
        show.end()
        if next(entries, None) is not None:
            note(f"{PROGRAM}: these are the first {shown}; there are more (--limit)")


def _follow(
    lookup: SessionLogs,
    session: Session,
    filters: dict[str, Any],
    show: Callable[[Iterable[LogEntry]], int],
) -> None:
    earliest = _moment(session, filters["since"])

    def read(since: datetime | None) -> Iterable[LogEntry]:
        later = max((moment for moment in (since, earliest) if moment is not None), default=None)
        wanted: dict[str, Any] = {**filters, "since": later}
        return lookup.logs(session, **wanted)

    follower = Follower(read)
    is_out_of_reach = has_waited = False
    pause = threading.Event()
    try:
        while True:
            try:
                found = follower.poll()
            except StoreUnavailableError as error:
                if not is_out_of_reach:
                    note(f"{PROGRAM}: {error}; trying again until Ctrl-C")
                is_out_of_reach = True
            else:
                if is_out_of_reach:
                    note(f"{PROGRAM}: {lookup.store.name} answers again")
                is_out_of_reach = False
                if not show(found) and not has_waited:
                    note(f"{PROGRAM}: waiting for records of session {session.id}, until Ctrl-C")
                has_waited = True
            pause.wait(_POLL_SECONDS)
    except KeyboardInterrupt:
        # The way to end it, hence no failure.
        return


def _moment(session: Session, value: datetime | timedelta | None) -> datetime | None:
    """A filter's moment: an offset counts from the session's start."""
    return session.started_at + value if isinstance(value, timedelta) else value


def _explain_nothing(
    lookup: SessionLogs, session: Session, *, now: datetime, is_filtered: bool
) -> None:
    where = f"session {session.id} in {lookup.store.name}"
    if is_filtered and next(lookup.logs(session, limit=1), None) is not None:
        note(f"No record of {where} fits --errors, --level, --since, --until and --text as given.")
        return
    lines = [
        f"No records of {where}. What to check:",
        f"- the store (--store): does the app write to it? `{PROGRAM} sessions` lists what it holds",
        f"- the requests: do they carry the session ({SESSION_TOKEN_HEADER} or {SESSION_ID_HEADER})?",
        f"- the id: it says that the session began {session.started_at:%Y-%m-%d %H:%M:%S} UTC",
    ]
    if not _FIRST_SESSIONS < session.started_at < now + _SOON:
        lines[-1] += ", which is hardly so; ids have 19 digits: is it complete?"
    note("\n".join(lines))
