"""Checks the name ``logs``, the index template, and the indexes that are there."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import orjson

from ..cluster.indexes import (
    IndexState,
    faults_of,
    index_of_day,
    is_in_order,
    is_left_over,
    read_indexes,
    session_indexes,
)
from ..cluster.order import disorder_in
from ..cluster.reader_names import lacking
from ..cluster.set_up import SetUp, session_template_steps
from ..cluster.streams import beside_logs, owning_logs, wired_streams
from ..errors import StoreAccessError
from ..names import READER_ALIAS
from ..stores.elasticsearch import preparation, schema
from .result import Result, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .examination import Examination

_MOST_SHOWN: Final = 3
_LOOKED_AT_FOR_ORDER: Final = 3
_MOST_FAULTS: Final = 10


def check_alias(examination: Examination) -> Iterator[Result]:
    """The names that OpenReplay reads: from v1.21 on ``logs`` and no other."""
    connection = examination.connection
    try:
        own = [i for prefix in examination.prefixes for i in session_indexes(connection, prefix)]
        for alias in examination.names:
            yield from _check_name(examination, alias, own)
    except StoreAccessError:
        yield found("alias.unseen")


def _check_name(examination: Examination, alias: str, own: list[IndexState]) -> Iterator[Result]:
    connection = examination.connection
    behind = read_indexes(connection, alias)
    streams = [name for name in _streams(behind) if name != alias]
    wired = wired_streams(connection) if alias == READER_ALIAS else []
    owned = owning_logs(connection, wired)
    if owned is not None:
        yield examination.found("alias.wired", reason=owned)
        return
    taken = None if streams else preparation.foreign_name(connection, alias)
    if taken is not None:
        is_stream = any(index.data_stream == alias for index in behind)
        path = f"/_data_stream/{alias}" if is_stream else f"/{alias}"
        yield examination.found("alias.foreign", name=alias, path=path, reason=taken)
        return
    beside = beside_logs(wired)
    if beside is not None:
        yield found("alias.beside-wired", reason=beside)
    faults = list(_alias_faults(examination, alias, behind, own))
    yield from faults
    if any(fault.status == "failed" for fault in faults):
        return
    if behind:
        yield found("alias.ok", names=alias, count=len(behind))
    elif not own:
        yield found("alias.pending", names=alias)


def _alias_faults(
    examination: Examination, alias: str, behind: list[IndexState], own: list[IndexState]
) -> Iterator[Result]:
    streams = _streams(behind)
    for name in streams:
        yield examination.found("alias.data-stream", name=name, alias=alias)
    for name in _streams(own):
        if name not in streams:
            yield examination.found("alias.stream-beside", name=name)
    missing = [name for p in examination.prefixes for name in lacking(own, p, alias)]
    if missing:
        yield examination.found("alias.missing", names=_some(missing), alias=alias)
    # Of another prefix than those that are looked at, perhaps.
    strangers = [
        i.name
        for i in behind
        if i.data_stream is None
        and not i.name.startswith(tuple(f"{prefix}-" for prefix in examination.prefixes))
        and not is_in_order(i)
    ]
    if strangers:
        listed = orjson.dumps(strangers).decode()
        yield examination.found(
            "alias.strangers", names=_some(strangers), alias=alias, listed=listed
        )


def check_template(examination: Examination) -> Iterator[Result]:
    """The templates that new session indexes would get."""
    for prefix in examination.prefixes:
        yield _check_template(examination, prefix)


def _check_template(examination: Examination, prefix: str) -> Result:
    connection = examination.connection
    name, pattern = schema.session_template_name(prefix), schema.session_pattern(prefix)
    try:
        template = preparation.get_template(connection, name)
        # Which one counts for an index of a day that is not there yet.
        path = f"/_index_template/_simulate_index/{schema.session_index(prefix, '2099.01.01')}"
        simulated: dict[str, Any] = connection.request("POST", path).body
    except StoreAccessError:
        return found("template.unseen")
    if template is None:
        return examination.found("template.missing", pattern=pattern)
    if not schema.is_managed(template):
        return examination.found("template.foreign", name=name)
    if not _is_in_force(simulated, template):
        winner = _winner(connection, prefix, name)
        return found("template.overridden", winner=winner, pattern=pattern, name=name)
    return _compared(examination, prefix, template)


def _compared(examination: Examination, prefix: str, template: dict[str, Any]) -> Result:
    """A template of ours beside what the set-up would make of it, so that both agree about what is right."""
    name = schema.session_template_name(prefix)
    aliases = template.get("template", {}).get("aliases", {})
    absent = [alias for alias in examination.names if alias not in aliases]
    if absent:
        return examination.found("template.no-alias", name=name, alias=absent[0])
    wanted = SetUp(prefixes=(prefix,), version=examination.version, aliases=examination.names)
    *_, step = session_template_steps(examination.connection, prefix, wanted, None)
    if step.action != "unchanged":
        what = step.what.partition(": ")[2]
        return examination.found("template.old", name=name, what=what)
    return found("template.ok", name=name, version=template.get("version"))


def check_indexes(examination: Examination) -> Iterator[Result]:
    """Fields, analyzers and blocks of the session indexes, and of all else behind the names."""
    connection = examination.connection
    try:
        indexes = {
            i.name: i
            for prefix in examination.prefixes
            for i in session_indexes(connection, prefix)
        }
        for alias in examination.names:
            indexes.update((i.name, i) for i in read_indexes(connection, alias))
    except StoreAccessError:
        yield found("indexes.unseen")
        return
    wanted = [i for i in indexes.values() if i.data_stream is None]
    results = [result for index in wanted for result in _index_faults(examination, index)]
    if not results:
        newest = sorted((i.name for i in wanted), reverse=True)
        results = list(_disorder(examination, newest[:_LOOKED_AT_FOR_ORDER]))
    yield from results[:_MOST_FAULTS]
    if not wanted:
        yield found("indexes.none")
    elif not results:
        yield found("indexes.ok", count=len(wanted))


def _disorder(examination: Examination, names: list[str]) -> Iterator[Result]:
    for name in names:
        try:
            disorder = disorder_in(examination.connection, name)
        except StoreAccessError:
            return
        if disorder is not None:
            yield examination.found("indexes.disorder", index=name, reason=disorder.reason)


def _index_faults(examination: Examination, index: IndexState) -> Iterator[Result]:
    of_day = {p: name for p in examination.prefixes if (name := index_of_day(index.name, p))}
    is_beside = any(
        name != index.name and is_left_over(index, prefix) for prefix, name in of_day.items()
    )
    if is_beside:
        yield examination.found("indexes.beside", index=index.name)
    for fault in faults_of(index):
        values = {"index": fault.index, "reason": fault.reason}
        if fault.kind == "blocked":
            block = fault.reason.partition("index.blocks.")[2].partition(",")[0].rstrip(")")
            yield examination.found("indexes.blocked", block=block, **values)
        elif not of_day:
            for alias in examination.names:
                if alias in index.aliases:
                    yield examination.found("indexes.stranger", alias=alias, **values)
        elif not is_beside:
            yield examination.found(f"indexes.{fault.kind}", **values)


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


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_SHOWN])
    rest = len(names) - _MOST_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
