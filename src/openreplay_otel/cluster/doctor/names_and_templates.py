"""Checks the name ``logs``, the index template, and the indexes that are there."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from ...errors import StoreAccessError
from ...names import READER_ALIAS
from ...stores.elasticsearch import preparation, schema
from ..indexes import IndexState, faults_of, read_indexes, session_indexes
from ..streams import wired_streams
from .findings import Result, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .examination import Examination

_MOST_SHOWN: Final = 3
_MOST_FAULTS: Final = 10


def check_alias(examination: Examination) -> Iterator[Result]:
    """The one name that OpenReplay from v1.21 on reads."""
    connection, prefix = examination.connection, examination.settings.index
    try:
        taken = preparation.foreign_logs(connection) or wired_streams(connection)
        if taken is not None:
            yield found("alias.foreign", reason=taken)
            return
        behind = read_indexes(connection, READER_ALIAS)
        own = session_indexes(connection, prefix)
    except StoreAccessError:
        yield found("alias.unseen")
        return
    faults = list(_alias_faults(examination, behind, own))
    yield from faults
    if any(fault.status == "failed" for fault in faults):
        return
    if behind:
        yield found("alias.ok", count=len(behind))
    elif not own:
        yield found("alias.pending")


def _alias_faults(
    examination: Examination, behind: list[IndexState], own: list[IndexState]
) -> Iterator[Result]:
    streams = _streams(behind)
    for name in streams:
        yield found("alias.data-stream", name=name)
    for name in _streams(own):
        if name not in streams:
            yield found("alias.stream-beside", name=name)
    missing = [i.name for i in own if READER_ALIAS not in i.aliases and i.data_stream is None]
    if missing and examination.version.reads_alias:
        yield found("alias.missing", names=_some(missing))
    begin = f"{examination.settings.index}-"
    strangers = [i.name for i in behind if i.data_stream is None and not i.name.startswith(begin)]
    if strangers:
        yield found("alias.strangers", names=_some(strangers))


def check_template(examination: Examination) -> Iterator[Result]:
    """The template that a new session index would get."""
    connection, prefix = examination.connection, examination.settings.index
    name, pattern = schema.session_template_name(prefix), examination.pattern
    try:
        template = preparation.get_template(connection, name)
        # Which one counts for an index of a day that is not there yet.
        path = f"/_index_template/_simulate_index/{schema.session_index(prefix, '2099.01.01')}"
        simulated: dict[str, Any] = connection.request("POST", path).body
    except StoreAccessError:
        yield found("template.unseen")
        return
    if template is None:
        yield found("template.missing", pattern=pattern)
        return
    if not schema.is_managed(template):
        yield found("template.foreign", name=name)
        return
    if not _is_in_force(simulated, template):
        winner = _winner(connection, prefix, name)
        yield found("template.overridden", winner=winner, pattern=pattern, name=name)
        return
    what = _difference(template, prefix)
    if what is not None:
        yield found("template.old", name=name, what=what)
        return
    aliases = template.get("template", {}).get("aliases", {})
    if examination.version.reads_alias and READER_ALIAS not in aliases:
        yield found("template.no-alias", name=name)
        return
    yield found("template.ok", name=name, version=template.get("version"))


def check_indexes(examination: Examination) -> Iterator[Result]:
    """Fields, analyzers and blocks of the session indexes, and of all else behind ``logs``."""
    connection = examination.connection
    try:
        indexes = {i.name: i for i in session_indexes(connection, examination.settings.index)}
        indexes.update((i.name, i) for i in read_indexes(connection, READER_ALIAS))
    except StoreAccessError:
        yield found("indexes.unseen")
        return
    wanted = [i for i in indexes.values() if i.data_stream is None]
    faults = [fault for index in wanted for fault in faults_of(index)]
    for fault in faults[:_MOST_FAULTS]:
        block = fault.reason.partition("index.blocks.")[2].partition(",")[0].rstrip(")")
        yield found(f"indexes.{fault.kind}", index=fault.index, reason=fault.reason, block=block)
    if not wanted:
        yield found("indexes.none")
    elif not faults:
        yield found("indexes.ok", count=len(wanted))


def _streams(indexes: list[IndexState]) -> list[str]:
    return sorted({index.data_stream for index in indexes if index.data_stream is not None})


def _is_in_force(simulated: dict[str, Any], template: dict[str, Any]) -> bool:
    got: dict[str, Any] = simulated.get("template", {})
    settings = got.get("settings", {}).get("index", {})
    wanted = template.get("template", {}).get("settings", {}).get("index", {})
    mappings = got.get("mappings", {}).get("properties", {})
    wanted_mappings = template.get("template", {}).get("mappings", {}).get("properties", {})
    is_same_order = settings.get("sort") == wanted.get("sort")
    return is_same_order and mappings.get("message") == wanted_mappings.get("message")


def _winner(connection: Any, prefix: str, name: str) -> str:
    """The template that counts in place of ours."""
    answer = connection.request("GET", "/_index_template")
    index = schema.session_index(prefix, "2099.01.01")
    others: list[tuple[int, str]] = [
        (entry["index_template"].get("priority") or 0, entry["name"])
        for entry in answer.body["index_templates"]
        if entry["name"] != name
        and any(
            fnmatchcase(index, pattern) for pattern in entry["index_template"]["index_patterns"]
        )
    ]
    return max(others)[1] if others else "another template"


def _difference(template: dict[str, Any], prefix: str) -> str | None:
    """In what a template of ours differs from what this version would make; None where it does not."""
    wanted = schema.session_template(prefix)
    if template.get("version") != wanted["version"]:
        return f"version {template.get('version')} in place of {wanted['version']}"
    got, due = template.get("template", {}), wanted["template"]
    left_out = template.get("_meta", {}).get("left_out", [])
    for part, name in (("mappings", "fields"), ("settings", "settings")):
        found_part, due_part = _flat(got.get(part, {})), _flat(due[part])
        for key, value in due_part.items():
            if key not in left_out and found_part.get(key) != value:
                return f"its {name} were changed ({key.removeprefix('properties.')})"
    return None


def _flat(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, list):
        return {path: orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()}
    if not isinstance(value, dict):
        # Elasticsearch gives every setting back as a text.
        return {path: str(value).lower() if isinstance(value, (bool, int)) else str(value)}
    flat: dict[str, str] = {}
    for name, inner in cast("dict[str, Any]", value).items():
        flat.update(_flat(inner, f"{path}.{name}" if path else name))
    return flat


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_SHOWN])
    rest = len(names) - _MOST_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
