"""``openreplay-otel setup``: prepares a store, and says what it does."""

from __future__ import annotations

from typing import Annotated, Any, Final

import orjson
import typer

from ..settings import Settings
from ..stores import open_store
from ..stores.elasticsearch import ElasticsearchStore
from ..stores.elasticsearch.preparation import Step, apply, plan
from .options import ApiKeyOption, CaCertsOption, IndexOption, StoreOption
from .output import Output

HELP: Final = """Prepare a store: in Elasticsearch the index template, and the alias that OpenReplay reads.

What is there already and is as it should be stays untouched, so that a second run changes nothing.
Needs the cluster privilege manage_index_templates, and manage on openreplay-logs-* and logs.

\b
Examples:
  openreplay-otel setup --store http://elastic:<password>@localhost:9200 --dry-run
  OPENREPLAY_OTEL_API_KEY=… openreplay-otel setup --store https://es.example.com:9200
"""
_DONE: Final = {"create": "created", "update": "updated", "unchanged": "unchanged"}
_PLANNED: Final = {"create": "would create", "update": "would update", "unchanged": "unchanged"}


def setup(
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show what would be done, with the requests of it."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, for programs.")
    ] = False,
    store: StoreOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexOption = None,
) -> None:
    """Prepare a store.

    Raises:
        SettingsError: An option cannot be used.
        StoreError: The store cannot be reached, refuses, or holds something else under our names.
    """
    settings = Settings.load(store=store, api_key=api_key, ca_certs=ca_certs, index=index)
    target = open_store(settings=settings)
    steps: list[Step] = []
    try:
        if isinstance(target, ElasticsearchStore):
            for step in plan(target.connection, settings.index):
                if not dry_run:
                    apply(target.connection, [step])
                steps.append(step)
                if not as_json:
                    _show(step, dry_run=dry_run)
        elif not dry_run:
            target.prepare()
    finally:
        target.close()
    if as_json:
        documents = [_step_document(step) for step in steps]
        Output().json({"store": target.name, "dry_run": dry_run, "steps": documents})
    elif isinstance(target, ElasticsearchStore):
        typer.echo(
            f"Nothing was changed in {target.name}." if dry_run else f"{target.name} is ready."
        )
    else:
        # One file: there is nothing to plan.
        made = "would be made" if dry_run else "are there"
        typer.echo(f"{target.name}: the file and its tables {made}; SQLite needs nothing else.")


def _show(step: Step, *, dry_run: bool) -> None:
    words = _PLANNED if dry_run else _DONE
    typer.echo(f"{words[step.action]:<12}  {step.what}")
    if dry_run and step.method:
        body = orjson.dumps(step.body, option=orjson.OPT_INDENT_2).decode()
        typer.echo(f"{step.method} {step.path}\n{body}\n")


def _step_document(step: Step) -> dict[str, Any]:
    return {
        "action": step.action,
        "what": step.what,
        "method": step.method or None,
        "path": step.path or None,
        "body": step.body,
    }
