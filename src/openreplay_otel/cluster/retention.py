"""How long logs are kept: by a lifecycle policy where the cluster has them, by ``prune`` elsewhere."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import SettingsError, StoreAccessError, StoreLayoutError
from ..stores.elasticsearch import schema
from ..stores.elasticsearch.preparation import Step
from ..text.typed import duration
from .indexes import day_of, is_left_over, is_session_index, session_indexes
from .printing import Request

if TYPE_CHECKING:
    from ..stores.elasticsearch import Connection

_MANAGED_BY: Final = "openreplay-otel"
_UNKNOWN: Final = (400, 404, 405, 410)
_MOST_DAYS: Final = 99_999


def days_of(text: str, option: str) -> int:
    """Read a retention: ``30d``, ``4w``, in days; ``off`` is 0.

    Raises:
        SettingsError: It is none.
    """
    word = text.strip().lower()
    if word in {"off", "none", "never"}:
        return 0
    with suppress(ValueError, OverflowError):
        kept = duration(word)
        if kept.days and not kept.seconds and kept.days <= _MOST_DAYS:
            return kept.days
    raise SettingsError(f"{option}: expected whole days or weeks (30d, 4w), got {text[:20]!r}")


def policy_name(prefix: str) -> str:
    """Name of the lifecycle policy of a prefix."""
    return prefix


def has_lifecycle(connection: Connection) -> bool:
    """Whether the cluster has index lifecycle management: serverless and some distributions have not."""
    try:
        answer = connection.request("GET", "/_ilm/policy/openreplay-otel", expected=_UNKNOWN)
    except StoreAccessError:
        # It is there; whether a policy may be made, the step itself tells.
        return True
    # Where it is there, an unknown policy is a 404 with a body of Elasticsearch's own kind.
    return (
        answer.status == 404 and "resource_not_found" in str(answer.body)
    ) or answer.status < 300


def without_lifecycle(days: int) -> str:
    """What to do where there is none."""
    if not days:
        return "this cluster has no index lifecycle management: there is no retention to take back"
    return (
        "this cluster has no index lifecycle management, so nothing deletes old logs by itself: run"
        f" `openreplay-otel prune --retention {days}d --yes` once a day (cron)"
    )


def policy_request(prefix: str, days: int) -> Request:
    """The request that makes the policy."""
    path = f"/_ilm/policy/{policy_name(prefix)}"
    return Request("PUT", path, _policy(days), f"deletes logs after {days} days")


def policy_step(connection: Connection, prefix: str, days: int) -> Step:
    """What has to be done so that the policy says this retention.

    Raises:
        StoreLayoutError: A policy of this name is somebody else's.
    """
    name = policy_name(prefix)
    what = f"lifecycle policy {name}: logs are deleted after {days} days"
    path = f"/_ilm/policy/{name}"
    answer = connection.request("GET", path, expected=(404,))
    if answer.status == 404:
        return Step("create", what, "PUT", path, _policy(days))
    found: dict[str, Any] = answer.body[name]["policy"]
    if not schema.is_managed(found):
        raise StoreLayoutError(
            f"{connection.name} has a lifecycle policy called {name!r} that openreplay-otel did not make; it"
            " was not touched. Delete or rename it, or choose another prefix with --index"
        )
    phases = found.get("phases", {})
    if phases.get("delete", {}).get("min_age") == f"{days}d":
        return Step("unchanged", what)
    return Step("update", what, "PUT", path, _policy(days))


def index_steps(connection: Connection, prefix: str, days: int) -> list[Step]:
    """What has to be done with the indexes that are there, so that they follow the policy, or none."""
    name = policy_name(prefix) if days else None
    differing = [
        index.name
        for index in session_indexes(connection, prefix)
        if is_session_index(index, prefix)
        and index.settings.get("lifecycle", {}).get("name") != name
    ]
    if not differing:
        return []
    what = f"retention of {len(differing)} indexes that are there"
    if name is None:
        return [Step("update", what, "POST", f"/{','.join(differing)}/_ilm/remove")]
    body = {"index": {"lifecycle": {"name": name}}}
    return [Step("update", what, "PUT", f"/{','.join(differing)}/_settings", body)]


class Expired(NamedTuple):
    """Names of indexes whose sessions began too long ago, the oldest first.

    Attributes:
        ours: Those of our template.
        left_over: Those made before the set-up, or copied to another name: users' data all the same.
    """

    ours: list[str]
    left_over: list[str]


def expired(connection: Connection, prefix: str, days: int, today: date) -> Expired:
    """The indexes whose sessions began more than so many days ago.

    Args:
        connection: The cluster.
        prefix: Prefix of the session indexes.
        days: The retention.
        today: The present day in UTC.
    """
    latest = today - timedelta(days=days)
    found = Expired([], [])
    for index in session_indexes(connection, prefix):
        day = day_of(index.name, prefix)
        try:
            is_old = day is not None and date(*day) < latest
        except ValueError:
            continue  # a name with a 13th month is none of ours
        if is_old and is_session_index(index, prefix):
            found.ours.append(index.name)
        elif is_old and is_left_over(index, prefix):
            found.left_over.append(index.name)
    return found


def delete_indexes(connection: Connection, names: list[str]) -> None:
    """Delete indexes by their full names, some at a time: a request's first line is bounded.

    Raises:
        StoreError: The cluster refuses or cannot be reached.
    """
    for start in range(0, len(names), 50):
        part = ",".join(names[start : start + 50])
        connection.request("DELETE", f"/{part}?ignore_unavailable=true")


def _policy(days: int) -> dict[str, Any]:
    return {
        "policy": {
            "_meta": {
                "managed_by": _MANAGED_BY,
                "description": "Retention of logs of OpenReplay sessions",
            },
            "phases": {
                "hot": {"actions": {}},
                "delete": {"min_age": f"{days}d", "actions": {"delete": {}}},
            },
        }
    }
