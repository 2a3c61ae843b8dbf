"""``openreplay-otel ship``: sends logs that were written before, or elsewhere, to the store."""

from __future__ import annotations

import codecs
import time
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import typer

from ...delivery.delivery import DeliveryReport
from ...errors import SettingsError, StoreError
from ...settings import Settings
from ...ship.aside import Aside
from ...ship.counts import ShipCounts
from ...ship.files import STDIN, LogFile, log_files
from ...ship.sending import Sender, quick_turns
from ...ship.shipping import ShipOptions, Shipper
from ...ship.times import LOCAL_ZONE
from ...stores import Store, open_store
from ...stores.base import Document
from ...text.harmless import json_text
from ..options import (
    ApiKeyOption,
    AppUrlOption,
    CaCertsOption,
    IndexOption,
    ProjectIdOption,
    StoreOption,
)
from ..output import PROGRAM, Output, note, say
from ..render.entries import counted
from ..render.progress import ship_progress
from ..render.sizes import size_text

HELP: Final = """Send log files that are there already to the store.

FILE is plain text, JSON lines, or syslog, packed by gzip, bzip2 or xz or not; - is standard input. The
format is found out line by line: Python's usual formats with tracebacks of several lines, gunicorn,
uvicorn, Celery, loguru, structlog, ecs-logging, python-json-logger, logfmt, access logs, and the lines of
Docker and Kubernetes. A tag of a session before a record's text is understood in all of its forms; a token
becomes its id and is not stored.

Shipping a file again, rotated or grown meanwhile, doubles nothing. What has no time or level gets it from
the lines around it and is marked (openreplay.assumed). A line that cannot be read is kept aside in
FILE.unread, in the folder you are in, and counted.

\b
Examples:
  openreplay-otel ship app.log --service shop --dry-run
  openreplay-otel ship app.log --rotated --service shop --timezone Europe/Paris
  openreplay-otel ship --follow /var/log/shop/app.log --service shop
  kubectl logs deploy/shop | openreplay-otel ship - --service shop
"""
PATIENCE: Final = 600.0
"""Seconds for which a store that does not answer is asked again."""
_SHOWN: Final = 3


def ship(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…", help="Log files; - for standard input.", show_default=False
        ),
    ],
    *,
    service: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Service that wrote the logs, where they do not say."),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Host that wrote the logs, where they do not say."),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Where times without a zone were written, such as UTC or Europe/Paris."
            "  [default: the zone of this machine]",
            show_default=False,
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Encoding of the files.  [default: UTF-8]", show_default=False
        ),
    ] = None,
    rotated: Annotated[
        bool,
        typer.Option("--rotated", help="Also FILE.1, FILE.2.gz and the like, the oldest first."),
    ] = False,
    unread: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where lines go that cannot be read.  [default: the first FILE's name and .unread]",
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Go on as the files grow, until Ctrl-C: over rotation, restarts and outages."
            " A folder means its *.log; a pattern in quotes also gets files that come later.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Send nothing; show the first documents and the counts."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The counts as one JSON document, for programs.")
    ] = False,
    store: StoreOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexOption = None,
    app_url: AppUrlOption = None,
    project_id: ProjectIdOption = None,
) -> None:
    """Ship files.

    Raises:
        SettingsError: A file or an option cannot be used.
        StoreError: The store cannot be used, or did not take everything.
    """
    settings = Settings.load_for_command(
        store=store, api_key=api_key, ca_certs=ca_certs, index=index,
        app_url=app_url, project_id=project_id,
    )  # fmt: skip
    options = ShipOptions(
        zone=_zone(timezone), service=service, host=host, encoding=_encoding(encoding)
    )
    if follow:
        from ..ship_follow import follow as follow_files

        follow_files(
            files, settings, options,
            rotated=rotated, unread=unread, dry_run=dry_run, as_json=as_json,
        )  # fmt: skip
        return
    found = log_files(files, with_rotated=rotated)
    counts = ShipCounts()
    aside_path = unread or Path(_aside_name(found[0]))
    if any(file.path is not None and _is_same(file.path, aside_path) for file in found):
        raise SettingsError(f"unread: {aside_path} is one of the files to read: name another one")
    aside = Aside(None if dry_run else aside_path, counts)
    first: list[Document] = []
    began = time.monotonic()
    try:
        if dry_run:
            _read(found, settings, options, counts=counts, aside=aside, first=first)
            where = ""
        else:
            with_store = open_store(settings=settings)
            where = with_store.name
            try:
                _send(found, settings, options, counts=counts, aside=aside, store=with_store)
            finally:
                with_store.close()
    except (KeyboardInterrupt, StoreError):
        note(f"{PROGRAM}: {_so_far(counts)}")
        raise
    finally:
        aside.close()
    seconds = time.monotonic() - began
    if as_json:
        documents = [{"_id": d.id, "_index": d.index, **orjson.loads(d.source)} for d in first]
        more = {"dry_run": True, "first": documents} if dry_run else {"store": where}
        is_kept = bool(counts.unread) and not dry_run
        Output().json(
            {**counts.document(), **more, "kept_aside": str(aside.path) if is_kept else None}
        )
        return
    for document in first:
        body = json_text(orjson.loads(document.source), indented=True).split("\n")
        say(f"{document.index} {document.id}", *body, "")
    say(*_summary(counts, where, aside, seconds))


