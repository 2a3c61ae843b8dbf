"""``openreplay-otel prune``: deletes old logs where the store does not do it by itself."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Final

import typer

from ...cluster.retention import Expired, days_of, delete_indexes, expired
from ...errors import SettingsError
from ...settings import Settings
from ...stores import open_store
from ...stores.elasticsearch import Connection, ElasticsearchStore
from ...stores.sqlite.store import SqliteStore
from ..cluster_options import (
    IndexesOption,
    LeftOverOption,
    YesOption,
    ask,
    first_prefix,
    note_left_over,
    prefixes_of,
)
from ..options import ApiKeyOption, CaCertsOption, StoreOption
from ..output import Output, say

HELP: Final = """Delete the logs of sessions that began longer ago than a time.

In Elasticsearch whole session indexes are deleted, one for each day. An index with records of sessions that setup's
template did not make is named and left alone, unless --all is given. In SQLite the records logged before are
deleted. For a cluster with lifecycle management `openreplay-otel setup --retention 30d` does the same without this
command.

\b
Examples:
  openreplay-otel prune --retention 30d --dry-run
  openreplay-otel prune --retention 30d --yes
"""


def prune(
    *,
    retention: Annotated[
        str, typer.Option(metavar="TIME", help="What is kept: 30d, 4w.", show_default=False)
    ],
    everything: LeftOverOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be deleted.")
    ] = False,
    yes: YesOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, for programs.")
    ] = False,
    store: StoreOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexesOption = None,
) -> None:
    """Delete old logs.

    Raises:
        SettingsError: An option cannot be used, or there is nobody to ask.
        StoreError: The store cannot be reached or refuses.
    """
    days = days_of(retention, "retention")
    if not days:
        raise SettingsError(
            "retention: expected whole days or weeks (30d, 4w): off would delete nothing"
        )
    settings = Settings.load_for_command(
        store=store, api_key=api_key, ca_certs=ca_certs, index=first_prefix(index)
    )
    now = datetime.now(timezone.utc)
    target = open_store(settings=settings)
    try:
        if isinstance(target, ElasticsearchStore):
            prefixes = prefixes_of(index, settings)
            old = [expired(target.connection, prefix, days, now.date()) for prefix in prefixes]
            told = _prune_cluster(
                target.connection, old, everything=everything, dry_run=dry_run, yes=yes
            )
        elif isinstance(target, SqliteStore):
            told = _prune_file(target, now - timedelta(days=days), dry_run=dry_run, yes=yes)
        else:
            raise SettingsError(f"store: {target.name} cannot be pruned")
    finally:
        target.close()
    if as_json:
        Output().json({"store": target.name, "dry_run": dry_run, **told})
        return
    for name in told.get("indexes", ()):
        say(f"{'would delete' if dry_run else 'deleted'}  {name}")
    if "records" in told:
        say(f"{told['records']:,} records {'would be ' if dry_run else ''}deleted")
    elif not told["indexes"]:
        say(f"{target.name} has no session index older than {days} days.")
    note_left_over(told.get("left_over", []))


def _prune_cluster(
    connection: Connection, old: list[Expired], *, everything: bool, dry_run: bool, yes: bool
) -> dict[str, Any]:
    names = [name for one in old for name in one.ours]
    left_over = [name for one in old for name in one.left_over]
    if everything:
        names, left_over = [*names, *left_over], []
    if names and not dry_run:
        shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        ask(f"Delete {len(names)} indexes from {connection.name} ({shown})?", yes=yes)
        delete_indexes(connection, names)
    return {"indexes": names, "left_over": left_over}


def _prune_file(
    store: SqliteStore, before: datetime, *, dry_run: bool, yes: bool
) -> dict[str, Any]:
    records = store.delete_before(before, dry_run=True)
    if records and not dry_run:
        ask(f"Delete {records:,} records from {store.name}?", yes=yes)
        records = store.delete_before(before, dry_run=False)
    return {"records": records}
