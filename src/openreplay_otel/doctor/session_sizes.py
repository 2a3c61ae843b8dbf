"""Looks for sessions of which OpenReplay's panel cannot show all records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..errors import StoreError
from .examination import sentence
from .result import Result, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .examination import Examination

PANEL_LIMIT: Final = 1000
_MOST: Final = 100
_MOST_NAMED: Final = 3


def check_sizes(examination: Examination) -> Iterator[Result]:
    """Sessions of more records than the panel asks for."""
    terms = {
        "field": "openreplay.session.id",
        "min_doc_count": PANEL_LIMIT + 1,
        "size": _MOST,
    }
    body = {"size": 0, "aggs": {"sessions": {"terms": terms}}}
    path = f"/{examination.pattern}/_search?ignore_unavailable=true&filter_path=aggregations"
    try:
        answer: dict[str, Any] = examination.connection.request("POST", path, body).body
    except StoreError as error:
        yield found("size.unknown", reason=sentence(error))
        return
    buckets = answer.get("aggregations", {}).get("sessions", {}).get("buckets", [])
    if not buckets:
        yield found("size.ok")
        return
    named = ", ".join(f"{b['key']} ({b['doc_count']:,})" for b in buckets[:_MOST_NAMED])
    count = f"{len(buckets)} or more" if len(buckets) == _MOST else len(buckets)
    yield found("size.over", count=count, names=named, first=buckets[0]["key"])