def _send(
    files: Sequence[LogFile],
    settings: Settings,
    options: ShipOptions,
    *,
    counts: ShipCounts,
    aside: Aside,
    store: Store,
) -> None:
    for sentence in store.prepare():
        note(f"{PROGRAM}: {sentence}")

    def done(batch: list[Document], report: DeliveryReport) -> None:
        counts.stored += report.accepted
        counts.known += report.known
        counts.refused += len(report.refused)
        for refused in report.refused:
            shipper.refused(refused)
        if report.error is None:
            shipper.settled(batch)

    sender = Sender(
        store,
        request_max_bytes=settings.request_max_bytes,
        patience=PATIENCE,
        done=done,
        waiting=lambda: note(
            f"{PROGRAM}: {store.name} does not take documents for the moment; trying again for"
            f" {PATIENCE / 60:g} minutes"
        ),
    )
    shipper = Shipper(settings, options, counts=counts, aside=aside, send=sender.send)
    try:
        with quick_turns(), ship_progress(files, counts) as progress:
            for file in files:
                shipper.read(file, progress)
                progress.next_file()
            shipper.flush()
            sender.finish()
    except BaseException:
        sender.stop()
        raise


def _read(
    files: Sequence[LogFile],
    settings: Settings,
    options: ShipOptions,
    *,
    counts: ShipCounts,
    aside: Aside,
    first: list[Document],
) -> None:
    def keep_first(batch: list[Document]) -> None:
        first.extend(batch[: _SHOWN - len(first)])
        shipper.settled(batch)

    shipper = Shipper(settings, options, counts=counts, aside=aside, send=keep_first)
    with ship_progress(files, counts) as progress:
        for file in files:
            shipper.read(file, progress)
            progress.next_file()
        shipper.flush()


def _summary(counts: ShipCounts, where: str, aside: Aside, seconds: float) -> Sequence[str]:
    is_dry = not where
    read = f"{counted(counts.records, 'record')} of {counted(counts.lines, 'line')}"
    lines = [f"{read} ({size_text(counts.bytes)}) in {counted(counts.files, 'file')}"]
    if is_dry:
        lines.append("nothing was sent (--dry-run)")
    else:
        rate = size_text(counts.bytes / seconds) if seconds else "-"
        lines.append(
            f"{counts.stored:,} stored, {counts.known:,} there already, in {where}; {rate}/s"
        )
    rows: list[tuple[int, str]] = [
        (counts.with_session, "with a session"),
        (counts.errors, "errors"),
        (counts.time_assumed, "with the time of the lines around them"),
        (counts.level_assumed, "without a level: error where there is an exception, else info"),
        (counts.without_session_dropped, "left out: without a session (sessionless is drop)"),
    ]
    lines += [f"  {number:>12,}  {what}" for number, what in rows if number]
    if counts.problems:
        kept = "would be kept aside" if aside.path is None else f"kept aside in {aside.path}"
        lines.append(f"{counted(counts.unread, 'line')} {kept}:")
        for kind, problem in counts.problems.items():
            reason = f": {problem.example}" if problem.example else ""
            lines.append(f"  {problem.lines:>12,}  {kind}, first in {problem.first}{reason}")
    if not counts.with_session and counts.records:
        lines.append(
            "no record names a session: OpenReplay will show none of them beside a recording"
        )
    return lines


def _so_far(counts: ShipCounts) -> str:
    return (
        f"stopped: {counts.stored:,} records stored, {counts.known:,} were there already;"
        " run the same command again to go on: nothing will be doubled"
    )


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return LOCAL_ZONE
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"timezone: expected a zone such as UTC or Europe/Paris, got {name[:40]!r}"
        raise SettingsError(message) from None


def _encoding(name: str | None) -> str | None:
    try:
        return None if name is None else codecs.lookup(name).name
    except LookupError:
        message = f"encoding: Python knows no encoding {name!r}; expected for instance latin-1"
        raise SettingsError(message) from None


def _aside_name(file: LogFile) -> str:
    return "stdin.unread" if file.name == STDIN or file.path is None else f"{file.path.name}.unread"


def _is_same(path: Path, other: Path) -> bool:
    return path.resolve() == other.resolve()
