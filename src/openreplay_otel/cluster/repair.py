"""Puts right what stands in an index of the wrong kind: copied into a new index of the day's name.

An index keeps the fields and the sorting that it was made with. The copy has to have the day's own name: apps go
on writing to that one, and hits of several indexes come by name, so that a session in two of them is out of order.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from ..errors import StoreError, StoreLayoutError
from .indexes import faults_of, index_of_day, is_left_over, read_indexes, session_indexes
from .order import disorder_in

if TYPE_CHECKING:
    from ..stores.elasticsearch import Connection
    from .indexes import IndexState

_ASIDE: Final = "-repair"
_SECONDS: Final = 3600.0
"""For one copy: a day of a large site takes minutes."""


@dataclass(frozen=True)
class Repair:
    """What has to be done for one day.

    Attributes:
        target: The day's index.
        is_wrong: Whether the index of that name has to be made anew.
        others: Indexes of other names with records of that day.
        reasons: Why, a sentence each.
    """

    target: str
    is_wrong: bool
    others: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def copies(self) -> bool:
        """Whether records are copied, and indexes deleted; else one index is merged, and all stays where it is."""
        return self.is_wrong or bool(self.others)


def plan_repairs(
    connection: Connection, prefix: str, *, looks_at_order: bool = True
) -> list[Repair]:
    """The days of which something is out of order, or in an index of the wrong kind or name, the oldest first.

    Args:
        connection: The cluster.
        prefix: Prefix of the session indexes.
        looks_at_order: Whether sessions are read too, some of each day; else only how indexes are made counts.

    Raises:
        StoreError: The cluster cannot be reached or refuses.
    """
    days: dict[str, list[IndexState]] = {}
    for index in session_indexes(connection, prefix):
        target = index_of_day(index.name, prefix)
        if target is not None and index.data_stream is None:
            days.setdefault(target, []).append(index)
    planned = (
        _planned(target, days[target], prefix)
        or (_planned_merge(connection, target) if looks_at_order else None)
        for target in sorted(days)
    )
    return [repair for repair in planned if repair is not None]


def carry_out_repair(connection: Connection, repair: Repair) -> int:
    """Do what has to be done for one day. Broken off, it goes on where it was when it is called again.

    Apps may write meanwhile: what they send waits until the day's index is there again. OpenReplay does not
    see the day's records while they are copied.

    Returns:
        How many records stand in the day's index.

    Raises:
        StoreLayoutError: A record is not taken by the new index; all are where they were.
        StoreError: The cluster cannot be reached or refuses.
    """
    target, aside = repair.target, repair.target + _ASIDE
    sources = list(repair.others)
    if repair.is_wrong:
        _move_aside(connection, target, aside)
        if aside not in sources:
            sources.insert(0, aside)
    _ensure(connection, target)
    if sources:
        keep_age(connection, target)
    for source in sources:
        # Otherwise its records would be seen twice until it is gone.
        _take_out_of_aliases(connection, source)
        _copy(connection, source, target)
        connection.request("DELETE", f"/{source}")
    # One part, sorted as a whole: the order in which OpenReplay gets the hits.
    path = f"/{target}/_forcemerge?max_num_segments=1"
    connection.request("POST", path, timeout=_SECONDS)
    return _count(connection, target)


def _planned(target: str, indexes: list[IndexState], prefix: str) -> Repair | None:
    reasons: list[str] = []
    is_wrong = False
    others: list[str] = []
    for index in indexes:
        if index.name == target:
            faults = [fault.reason for fault in faults_of(index) if fault.kind != "blocked"]
            is_wrong = bool(faults)
            reasons += [f"{index.name} {reason}" for reason in faults]
        elif index.name == target + _ASIDE:
            others.insert(0, index.name)
            reasons.append(f"{index.name} is left of a repair that was broken off")
        elif is_left_over(index, prefix):
            others.append(index.name)
            reasons.append(
                f"{index.name} stands beside the day's index, where records come out of order"
            )
    return Repair(target, is_wrong, tuple(others), tuple(reasons)) if reasons else None


def _planned_merge(connection: Connection, target: str) -> Repair | None:
    try:
        disorder = disorder_in(connection, target)
    except StoreError:
        # Closed, or of shards that are not there: the doctor tells of that.
        return None
    if disorder is None:
        return None
    return Repair(target, is_wrong=False, others=(), reasons=(f"{target} {disorder.reason}",))


def _move_aside(connection: Connection, target: str, aside: str) -> None:
    """Copy an index to a sorted one that OpenReplay does not see, and delete it."""
    is_new = _create(connection, aside)
    _take_out_of_aliases(connection, aside)
    # What apps send from now on waits: it would not be in the copy.
    connection.request("PUT", f"/{target}/_block/write")
    try:
        _copy(connection, target, aside)
    except StoreError:
        with contextlib.suppress(StoreError):
            settings = {"index.blocks.write": None}
            connection.request("PUT", f"/{target}/_settings", settings)
            if is_new:
                connection.request("DELETE", f"/{aside}")
        raise
    connection.request("DELETE", f"/{target}")


def _ensure(connection: Connection, target: str) -> None:
    """Have the day's index as the template makes it; an app may have been faster."""
    _create(connection, target)
    for index in read_indexes(connection, target):
        for fault in faults_of(index):
            if fault.kind != "blocked":
                raise StoreLayoutError(
                    f"a new index {target} {fault.reason}: another template counts there. The records of"
                    f" that day are safe in {target}{_ASIDE}; `openreplay-otel doctor` names the template,"
                    " `openreplay-otel setup --repair` goes on"
                )


