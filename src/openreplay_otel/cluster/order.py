"""Whether a recording's logs read from top to bottom: OpenReplay shows hits in the order in which the index has them.

One process sends one request at a time, and in order. Several processes that catch up after an outage, dead letters
that are sent again and old files that are shipped write behind what is there already. Merged into one part, the index
is sorted as a whole.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..names import FIELD_SESSION_ID, FIELD_TIMESTAMP

if TYPE_CHECKING:
    from ..stores.elasticsearch import Connection

_SESSIONS: Final = 30
"""The longest ones of a day: where they are in order, the others are."""
_HITS: Final = 1000
"""What the panel asks for."""
_STEP_SECONDS: Final = 0.1
"""Smaller steps back are those of records that several processes log at the same moment."""


class Disorder(NamedTuple):
    """What is out of order in an index.

    Attributes:
        sessions: How many sessions.
        looked_at: Of how many.
        seconds: The largest step back in time.
    """

    sessions: int
    looked_at: int
    seconds: float

    @property
    def reason(self) -> str:
        """A part of a sentence about the index."""
        return (
            f"shows {self.sessions} of its {self.looked_at} longest sessions out of order, with steps back of up to"
            f" {self.seconds:,.1f} s"
        )


def disorder_in(connection: Connection, index: str) -> Disorder | None:
    """Look at the longest sessions of an index; None where they are in order.

    Raises:
        StoreError: The cluster cannot be reached, or the credentials may not read.
    """
    longest = {"size": 0, "aggs": {"longest": {"terms": {"field": FIELD_SESSION_ID, "size": _SESSIONS}}}}  # fmt: skip
    answer: dict[str, Any] = connection.request("POST", f"/{index}/_search", longest).body
    buckets = answer.get("aggregations", {}).get("longest", {}).get("buckets", [])
    steps = [_largest_step_back(connection, index, bucket["key"]) for bucket in buckets]
    disordered = [step for step in steps if step >= _STEP_SECONDS]
    return Disorder(len(disordered), len(steps), max(disordered)) if disordered else None


def _largest_step_back(connection: Connection, index: str, session_id: str) -> float:
    body = {
        "size": _HITS,
        "track_total_hits": False,
        "_source": False,
        "docvalue_fields": [{"field": FIELD_TIMESTAMP, "format": "strict_date_time"}],
        "query": {"constant_score": {"filter": {"term": {FIELD_SESSION_ID: session_id}}}},
    }
    answer: dict[str, Any] = connection.request("POST", f"/{index}/_search", body).body
    largest = 0.0
    latest = datetime.min.replace(tzinfo=timezone.utc)
    for hit in answer["hits"]["hits"]:
        (text,) = hit["fields"][FIELD_TIMESTAMP]
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        largest = max(largest, (latest - at).total_seconds())
        latest = max(latest, at)
    return largest
