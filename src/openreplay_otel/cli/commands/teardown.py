"""``openreplay-otel teardown``: takes back what ``setup`` made, after asking."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ...cluster.tear_down import plan_tear_down
from ...settings import Settings
from ...stores.elasticsearch.preparation import apply
from ..cluster_options import (
    IndexesOption,
    LeftOverOption,
    YesOption,
    ask,
    cluster,
    first_prefix,
    note_left_over,
    prefixes_of,
)
from ..options import ApiKeyOption, CaCertsOption, StoreOption
from ..output import Output, say
from .setup import show_step, step_document

HELP: Final = """Take back what setup made in Elasticsearch: alias, templates, pipeline, lifecycle policy.

The logs stay, unless --delete-logs is given. Indexes with records of sessions that setup's template did not make
are named then; --all deletes them too. What somebody else made is not touched. API keys are revoked
by `openreplay-otel api-key revoke`.

\b
Examples:
  openreplay-otel teardown --dry-run
  openreplay-otel teardown --yes
"""
_DONE: Final = {"delete": "removed"}
_PLANNED: Final = {"delete": "would remove"}


def teardown(
    *,
    delete_logs: Annotated[
        bool, typer.Option("--delete-logs", help="Also delete the session indexes and their logs.")
    ] = False,
    everything: LeftOverOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done.")
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
    """Take back a set-up.

    Raises:
        SettingsError: An option cannot be used, or there is nobody to ask.
        StoreError: The store cannot be reached or refuses.
    """
    settings = Settings.load_for_command(
        store=store, api_key=api_key, ca_certs=ca_certs, index=first_prefix(index)
    )
    with cluster(settings, "teardown") as connection:
        steps, left_over = plan_tear_down(
            connection,
            prefixes_of(index, settings),
            with_logs=delete_logs,
            with_left_over=everything,
        )
        if not as_json:
            for step in steps if dry_run or not yes else ():
                show_step(step, _PLANNED, with_request=dry_run)
        if steps and not dry_run:
            ask(f"Remove these {len(steps)} from {connection.name}?", yes=yes)
            for step in steps:
                apply(connection, [step])
                if not as_json:
                    show_step(step, _DONE, with_request=False)
        if as_json:
            documents = [step_document(step) for step in steps]
            document = {
                "store": connection.name, "dry_run": dry_run, "steps": documents, "left_over": left_over,
            }  # fmt: skip
            Output().json(document)
        elif not steps:
            say(f"{connection.name} has nothing that `openreplay-otel setup` made.")
        note_left_over(left_over)
