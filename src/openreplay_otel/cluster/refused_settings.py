"""Settings that a managed or serverless cluster refuses: left out, with a word on what that costs."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from ..errors import StoreLayoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..stores.elasticsearch import Connection
    from ..stores.elasticsearch.preparation import Step

COSTS: Final = {
    "index.number_of_shards": "hits may come shard by shard, and the panel's order may jump",
    "index.auto_expand_replicas": "copies are the cluster's own business",
    "index.merge.policy.type": (
        "hits of a session that goes on for long may come out of order by some places in the panel"
    ),
    "index.sort.field": "a session's records do not lie together: reading them takes longer",
    "index.sort.order": "a session's records do not lie together: reading them takes longer",
    "index.mapping.ignore_malformed": "a record with an odd value in a field may be refused",
    "index.mapping.total_fields.limit": "a record with one field too many may be refused",
    "index.mapping.total_fields.ignore_dynamic_beyond_limit": (
        "a record with one field too many is refused"
    ),
    "index.lifecycle.name": "old logs are not deleted by themselves: use `openreplay-otel prune`",
}
"""What it costs to go without, by setting; one that is not here is not left out."""


def apply_step(connection: Connection, step: Step) -> str | None:
    """Do one step; where a template's settings are refused, without those.

    Returns:
        A sentence about what was left out, or None.

    Raises:
        StoreError: The cluster refuses it for another reason, or cannot be reached.
    """
    if step.action == "unchanged":
        return None
    left_out: list[str] = []
    body = step.body
    while True:
        try:
            connection.request(step.method, step.path, body)
        except StoreLayoutError as error:
            refused = [name for name in COSTS if name in str(error) and name not in left_out]
            if not refused or body is None or "template" not in body:
                raise
            left_out += refused
            body = without_settings(body, left_out)
        else:
            break
    if not left_out:
        return None
    costs = "; ".join(dict.fromkeys(COSTS[name] for name in left_out))
    return f"{connection.name} does not take {', '.join(left_out)}: left out. {costs}"


def without_settings(template: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """An index template without some settings, which notes what is missing."""
    made = copy.deepcopy(template)
    for name in names:
        holder = made["template"]["settings"]
        *path, last = name.split(".")
        for part in path:
            holder = holder.get(part, {})
        holder.pop(last, None)
    made["_meta"]["left_out"] = list(names)
    return made
