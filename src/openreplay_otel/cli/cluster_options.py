"""What the commands for a cluster share: the store that has to be Elasticsearch, prefixes, printed requests."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Annotated, Any, Final

import typer

from ..cluster.printing import Request, as_text
from ..errors import SettingsError, StoreAccessError
from ..settings import Settings
from ..store_url import elasticsearch_hosts_of, sqlite_path_of
from ..stores import open_store
from ..stores.elasticsearch import Connection, ElasticsearchStore
from ..text.typed import comma_list
from .output import PROGRAM, agrees, note, say

IndexesOption = Annotated[
    str | None,
    typer.Option(
        "--index",
        metavar="PREFIX[,…]",
        help="Prefix of the session indexes, or several in a comma list."
        "  [env: OPENREPLAY_OTEL_INDEX; default: openreplay-logs]",
        show_default=False,
    ),
]
ForOption = Annotated[
    str,
    typer.Option(
        "--for", metavar="VERSION", help="Which OpenReplay: v1.21 (and later), v1.20, both."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
LeftOverOption = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Also indexes with records of sessions that setup's template did not make: those made before it, or"
        " copied to a name with something behind the day.",
    ),
]
PrintOption = Annotated[
    str | None,
    typer.Option(
        "--print",
        metavar="FORM",
        help="Send nothing; print the requests for Kibana's console (console) or as cURL lines (curl), to"
        " hand on.",
        show_default=False,
    ),
]
_LONGEST_URL: Final = 200


def prefixes_of(text: str | None, settings: Settings) -> tuple[str, ...]:
    """The prefixes of a comma list; those of the settings where none is given.

    Raises:
        SettingsError: One of them is none.
    """
    return _listed(text) or (settings.index,)


def first_prefix(text: str | None) -> str | None:
    """The first prefix of a comma list, for the settings; None where none is given.

    Raises:
        SettingsError: One of them is none.
    """
    return next(iter(_listed(text)), None)


def _listed(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = comma_list(text)
    if not names:
        raise SettingsError("index: expected a prefix, or several in a comma list")
    return tuple(dict.fromkeys(Settings.load({}, index=name).index for name in names))


@contextlib.contextmanager
def cluster(settings: Settings, command: str) -> Generator[Connection]:
    """The connection of the store of the settings.

    Raises:
        SettingsError: The store is none of Elasticsearch.
    """
    store = open_store(settings=settings)
    try:
        if not isinstance(store, ElasticsearchStore):
            raise SettingsError(
                f"store: {command} is for Elasticsearch, but the store is {store.name}: give --store"
                " http(s)://host:9200"
            )
        yield store.connection
    finally:
        store.close()


def shown_url(settings: Settings) -> str | None:
    """The cluster's URL without credentials, the first host of several; None where none is set."""
    if settings.store is None or sqlite_path_of(settings.store) is not None:
        return None
    return elasticsearch_hosts_of(settings.store)[0].shown


def note_left_over(names: list[str]) -> None:
    """Name the indexes that were left alone."""
    if names:
        note(
            f"{PROGRAM}: left alone, since setup's template did not make them: {', '.join(names)}. They have"
            " records of sessions: --all deletes them too, `openreplay-otel setup --repair` puts them right"
        )


def print_requests(requests: list[Request], form: str, settings: Settings) -> None:
    """Print requests for somebody else to send."""
    say(*as_text(requests, form, shown_url(settings)).split("\n"))


def ask(question: str, *, yes: bool) -> None:
    """Go on only where the person agrees.

    Raises:
        SettingsError: There is nobody to ask, and --yes was not given.
        Exit: The answer was no.
    """
    if not yes and not agrees(question):
        note("Nothing was changed.")
        raise typer.Exit(0)


def with_way_out(error: StoreAccessError, command: str) -> StoreAccessError:
    """A refusal with what to do about it."""
    if "--print" in str(error) or "privilege" not in str(error):
        return error
    return StoreAccessError(
        f"{error}. Use an administrator's credentials, or hand on what `{PROGRAM} {command} --print"
        " console` prints"
    )


def text_or_dash(value: Any) -> str:
    """A value of a table."""
    return "-" if value is None or value == "" else str(value)
