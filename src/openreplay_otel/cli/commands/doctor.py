"""``openreplay-otel doctor``: goes the whole way of a record and says what is wrong, and what mends it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from ...cluster.versions import version_of
from ...doctor.app_check import check_app, check_cors
from ...doctor.connectivity import settings_used
from ...doctor.examination import Examination
from ...doctor.examine import examine
from ...doctor.files_check import check_files
from ...doctor.findings import CHECKS
from ...doctor.result import Result, found
from ...doctor.spool_check import check_spool
from ...errors import SettingsError, StoreError
from ...settings import Settings
from ...stores import Store, open_store
from ...stores.elasticsearch import ElasticsearchStore
from ...stores.sqlite.store import SqliteStore
from ...text.harmless import one_line
from ..cluster_options import ForOption, IndexesOption, first_prefix, prefixes_of
from ..options import ApiKeyOption, AppUrlOption, CaCertsOption, ProjectIdOption, StoreOption
from ..output import PROGRAM, Output, note
from ..render.wrapping import fitted

HELP: Final = """Check the whole way of a record, from a request's header to OpenReplay's panel.

Looks at settings, server, clocks, names, templates, indexes and keys; sends two records through and reads
them by the requests of OpenReplay's own readers, then removes them. With the credentials of an administrator
in --store it looks at everything; with less it says what it could not look at. Exit code 1 if anything fails.

--key-id and --api-key together are the key that OpenReplay was given. --url sends requests to your own app,
one with each header that may carry a session, and tells which arrive; --origin asks for the front end
whether a browser would send them.

\b
Examples:
  openreplay-otel doctor
  openreplay-otel doctor --key-id 5fHk… --api-key ziM5…
  openreplay-otel doctor --url https://shop.example.com/api/health --origin https://shop.example.com
"""
_MARKS: Final = {"ok": "✓", "warning": "!", "failed": "✗", "skipped": "-"}
_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}
_TIMEOUT: Final = 10.0


def doctor(
    *,
    version: ForOption = "v1.21",
    key_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Id of the key that OpenReplay was given.", show_default=False
        ),
    ] = None,
    api_key: ApiKeyOption = None,
    writer_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The key that the apps were given.", show_default=False),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Of your app: something that logs.", show_default=False),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(metavar="ORIGIN", help="Of your front end, with --url.", show_default=False),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long --url waits for records.")
    ] = 15.0,
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="Whether records may be sent.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, for programs.")
    ] = False,
    store: StoreOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexesOption = None,
    app_url: AppUrlOption = None,
    project_id: ProjectIdOption = None,
) -> None:
    """Check everything.

    Raises:
        SettingsError: An option cannot be used.
        Exit: With code 1 where something fails.
    """
    given: dict[str, Any] = {
        "store": store, "api_key": None if key_id else api_key, "ca_certs": ca_certs,
        "app_url": app_url, "project_id": project_id,
    }  # fmt: skip
    if key_id is not None and api_key is None:
        raise SettingsError("key_id: give the key's secret too, as --api-key")
    given["index"] = first_prefix(index)
    settings = Settings.load_for_command(**given, export_timeout=_TIMEOUT)
    prefixes = prefixes_of(index, settings)
    names = frozenset(name for name, value in given.items() if value is not None)
    target = open_store(settings=settings)
    try:
        if isinstance(target, ElasticsearchStore):
            examination = Examination(
                settings=settings,
                connection=target.connection,
                given=names,
                prefixes=prefixes,
                version=version_of(version),
                reader_key=None if key_id is None or api_key is None else (key_id, api_key),
                writer_key=writer_key,
                wants_probe=probe,
                url=url,
                origin=origin,
                wait_seconds=wait,
                clock=time.time,
                environ=os.environ,
            )
            results = examine(examination)
        else:
            results = _without_cluster(target, settings, names, url=url, origin=origin, wait=wait)
        shown = list(_shown(results, as_json=as_json))
    finally:
        target.close()
    failed = sum(result.status == "failed" for result in shown)
    if as_json:
        Output().json({"ok": not failed, "checks": [_document(result) for result in shown]})
    else:
        _conclude(shown, failed)
    if failed:
        raise typer.Exit(1)


def _without_cluster(
    store: Store,
    settings: Settings,
    given: frozenset[str],
    *,
    url: str | None,
    origin: str | None,
    wait: float,
) -> Iterator[Result]:
    """The checks of a store that is no cluster."""
    yield settings_used(settings, given, os.environ, store.name)
    yield found("settings.sqlite", store=store.name)
    yield from check_spool(settings, store.name, time.time())
    yield from check_files(settings, store.name)
    try:
        yield from check_app(
            store, settings, url=url, wait_seconds=wait, remove=lambda ids: _removed(store, ids)
        )
    except StoreError as error:
        yield found("server.unreachable", reason=str(error), store=store.name)
    yield from check_cors(settings, url=url, origin=origin)


def _removed(store: Store, session_ids: Sequence[str]) -> bool:
    if isinstance(store, SqliteStore):
        store.delete_sessions(session_ids)
    return isinstance(store, SqliteStore)


def _shown(results: Iterable[Result], *, as_json: bool) -> Iterator[Result]:
    """Show results as they come."""
    output = None if as_json else Output()
    last = ""
    for result in results:
        if output is not None:
            title = CHECKS[result.check]
            output.lines(_lines(result, "" if title == last else title, output.width))
            output.flush()
            last = title
        yield result


def _lines(result: Result, title: str, width: int | None) -> Iterator[Text]:
    indent = " " * _INDENT
    head = Text.assemble(
        (_MARKS[result.status], _STYLES[result.status]), " ", (f"{title:<{_TITLE}}", "bold"), "  "
    )
    texts = [Text(one_line(result.text), style="dim" if result.status == "skipped" else "")]
    if result.mend:
        texts.append(Text.assemble(("mend: ", "cyan"), one_line(result.mend)))
    for number, line in enumerate(fitted(texts, width, indent)):
        yield head.append_text(line[_INDENT:]) if number == 0 else line


_TITLE: Final = max(map(len, CHECKS.values()))
_INDENT: Final = _TITLE + 4


def _conclude(shown: list[Result], failed: int) -> None:
    warnings = sum(result.status == "warning" for result in shown)
    if failed:
        note(f"{PROGRAM}: {failed} failed, {warnings} warned; each with what mends it")
    elif warnings:
        note(f"{PROGRAM}: nothing failed, {warnings} warned")
    else:
        note(f"{PROGRAM}: all is well")


def _document(result: Result) -> dict[str, Any]:
    return {
        "check": result.check,
        "finding": result.name,
        "status": result.status,
        "text": result.text,
        "mend": result.mend or None,
    }
