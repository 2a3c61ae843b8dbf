"""Looks for records of sessions that were sent past this package, where OpenReplay does not look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..errors import StoreAccessError
from ..names import FIELD_SESSION_ID
from .result import Result, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .examination import Examination

_FIELDS: Final = (FIELD_SESSION_ID, f"attributes.{FIELD_SESSION_ID}")
"""As the ``ecs`` mapping has it, and as Elasticsearch's own OTLP endpoint and the ``otel`` mapping do."""
_LOG_STREAMS: Final = "logs-*-*,-logs-openreplay-*"
_BACKING: Final = re.compile(r"\.ds-(.+)-\d{4}\.\d\d\.\d\d-\d{6}")
_UNKNOWN: Final = (400, 404)
_MOST: Final = 20
_MOST_NAMED: Final = 3


def check_elsewhere(examination: Examination) -> Iterator[Result]:
    """Data streams of logs by Elastic's naming, which sessions' records reach by OTLP or other senders."""
    body = {
        "size": 0,
        "query": {"bool": {"should": [{"exists": {"field": field}} for field in _FIELDS]}},
        "aggs": {"indexes": {"terms": {"field": "_index", "size": _MOST}}},
    }
    path = f"/{_LOG_STREAMS}/_search?ignore_unavailable=true&filter_path=aggregations"
    try:
        answer = examination.connection.request("POST", path, body, expected=_UNKNOWN)
    except StoreAccessError:
        yield found("elsewhere.unseen")
        return
    counts: dict[str, int] = {}
    aggregations: dict[str, Any] = (
        answer.body.get("aggregations", {}) if answer.status < 300 else {}
    )
    for bucket in aggregations.get("indexes", {}).get("buckets", ()):
        match = _BACKING.fullmatch(bucket["key"])
        name = bucket["key"] if match is None else match[1]
        if not any(name.startswith(f"{prefix}-") for prefix in examination.prefixes):
            counts[name] = counts.get(name, 0) + bucket["doc_count"]
    if not counts:
        yield found("elsewhere.ok")
        return
    yield examination.found(
        "elsewhere.found",
        count=f"{sum(counts.values()):,}",
        names=", ".join(list(counts)[:_MOST_NAMED]),
        indexes=",".join(counts),
        pipeline=examination.prefixes[0],
    )
