"""``openreplay-otel demo``: the whole way, from a request's header to the logs beside the recording."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from ...demo.run import DemoRun, run_demo
from ...lookup.entries import LogEntry, SessionSummary
from ...lookup.session_logs import SessionLogs
from ...session import Session
from ...settings import Settings, default_store_url
from ...stores import open_store
from ..options import ApiKeyOption, AppUrlOption, CaCertsOption, IndexOption, ProjectIdOption
from ..output import PROGRAM, Output, note
from ..render import entries as render
from ..render.sessions import session_table
from ..render.wrapping import fitted
from ..typed_command import PLACEHOLDER, typed_call, typed_program
from .serve import PORT, check_installed, serve_page
from .sessions import summary_document

HELP: Final = """See it work: a small shop gets requests of several users, and one's checkout fails.

A real WSGI app is served on this machine for a second or two, instrumented by openreplay_otel.configure
and opentelemetry-instrumentation-wsgi. Its users send the tracker's session token, a session id, or
neither. Shown are the sessions with errors and the logs of one of them, with links into the recording.

The store of the environment is not used: made-up sessions would lie among your real ones.

\b
Examples:
  openreplay-otel demo
  openreplay-otel demo --serve --open
  openreplay-otel demo --store http://elastic:<password>@localhost:9200
"""
_APP_URL: Final = "https://openreplay.example.com"
_PROJECT_ID: Final = "1"
_CHECK_SECONDS: Final = 5.0


def demo(
    *,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the records go: sqlite:///path.db or http(s)://[user:password@]host:9200."
            "  [default: demo.db in the user's state folder]",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, for programs.")
    ] = False,
    serves: Annotated[
        bool, typer.Option("--serve", help="Then show it all as a page in the browser.")
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="With --serve: open the browser.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, metavar="NUMBER", help="With --serve: the page's port."),
    ] = PORT,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexOption = None,
    app_url: AppUrlOption = None,
    project_id: ProjectIdOption = None,
) -> None:
    """Run the demo.

    Raises:
        SettingsError: An option cannot be used.
        StoreError: The store cannot be used.
    """
    url = demo_store_url() if store is None else store
    given: dict[str, Any] = {
        "store": url, "api_key": api_key, "ca_certs": ca_certs, "index": index,
        "app_url": app_url, "project_id": project_id,
    }  # fmt: skip
    settings = Settings.load_for_command(**given)
    given["app_url"] = settings.app_url or _APP_URL
    given["project_id"] = settings.project_id or _PROJECT_ID
    if serves:
        check_installed()
    _check(settings)
    done = run_demo(given)
    with SessionLogs(**given) as lookup:
        began = min(Session(session_id).started_at for session_id in done.session_ids)
        summaries = [s for s in lookup.sessions(since=began) if s.session_id in done.session_ids]
        entries = list(lookup.logs(done.session_ids[0]))
        name = lookup.store.name
    options = {
        "--ca-certs": ca_certs,
        "--index": index,
        "--app-url": app_url,
        "--project-id": project_id,
    }
    # uv puts the program on the path for this process only.
    found = None if "UV_RUN_RECURSION_DEPTH" in os.environ else shutil.which(PROGRAM)
    program = typed_program(sys.argv[0], found=found, python=sys.executable, directory=Path.cwd())
    typed_store = name if name.startswith("sqlite:") else url
    commands = [
        typed_call(program, words, store=typed_store, options=options)
        for words in (["logs", done.session_ids[0]], ["sessions", "--errors"])
    ]
    output = Output()
    if as_json:
        output.json(_document(name, summaries, entries, commands))
    else:
        output.lines(_report(done, summaries, entries, width=output.width))
        hints = [
            f"with your password in place of {PLACEHOLDER}" if PLACEHOLDER in commands[0] else "",
            "with your API key in OPENREPLAY_OTEL_API_KEY" if api_key is not None else "",
            ""
            if settings.app_url
            else f"links lead to {_APP_URL}, which is made up: give --app-url and --project-id",
        ]
        output.lines(_where_next(name, commands, hints))
    if serves:
        output.flush()
        serve_page(Settings.load_for_command(**given), port=port, opens=open_browser)


def demo_store_url() -> str:
    """The demo's own file, beside the default store."""
    return f"{default_store_url().rpartition('/')[0]}/demo.db"


def _check(settings: Settings) -> None:
    """Find out whether the store can be used before the shop opens, without waiting long."""
    store = open_store(settings=replace(settings, export_timeout=_CHECK_SECONDS))
    try:
        for sentence in store.prepare():
            note(f"{PROGRAM}: {sentence}")
    finally:
        store.close()


def _report(
    done: DemoRun, summaries: list[SessionSummary], entries: list[LogEntry], *, width: int | None
) -> Iterable[Text]:
    session = Session(done.session_ids[0])
    timeline = render.Timeline(session, render.Layout.fitting(entries, width))
    recording = next(s.replay_url for s in summaries if s.session_id == session.id)
    told = (
        f"A small shop answered {done.requests} requests of {done.visitors} visitors and logged"
        f" {done.records} records. {len(done.session_ids)} visits are recorded: their requests carried"
        " the tracker's token or a session id."
    )
    yield from fitted([Text(told)], width, "")
    yield Text()
    yield Text("Sessions with errors", style="bold underline")
    yield from session_table([s for s in summaries if s.errors], width)
    yield Text()
    yield Text("The logs of one of them, with its place in the recording", style="bold underline")
    yield from render.session_head(session, recording, is_terminal=width is not None)
    if width is not None:
        yield timeline.head()
    yield from timeline.lines(entries)


def _where_next(name: str, commands: list[str], hints: list[str]) -> Iterable[Text]:
    yield Text()
    yield Text.assemble(("The data lies in ", "bold"), name)
    yield Text("What to type next", style="bold")
    for command in commands:
        yield Text(f"  {command}", style="cyan")
    for hint in filter(None, hints):
        yield Text(f"  ({hint})", style="dim")


def _document(
    name: str, summaries: list[SessionSummary], entries: list[LogEntry], commands: list[str]
) -> dict[str, Any]:
    return {
        "store": name,
        "sessions": [summary_document(summary) for summary in summaries],
        "timeline": [
            {
                "offset_ms": entry.offset // timedelta(milliseconds=1),
                "replay_url": entry.replay_url,
                "document": {"_id": entry.document_id, **entry.document},
            }
            for entry in entries
        ],
        "next": commands,
    }