def keep_age(connection: Connection, target: str) -> None:
    """Let a lifecycle policy count from the day, and not from the copy: old logs are deleted when they were to be."""
    try:
        day = datetime.strptime(target[-10:], "%Y.%m.%d").replace(tzinfo=timezone.utc)
    except ValueError:
        return  # a 13th month
    for index in read_indexes(connection, target):
        if index.settings.get("lifecycle", {}).get("name"):
            body = {"index": {"lifecycle": {"origination_date": int(day.timestamp()) * 1000}}}
            connection.request("PUT", f"/{target}/_settings", body)


def _create(connection: Connection, name: str) -> bool:
    answer = connection.request("PUT", f"/{name}", expected=(400,))
    if answer.status == 400 and "resource_already_exists" not in str(answer.body):
        raise StoreLayoutError(f"{connection.name} does not make the index {name}: {answer.body}")
    return answer.status < 300


def _take_out_of_aliases(connection: Connection, name: str) -> None:
    for index in read_indexes(connection, name):
        actions = [{"remove": {"index": name, "alias": alias}} for alias in sorted(index.aliases)]
        if actions:
            connection.request("POST", "/_aliases", {"actions": actions})


def _copy(connection: Connection, source: str, target: str) -> None:
    """Copy what the target does not have yet.

    Raises:
        StoreLayoutError: Not all of it could be copied.
    """
    connection.request("POST", f"/{source}/_refresh")
    count = _count(connection, source)
    body = {
        "conflicts": "proceed",
        "source": {"index": source},
        "dest": {"index": target, "op_type": "create"},
    }
    answer: dict[str, Any] = connection.request(
        "POST", "/_reindex?refresh=true", body, timeout=_SECONDS, expected=(400,)
    ).body
    failures: list[dict[str, Any]] = answer.get("failures") or []
    done = answer.get("created", 0) + answer.get("version_conflicts", 0)
    if failures or done < count:
        reason = failures[0].get("cause", {}).get("reason") if failures else answer.get("error")
        raise StoreLayoutError(
            f"{done:,} of {count:,} records of {source} could be copied to {target}: {reason}; none was deleted"
        )


def _count(connection: Connection, name: str) -> int:
    return connection.request("GET", f"/{name}/_count").body["count"]
