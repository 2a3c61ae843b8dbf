"""Elastic's wired streams, one of which may own the name ``logs``.

From 9.1 to 9.3 there is one, called ``logs``. From 9.4 on a new cluster has ``logs.otel`` and ``logs.ecs``
instead, which leave the name free; a cluster that comes from an earlier version keeps the first beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from ..errors import StoreAccessError
from ..names import READER_ALIAS

if TYPE_CHECKING:
    from ..stores.elasticsearch import Connection

_UNKNOWN: Final = (400, 404, 405, 410)


def wired_streams(connection: Connection) -> list[str]:
    """Names of the wired streams that are on; none where there are no such, or they are not to be seen."""
    try:
        answer = connection.request("GET", "/_streams/status", expected=_UNKNOWN)
    except StoreAccessError:
        return []
    if answer.status >= 300:
        return []
    entries: dict[str, Any] = answer.body
    return sorted(
        name
        for name, entry in entries.items()
        if isinstance(entry, dict) and cast("dict[str, Any]", entry).get("enabled")
    )


def owning_logs(connection: Connection, streams: list[str]) -> str | None:
    """A sentence where one of the streams that are on owns the name ``logs``; None where it is free."""
    if READER_ALIAS not in streams:
        return None
    return (
        f"{connection.name} has the wired stream 'logs' switched on, which owns that name and renames the"
        " field message: OpenReplay from v1.21 on cannot read such a cluster (Elasticsearch 9.1 to 9.3, or"
        " one that comes from there). Switch it off (Kibana > Streams > Settings, or POST"
        " /_streams/logs/_disable), or use another cluster"
    )


def beside_logs(streams: list[str]) -> str | None:
    """A sentence on streams that are on and leave the name ``logs`` free; None where there are none."""
    others = [name for name in streams if name != READER_ALIAS]
    if not others:
        return None
    return (
        f"wired streams are on ({', '.join(others)}) and leave the name logs free: both work side by side;"
        " what is sent to those streams OpenReplay does not see"
    )
