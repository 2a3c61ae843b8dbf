"""``openreplay-otel api-key``: makes, lists and revokes API keys with the least that each work needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from ...cluster.api_keys import (
    CREATE_PATH,
    KnownKey,
    MadeKey,
    create_key,
    free_name,
    list_keys,
    revoke_keys,
)
from ...cluster.keys import KINDS, READER, KeyRequest, default_indexes, default_name
from ...cluster.printing import Request, checked_form
from ...cluster.reader_names import reader_names
from ...cluster.versions import version_of
from ...errors import SettingsError
from ...names import READER_ALIAS
from ...settings import Settings
from ...stores.elasticsearch import Connection
from ...stores.timestamps import to_text
from ...text.harmless import one_line
from ...text.times import seconds_text
from ...text.typed import comma_list, duration
from ..cluster_options import (
    ForOption,
    IndexesOption,
    PrintOption,
    YesOption,
    ask,
    cluster,
    first_prefix,
    prefixes_of,
    print_requests,
    shown_url,
)
from ..options import ApiKeyOption, CaCertsOption, StoreOption
from ..output import Output, say

HELP: Final = """Make an API key with the least that its work needs; list and revoke those made here.

\b
WHAT is one of
  reader   for OpenReplay: reads the name logs and nothing else; give it the same --for as setup
  writer   for apps and Collectors: adds records, reads and changes none
  lookup   for `openreplay-otel logs`, `sessions` and the page
  list     shows the keys that this command made
  revoke   revokes keys that this command made, by id or name

The key is shown this once. Making keys needs a user and password with manage_api_key (or
manage_own_api_key); an API key cannot make another one.

\b
Examples:
  openreplay-otel api-key reader
  openreplay-otel api-key reader --for v1.20 --expires 365d
  openreplay-otel api-key writer --env >> .env
  openreplay-otel api-key reader --print console
  openreplay-otel api-key revoke openreplay
"""
_LIST, _REVOKE = "list", "revoke"
_ID_LIKE_AN_OPTION: Final = re.compile(r"-[A-Za-z0-9_-]{19}")
"""Elasticsearch's ids are 20 characters of base64url: one in 64 begins with a dash."""


def reordered(arguments: Sequence[str]) -> list[str]:
    """Put ids that would be taken for options behind ``--``.

    Args:
        arguments: As they were typed after ``api-key``.
    """
    if _REVOKE not in arguments or "--" in arguments:
        return list(arguments)
    ids = [argument for argument in arguments if _ID_LIKE_AN_OPTION.fullmatch(argument)]
    return [*(argument for argument in arguments if argument not in ids), "--", *ids]


def api_key(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="See above.", show_default=False)],
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY…]", help="For revoke: ids or names.", show_default=False),
    ] = None,
    *,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name in Kibana.", show_default=False)
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it ends to work: 90d, 12h.  [default: never]"),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            "--indexes",
            metavar="NAME[,…]",
            help="What it is for, in place of the default of its kind; patterns are allowed.",
        ),
    ] = None,
    version: ForOption = "v1.21",
    with_revoked: Annotated[
        bool, typer.Option("--revoked", help="For list: also those that were revoked.")
    ] = False,
    as_env: Annotated[
        bool, typer.Option("--env", help="Print it as lines for an .env file.")
    ] = False,
    printed: PrintOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document, for programs.")
    ] = False,
    yes: YesOption = False,
    store: StoreOption = None,
    own_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexesOption = None,
) -> None:
    """Make, list or revoke API keys.

    Raises:
        SettingsError: An option cannot be used.
        StoreError: The cluster cannot be reached or refuses.
    """
    settings = Settings.load_for_command(
        store=store, api_key=own_key, ca_certs=ca_certs, index=first_prefix(index)
    )
    word = what.strip().lower()
    output = Output()
    if word == _LIST:
        with cluster(settings, "api-key") as connection:
            found = list_keys(connection, with_revoked=with_revoked)
        _show_list(output, found, as_json=as_json, where=connection.name)
    elif word == _REVOKE:
        if not keys:
            raise SettingsError("KEY: name what to revoke; `openreplay-otel api-key list` shows it")
        with cluster(settings, "api-key") as connection:
            ask(f"Revoke {', '.join(keys)} in {connection.name}?", yes=yes)
            revoked = revoke_keys(connection, keys)
        if as_json:
            output.json([key.id for key in revoked])
        for key in () if as_json else revoked:
            say(f"revoked  {key.id}  {key.name}")
    elif word in KINDS:
        openreplay = version_of(version)
        prefixes = prefixes_of(index, settings)
        request = KeyRequest(
            kind=word,
            name=name or default_name(word),
            indexes=_indexes(names, word, prefixes),
            expiration=None if expires is None else _expiration(expires),
            for_old_form=openreplay.reads_tokens and word == READER,
        )
        if printed is not None:
            made = Request("POST", CREATE_PATH, request.body(), f"API key {KINDS[word]}")
            print_requests([made], checked_form(printed), settings)
            return
        with cluster(settings, "api-key") as connection:
            if word == READER and names is None:
                read = reader_names(connection, prefixes, openreplay)
                request = replace(request, indexes=read)
            request = replace(request, name=_free_name(connection, request.name, asked=name))
            key = create_key(connection, request)
        _show(output, key, request, settings, as_env=as_env, as_json=as_json)
    else:
        expected = ", ".join((*KINDS, _LIST, _REVOKE))
        raise SettingsError(f"WHAT: expected one of {expected}, got {what[:16]!r}")


