"""Elastic's wired streams, which own the name ``logs`` where they are switched on (from 9.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..errors import StoreAccessError

if TYPE_CHECKING:
    from ..stores.elasticsearch import Connection

_UNKNOWN: Final = (400, 404, 405, 410)


def wired_streams(connection: Connection) -> str | None:
    """A sentence where wired streams are on; None where they are off, not there, or not to be seen."""
    try:
        answer = connection.request("GET", "/_streams/status", expected=_UNKNOWN)
    except StoreAccessError:
        return None
    if answer.status >= 300 or not answer.body.get("logs", {}).get("enabled"):
        return None
    return (
        f"{connection.name} has wired streams switched on, which own the name 'logs' and rename the field"
        " message: OpenReplay from v1.21 on cannot read such a cluster. Switch them off (Kibana > Streams >"
        " Settings, or POST /_streams/logs/_disable), or use another cluster"
    )
