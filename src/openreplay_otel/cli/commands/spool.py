"""``openreplay-otel spool``: what waits for the store, what it refused, and what was given up."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from datetime import datetime, timezone
from typing import Annotated, Final

import typer

from ...delivery.by_hand import SpoolDelivered, deliver_spool
from ...errors import SettingsError, StoreError
from ...settings import Settings
from ...spool.clearing import clear, clearing_of
from ...spool.dead_letters import dead_letters_in
from ...spool.folder import SpoolFolder
from ...spool.listing import SpoolListing, list_spool, owner_of
from ...stores import Store, open_store
from ..options import ApiKeyOption, CaCertsOption, IndexOption, StoreOption
from ..output import PROGRAM, Output, agrees, note, progress_bar, say
from ..render.entries import counted
from ..render.spool import figures_document, hints, letter_lines, process_document, spool_table

HELP: Final = """Show what waits in the spool, the queue on disk between the app and the store.

For each process: records queued, with size and age of the oldest; dead letters, which the store refused;
records dropped, by the reason. Run it as the account of the app, with the same store and spool folder.

--deliver sends what ended processes left; what a running one has is its own business. --retry sends the dead
letters again too, for instance after a mapping was mended. Both may be interrupted: nothing is lost, and
nothing is stored twice. --clear removes dead letters, and the counts of processes that ended.

Exit code 1: the store or the spool cannot be used, or something was refused or is left.

\b
Examples:
  openreplay-otel spool --store https://es.example.com:9200
  openreplay-otel spool --dead --json | jq -r .reason
  openreplay-otel spool --retry
"""
_FAILED: Final = 1
SpoolDirOption = Annotated[
    str | None,
    typer.Option(
        "--spool-dir",
        metavar="FOLDER",
        help="The folder of the spools, where the app has one of its own."
        "  [env: OPENREPLAY_OTEL_SPOOL_DIR; default: spool in the user's state folder]",
        show_default=False,
    ),
]


def spool(
    *,
    dead: Annotated[
        bool, typer.Option("--dead", help="List the dead letters: status, index, id, reason, text.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Send the dead letters again, and what is left.")
    ] = False,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Send what ended processes left.")
    ] = False,
    clear_letters: Annotated[
        bool, typer.Option("--clear", help="Remove dead letters and the counts of ended processes.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --clear.")] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="One JSON document, for programs; of --dead one letter a line."
        ),
    ] = False,
    store: StoreOption = None,
    spool_dir: SpoolDirOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexOption = None,
) -> None:
    """Show, deliver or clear a spool.

    Raises:
        SettingsError: An option cannot be used.
        StoreError: The spool or the store cannot be used.
    """
    _check_alone({"dead": dead, "retry": retry, "deliver": deliver, "clear": clear_letters})
    settings = Settings.load_for_command(
        store=store, spool_dir=spool_dir, api_key=api_key, ca_certs=ca_certs, index=index
    )
    output = Output()
    target = open_store(settings=settings)
    folder = SpoolFolder.of(settings.spool_dir, target.name)
    try:
        if retry or deliver:
            code = _deliver(target, settings, output, retry=retry, as_json=as_json)
        else:
            with _as_store_errors(folder):
                listing = list_spool(folder)
                if clear_letters:
                    code = _clear(listing, output, yes=yes, as_json=as_json)
                else:
                    code = 0
                    show = _show_dead if dead else _show
                    show(listing, target, output, as_json=as_json)
    finally:
        target.close()
    if code:
        raise typer.Exit(code)


def _check_alone(actions: dict[str, bool]) -> None:
    chosen = [name for name, is_chosen in actions.items() if is_chosen]
    if len(chosen) > 1:
        message = f"{chosen[1]}: cannot be given together with --{chosen[0]}"
        raise SettingsError(message)


@contextlib.contextmanager
def _as_store_errors(folder: SpoolFolder) -> Generator[None, None, None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        message = (
            f"the spool in {folder.path} cannot be used: {error.strerror or error}"
            " (run it as the account of the app)"
        )
        raise StoreError(message) from error


def _show(listing: SpoolListing, target: Store, output: Output, *, as_json: bool) -> None:
    total = listing.total
    if as_json:
        output.json(
            {
                "store": target.name,
                "folder": str(listing.folder),
                "processes": [process_document(one) for one in listing.processes],
                "total": figures_document(total),
            }
        )
        return
    if listing.processes:
        output.lines(spool_table(listing, datetime.now(timezone.utc)))
    is_empty = not (total.queued or total.dead_letters or total.dropped)
    if is_empty:
        note(f"Nothing waits for {target.name}: no record queued, no dead letter, none dropped.")
    for hint in hints(listing):
        note(hint)
    note(f"The spool is {listing.folder}{'' if listing.folder.exists() else ' (not there yet)'}.")


def _show_dead(listing: SpoolListing, target: Store, output: Output, *, as_json: bool) -> None:
    found = False
    for path, letters in dead_letters_in(listing.folder):
        for letter in letters:
            found = True
            if as_json:
                output.json({"process": owner_of(path), **letter})
            else:
                output.lines(letter_lines(letter, output.width))
    if not found:
        note(f"No dead letters: {target.name} refused nothing. Looked in {listing.folder}.")


def _deliver(
    target: Store, settings: Settings, output: Output, *, retry: bool, as_json: bool
) -> int:
    with _progress() as progress:
        done = deliver_spool(target, settings, with_dead_letters=retry, progress=progress)
    if as_json:
        output.json({"store": target.name, **done._asdict()})
    else:
        _tell(done, target, retry=retry)
    return _FAILED if done.left or done.refused else 0


def _tell(done: SpoolDelivered, target: Store, *, retry: bool) -> None:
    if not any(done):
        what = "no dead letters and nothing" if retry else "nothing"
        say(f"There is {what} of ended processes to deliver to {target.name}.")
        return
    if done.again:
        say(f"{counted(done.again, 'dead letter')} put back into the queue.")
    if done.delivered:
        say(f"{counted(done.delivered, 'record')} delivered to {target.name}.")
    if done.kept:
        note(f"{counted(done.kept, 'dead letter')} kept: no document that could be sent.")
    if done.refused:
        note(
            f"{counted(done.refused, 'record')} refused (again): {PROGRAM} spool --dead shows why."
        )
    if done.left:
        note(
            f"{counted(done.left, 'record')} left in the queue: try again once the store takes them."
        )


def _clear(listing: SpoolListing, output: Output, *, yes: bool, as_json: bool) -> int:
    clearing = clearing_of(listing)
    processes = f"{clearing.processes:,} ended process{'' if clearing.processes == 1 else 'es'}"
    what = f"{counted(clearing.letters, 'dead letter')} and the counts of {processes}"
    if clearing.files and not yes and not agrees(f"Remove {what} for good?"):
        note("Nothing was removed.")
        return _FAILED
    is_all = clear(clearing)
    if as_json:
        output.json({"dead_letters": clearing.letters, "processes": clearing.processes})
    elif clearing.files:
        say(f"Removed {what}.")
    else:
        say(f"There is nothing to remove in {listing.folder}.")
    if not is_all:
        note("A running process has added dead letters meanwhile: its file stays.")
    return 0 if is_all else _FAILED


@contextlib.contextmanager
def _progress() -> Generator[Callable[[int, int], None], None, None]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    with progress_bar(TextColumn("delivering"), BarColumn(), MofNCompleteColumn()) as bar:
        if bar is None:
            yield lambda _done, _total: None
            return
        task = bar.add_task("delivering", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