def _free_name(connection: Connection, name: str, *, asked: str | None) -> str:
    free = free_name(connection, name)
    if asked is not None and free != name:
        raise SettingsError(f"name: there is a valid API key called {name!r}: choose another name")
    return free


def _show(
    output: Output,
    key: MadeKey,
    request: KeyRequest,
    settings: Settings,
    *,
    as_env: bool,
    as_json: bool,
) -> None:
    expires = None if key.expires_at is None else to_text(key.expires_at)
    if as_json:
        output.json(
            {
                "id": key.id, "name": key.name, "api_key": key.api_key, "encoded": key.encoded,
                "kind": request.kind, "indexes": list(request.indexes), "expires_at": expires,
            }
        )  # fmt: skip
        return
    if as_env:
        url = shown_url(settings)
        lines = [f"# API key {key.name} ({key.id}), {KINDS[request.kind]}"]
        if request.kind == READER:
            lines += [f"OPENREPLAY_API_KEY_ID={key.id}", f"OPENREPLAY_API_KEY={key.api_key}"]
        else:
            lines += [f"OPENREPLAY_OTEL_STORE={url}", f"OPENREPLAY_OTEL_API_KEY={key.encoded}"]
        say(*lines)
        return
    rows = [
        ("name", key.name), ("id", key.id), ("api_key", key.api_key), ("encoded", key.encoded),
        ("reads" if "read" in _privileges(request) else "adds to", ", ".join(request.indexes)),
        ("expires", expires or "never"),
    ]  # fmt: skip
    say(*(f"{label:<8}  {value}" for label, value in rows))
    say(_next(request), "It is shown this once.")


def _privileges(request: KeyRequest) -> list[str]:
    (role,) = request.body()["role_descriptors"].values()
    return role["indices"][0]["privileges"]


def _next(request: KeyRequest) -> str:
    if request.kind == READER:
        old = " --for v1.20" if request.for_old_form else ""
        names = (
            "" if request.indexes == (READER_ALIAS,) else f" --indexes {','.join(request.indexes)}"
        )
        return (
            f"OpenReplay's form takes id and api_key: `openreplay-otel openreplay-form{old}{names}` shows"
            f" where; `openreplay-otel doctor{old} --key-id … --api-key …` tries the key."
        )
    return "Give it as OPENREPLAY_OTEL_API_KEY (encoded)."


def _show_list(output: Output, found: list[KnownKey], *, as_json: bool, where: str) -> None:
    if as_json:
        output.json([_key_document(key) for key in found])
        return
    if not found:
        say(f"{where} has no API key that openreplay-otel made.")
        return
    heads = ("id", "name", "kind", "made (UTC)", "expires (UTC)", "for")
    rows = [
        (
            key.id, key.name, key.kind, seconds_text(key.created_at),
            "revoked" if key.is_revoked
            else "never" if key.expires_at is None else seconds_text(key.expires_at),
            ", ".join(key.indexes),
        )
        for key in found
    ]  # fmt: skip
    shown = [heads, *(tuple(map(one_line, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        output.lines([Text("  ".join(cells).rstrip(), style="bold" if row is heads else "")])


def _key_document(key: KnownKey) -> dict[str, Any]:
    return {
        "id": key.id, "name": key.name, "kind": key.kind, "indexes": list(key.indexes),
        "created_at": to_text(key.created_at), "is_revoked": key.is_revoked,
        "expires_at": None if key.expires_at is None else to_text(key.expires_at),
    }  # fmt: skip


def _indexes(text: str | None, kind: str, prefixes: tuple[str, ...]) -> tuple[str, ...]:
    if text is None:
        return default_indexes(kind, prefixes)
    names = comma_list(text)
    if not names or any(name != name.lower() or " " in name for name in names):
        raise SettingsError(
            f"indexes: expected names or patterns in a comma list, got {text[:40]!r}"
        )
    return names


def _expiration(text: str) -> str:
    with suppress(ValueError, OverflowError):
        if (seconds := int(duration(text).total_seconds())) > 0:
            return f"{seconds}s"
    raise SettingsError(f"expires: expected a duration such as 90d or 12h, got {text[:20]!r}")
