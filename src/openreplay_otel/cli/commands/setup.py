"""``openreplay-otel setup``: prepares a store, and says what it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, NamedTuple

import typer

from ...cluster.printing import checked_form
from ...cluster.reader_names import checked_aliases
from ...cluster.repair import carry_out_repair, plan_repairs
from ...cluster.retention import days_of
from ...cluster.set_up import Plan, SetUp, carry_out, plan_set_up, requests
from ...cluster.versions import version_of
from ...errors import SettingsError, StoreAccessError
from ...settings import Settings
from ...stores import open_store
from ...stores.elasticsearch import Connection, ElasticsearchStore
from ...stores.elasticsearch.preparation import Step
from ...text.harmless import json_text
from ..cluster_options import (
    ForOption,
    IndexesOption,
    PrintOption,
    YesOption,
    ask,
    first_prefix,
    prefixes_of,
    print_requests,
    with_way_out,
)
from ..options import ApiKeyOption, CaCertsOption, StoreOption
from ..output import PROGRAM, Output, note, say

HELP: Final = """Prepare a store: in Elasticsearch the index template, and the alias that OpenReplay reads.

What is there already and is as it should be stays untouched, so that a second run changes nothing, and
what somebody else made is never touched. Needs the cluster privilege manage_index_templates, and manage on
openreplay-logs-* and logs; --pipeline and --retention need manage_ingest_pipelines and manage_ilm too.

\b
Examples:
  openreplay-otel setup --store http://elastic:<password>@localhost:9200 --dry-run
  OPENREPLAY_OTEL_API_KEY=… openreplay-otel setup --store https://es.example.com:9200
  openreplay-otel setup --for both --retention 30d --pipeline
  openreplay-otel setup --repair --dry-run
  openreplay-otel setup --print console
"""
_DONE: Final = {"create": "created", "update": "updated", "unchanged": "unchanged"}
_PLANNED: Final = {"create": "would create", "update": "would update", "unchanged": "unchanged"}


def setup(
    *,
    version: ForOption = "v1.21",
    retention: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Delete logs so long after their session began: 30d, 4w; off to take that back.",
        ),
    ] = None,
    pipeline: Annotated[
        bool,
        typer.Option(
            "--pipeline",
            help="Also an ingest pipeline for documents of Filebeat, Logstash, EDOT and others.",
        ),
    ] = False,
    alias: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,…]", help="Further names over the indexes, for OpenReplay up to v1.20."
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Also put right the indexes that were made before, or by others: each is copied into a new one of"
            " the same day's name, and deleted.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show what would be done, with the requests of it."),
    ] = False,
    yes: YesOption = False,
    printed: PrintOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, for programs.")
    ] = False,
    store: StoreOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexesOption = None,
) -> None:
    """Prepare a store.

    Raises:
        SettingsError: An option cannot be used.
        StoreError: The store cannot be reached, refuses, or holds something else under our names.
    """
    settings = Settings.load_for_command(
        store=store, api_key=api_key, ca_certs=ca_certs, index=first_prefix(index)
    )
    openreplay = version_of(version)
    wanted = SetUp(
        prefixes=prefixes_of(index, settings),
        version=openreplay,
        aliases=checked_aliases(alias, openreplay),
        retention_days=None if retention is None else days_of(retention, "retention"),
        has_pipeline=pipeline,
        tags=settings.tags,
    )
    if printed is not None:
        print_requests(requests(wanted), checked_form(printed), settings)
        return
    target = open_store(settings=settings)
    try:
        if isinstance(target, ElasticsearchStore):
            repairing = Repairing(dry_run=dry_run, yes=yes) if repair else None
            _set_up_cluster(target.connection, wanted, repairing, dry_run=dry_run, as_json=as_json)
            return
        if pipeline or retention is not None or repair:
            raise SettingsError("store: --pipeline, --retention and --repair are for Elasticsearch")
        if not dry_run:
            target.prepare()
    finally:
        target.close()
    if as_json:
        Output().json({"store": target.name, "dry_run": dry_run, "steps": [], "notes": []})
        return
    # One file: there is nothing to plan.
    made = "would be made" if dry_run else "are there"
    say(f"{target.name}: the file and its tables {made}; SQLite needs nothing else.")


class Repairing(NamedTuple):
    """How indexes are put right.

    Attributes:
        dry_run: Whether it is only said what would be done.
        yes: Whether nobody is asked.
    """

    dry_run: bool
    yes: bool


def _set_up_cluster(
    connection: Connection,
    wanted: SetUp,
    repairing: Repairing | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    try:
        plan = plan_set_up(connection, wanted)
        left_out = [] if dry_run else list(_carried_out(connection, plan, as_json=as_json))
    except StoreAccessError as error:
        raise with_way_out(error, "setup") from error
    if dry_run and not as_json:
        for step in plan.steps:
            show_step(step, _PLANNED, with_request=True)
    repairs: list[dict[str, Any]] = []
    if repairing is not None:
        repairs = list(_repaired(connection, wanted.prefixes, repairing, as_json=as_json))
    # What was put right is not told as wrong.
    about_indexes = [] if repairs and not dry_run else plan.index_notes
    notes = [*left_out, *plan.notes, *about_indexes]
    if as_json:
        steps = [step_document(step) for step in plan.steps]
        document = {
            "store": connection.name, "dry_run": dry_run, "steps": steps, "notes": notes,
            "repairs": repairs,
        }  # fmt: skip
        Output().json(document)
        return
    for sentence in notes:
        note(f"{PROGRAM}: {sentence}")
    say(f"Nothing was changed in {connection.name}." if dry_run else f"{connection.name} is ready.")


def _repaired(
    connection: Connection, prefixes: tuple[str, ...], how: Repairing, *, as_json: bool
) -> Iterator[dict[str, Any]]:
    """Put right what stands in indexes of the wrong kind; gives what was done."""
    repairs = [repair for prefix in prefixes for repair in plan_repairs(connection, prefix)]
    for reason in (reason for repair in repairs for reason in repair.reasons):
        if not as_json:
            say(f"{'would repair' if how.dry_run else 'to repair':<12}  {reason}")
    if any(repair.copies for repair in repairs) and not how.dry_run:
        ask(f"Copy these into new indexes of {connection.name}, and delete them?", yes=how.yes)
    for repair in repairs:
        records = None if how.dry_run else carry_out_repair(connection, repair)
        if records is not None and not as_json:
            say(f"{'repaired':<12}  index {repair.target}: {records:,} records, in order")
        yield {"index": repair.target, "reasons": repair.reasons, "records": records}


def _carried_out(connection: Connection, plan: Plan, *, as_json: bool) -> list[str]:
    left_out: list[str] = []
    for step, sentence in carry_out(connection, plan):
        if not as_json:
            show_step(step, _DONE, with_request=False)
        if sentence is not None:
            left_out.append(sentence)
    return left_out


def show_step(step: Step, words: dict[str, str], *, with_request: bool) -> None:
    """Show what is done or would be done."""
    say(f"{words[step.action]:<12}  {step.what}")
    if with_request and step.method:
        body = [] if step.body is None else json_text(step.body, indented=True).split("\n")
        say(f"{step.method} {step.path}", *body, "")


def step_document(step: Step) -> dict[str, Any]:
    """A step as JSON."""
    return {
        "action": step.action,
        "what": step.what,
        "method": step.method or None,
        "path": step.path or None,
        "body": step.body,
    }
