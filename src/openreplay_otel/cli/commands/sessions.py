"""``openreplay-otel sessions``: the sessions that have logs."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import islice
from typing import Annotated, Any, Final

import typer

from ...lookup.entries import SessionSummary
from ...lookup.session_logs import SessionLogs
from ...settings import Settings
from ...stores.timestamps import to_text
from ...text.times import parse_moment
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
from ..render.formats import CSV, JSON, SESSION_COLUMNS, CsvRows, FormatOption, format_of
from ..render.sessions import session_table

HELP: Final = """List the sessions that have logs, the newest first.

With --since or --until only records of that time count. --level, --service and --text choose sessions with a
record that fits all of them. Into a pipe or file goes plain text, one line
a session. With --json it is one JSON object a line, with session_id, started_at, first, last, records,
errors, services and replay_url.

Times: 2024-01-24T02:30:00Z, without a zone in local time; 10m, 2h, 3d for how long ago.

\b
Examples:
  openreplay-otel sessions --errors --since 2h
  openreplay-otel sessions --service shop --text "card declined"
  openreplay-otel sessions --json | jq -r .session_id
"""


def sessions(
    *,
    errors: Annotated[
        bool, typer.Option("--errors", help="Only sessions with an error or exception.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only records at or after this time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only records before this time.")
    ] = None,
    level: LevelOption = None,
    service: ServiceOption = None,
    text: TextOption = None,
    limit: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="At most this many.")] = 50,
    as_json: Annotated[
        bool, typer.Option("--json", help="One session a line, for programs.")
    ] = False,
    shown_as: FormatOption = None,
    store: StoreOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexOption = None,
    app_url: AppUrlOption = None,
    project_id: ProjectIdOption = None,
) -> None:
    """List sessions.

    Raises:
        SettingsError: An option cannot be used.
        StoreError: The store cannot be read.
    """
    form = format_of(shown_as, as_json=as_json)
    now = datetime.now(timezone.utc)
    settings = Settings.load_for_command(
        store=store, api_key=api_key, ca_certs=ca_certs, index=index,
        app_url=app_url, project_id=project_id,
    )  # fmt: skip
    times = {"since": since, "until": until}
    filters: dict[str, Any] = {
        name: None if text is None else parse_moment(text, name, now=now)
        for name, text in times.items()
    }
    filters |= {"level": level, "service": service, "text": text}
    output = Output()
    with SessionLogs(settings=settings) as lookup:
        found = lookup.sessions(errors_only=errors, **filters)
        summaries = list(islice(found, limit))
        has_more = next(found, None) is not None
        if form == CSV:
            rows = CsvRows(output, SESSION_COLUMNS)
            rows.head()
            for summary in summaries:
                document = summary_document(summary)
                document["services"] = " ".join(summary.services)
                rows.row(document[name] for name in SESSION_COLUMNS)
        elif form == JSON:
            for summary in summaries:
                output.json(summary_document(summary))
        elif summaries:
            output.lines(session_table(summaries, output.width))
        if not summaries:
            kind = "session with an error" if errors else "session with logs"
            when = " in that time" if since or until else ""
            which = " that fits these filters" if level or service or text else ""
            note(f"No {kind}{when}{which} in {lookup.store.name}.")
        elif has_more:
            note(f"{PROGRAM}: these are the newest {limit}; there are more (--limit)")


def summary_document(summary: SessionSummary) -> dict[str, Any]:
    """A session as JSON."""
    return {
        "session_id": summary.session_id,
        "started_at": to_text(summary.started_at),
        "first": to_text(summary.first),
        "last": to_text(summary.last),
        "records": summary.records,
        "errors": summary.errors,
        "services": list(summary.services),
        "replay_url": summary.replay_url,
    }
