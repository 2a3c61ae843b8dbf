"""The names by which OpenReplay reads the session indexes: set-up, key, form and doctor agree on them here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import SettingsError, StoreAccessError
from ..names import READER_ALIAS
from ..stores.elasticsearch import schema
from ..stores.elasticsearch.preparation import Step, get_template
from ..text.typed import comma_list
from .indexes import day_of, session_indexes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..stores.elasticsearch import Connection
    from .indexes import IndexState
    from .versions import OpenReplayVersion


def wanted_names(version: OpenReplayVersion, aliases: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of a set-up: ``logs``, unless other names were asked for and OpenReplay can read them.

    Args:
        version: For which OpenReplay.
        aliases: The names that were asked for.
    """
    if version.reads_alias or not aliases:
        return tuple(dict.fromkeys((READER_ALIAS, *aliases)))
    return tuple(dict.fromkeys(aliases))


def reader_names(
    connection: Connection, prefixes: Sequence[str], version: OpenReplayVersion
) -> tuple[str, ...]:
    """The names that OpenReplay is to be given here: ``logs``, unless an earlier set-up chose others.

    Raises:
        StoreError: The cluster cannot be reached.
    """
    if version.reads_alias:
        return (READER_ALIAS,)
    chosen: dict[str, None] = {}
    for prefix in prefixes:
        try:
            template = get_template(connection, schema.session_template_name(prefix))
        except StoreAccessError:
            # Who may make keys may not look at templates, perhaps.
            return (READER_ALIAS,)
        if template is not None and schema.is_managed(template):
            chosen.update(dict.fromkeys(template.get("template", {}).get("aliases", {})))
    return (READER_ALIAS,) if READER_ALIAS in chosen or not chosen else tuple(sorted(chosen))


def alias_step(connection: Connection, prefix: str, alias: str) -> Step:
    """What has to be done so that the session indexes that are there stand behind an alias."""
    what = f"alias {alias} over {schema.session_pattern(prefix)}"
    missing = lacking(session_indexes(connection, prefix), prefix, alias)
    if not missing:
        return Step("unchanged", what)
    actions = [{"add": {"indices": missing, "alias": alias}}]
    return Step("update", what, "POST", "/_aliases", {"actions": actions})


def lacking(indexes: Sequence[IndexState], prefix: str, alias: str) -> list[str]:
    """The indexes of days that do not stand behind an alias."""
    return [
        index.name
        for index in indexes
        if alias not in index.aliases
        and index.data_stream is None
        and day_of(index.name, prefix) is not None
    ]


def checked_aliases(text: str | None, version: OpenReplayVersion) -> tuple[str, ...]:
    """Further names, of a comma list.

    Raises:
        SettingsError: A name cannot be an alias, or no reader would look at it.
    """
    if text is None:
        return ()
    names = comma_list(text)
    for name in names:
        allowed = all(c.islower() or c.isdigit() or c in "-_." for c in name)
        if not name or not allowed or name[0] in "-_.":
            raise SettingsError(
                f"alias: expected names of lower-case letters, digits, - _ ., got {name[:40]!r}"
            )
    if names and not version.reads_tokens and names != (READER_ALIAS,):
        raise SettingsError(
            "alias: OpenReplay from v1.21 on reads the name logs and no other; further names are for"
            " --for v1.20 or --for both"
        )
    return names
