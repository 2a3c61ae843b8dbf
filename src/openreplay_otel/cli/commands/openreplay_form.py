"""``openreplay-otel openreplay-form``: what to enter in OpenReplay, field by field."""

from __future__ import annotations

from typing import Annotated, Final

import typer
from rich.text import Text

from ...cluster.form import WHERE, Form, forms
from ...cluster.versions import version_of
from ...settings import Settings
from ...text.typed import comma_list
from ..cluster_options import ForOption, shown_url
from ..options import StoreOption
from ..output import Output

HELP: Final = """Show what to enter in OpenReplay, field by field, and how to get past its traps.

Asks no server; --store names the cluster as OpenReplay's own servers reach it.

\b
Examples:
  openreplay-otel openreplay-form --store https://es.example.com:9200
  openreplay-otel openreplay-form --for v1.20 --indexes logs
"""


def openreplay_form(
    *,
    version: ForOption = "v1.21",
    key_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The reader key's id, to be shown in its place."),
    ] = None,
    indexes: Annotated[
        str, typer.Option(metavar="NAME[,…]", help="For v1.20: what it shall read.")
    ] = "logs",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, for programs.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Show the form.

    Raises:
        SettingsError: An option cannot be used.
    """
    settings = Settings.load_for_command(store=store)
    names = comma_list(indexes)
    shown = forms(
        version_of(version), url=shown_url(settings), key_id=key_id, api_key=None, indexes=names
    )
    output = Output()
    if as_json:
        output.json(
            [
                {"for": form.version.value, "fields": dict(form.fields), "notes": form.notes}
                for form in shown
            ]
        )
        return
    for number, form in enumerate(shown):
        if number:
            output.lines([Text()])
        output.lines(_lines(form))


def _lines(form: Form) -> list[Text]:
    later = "and later" if form.version.reads_alias else "and before"
    lines = [Text(f"OpenReplay {form.version.value} {later}: {WHERE}", style="bold")]
    width = max(len(label) for label, _ in form.fields)
    lines += [
        Text.assemble((f"  {label:<{width}}  ", "cyan"), value) for label, value in form.fields
    ]
    lines += [Text(f"  - {text}") for text in form.notes]
    return lines
