"""Filters and aggregations of the searches. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...names import TAG_ERROR
from ...session import first_id_at, session_id_or_none, started_at_ms
from ..timestamps import from_text, to_text, unix_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..base import LogQuery, Position, SessionQuery

SESSION_ID: Final = "openreplay.session.id"
_TEXT_FIELDS: Final = ["message", "error.message", "error.stack_trace"]
_HOURS: Final = (1, 24, 240)
"""How long before the newest one the sessions of a part of the list began, at most; the last part is all others."""
_LONG_AGO_MS: Final = 24 * 3_600_000
"""All that is newer than the time asked for would belong to the first part."""
_BEHIND_DIGITS: Final = ":"
_MAX_SERVICES: Final = 50
_MAX_LEVELS: Final = 20
IS_ERROR: Final[dict[str, Any]] = {"term": {"tags": TAG_ERROR}}
_SPAN: Final[dict[str, Any]] = {
    "first": {"min": {"field": "@timestamp"}},
    "last": {"max": {"field": "@timestamp"}},
}
FIGURES: Final[dict[str, Any]] = {
    **_SPAN,
    "errors": {"filter": IS_ERROR},
    "services": {"terms": {"field": "service.name", "size": _MAX_SERVICES}},
}
OVERVIEW: Final[dict[str, Any]] = {
    **_SPAN,
    "services": {
        # A record without a service counts too.
        "terms": {"field": "service.name", "size": _MAX_SERVICES, "missing": ""},
        "aggs": {
            "levels": {
                "terms": {"field": "level", "size": _MAX_LEVELS, "missing": ""},
                "aggs": {"errors": {"filter": IS_ERROR}},
            }
        },
    },
}


def session_filter(session_id: str) -> dict[str, Any]:
    """All records of a session."""
    return {"bool": {"filter": [{"term": {SESSION_ID: session_id}}]}}


def log_filters(query: LogQuery) -> list[dict[str, Any]]:
    """What a search in a session asks for; places only to the millisecond."""
    filters: list[dict[str, Any]] = [
        {"term": {SESSION_ID: query.session_id}},
        *record_filters(query),
    ]
    if query.errors_only:
        filters.append(IS_ERROR)
    if query.trace_id is not None:
        filters.append({"term": {"trace.id": query.trace_id}})
    if query.document_id is not None:
        filters.append({"ids": {"values": [query.document_id]}})
    bounds = {}
    if query.after is not None:
        bounds["gte"] = _millisecond_of(query.after)
    if query.before is not None:
        bounds["lte"] = _millisecond_of(query.before)
    if bounds:
        filters.append({"range": {"@timestamp": bounds}})
    return filters


def record_filters(query: LogQuery | SessionQuery) -> list[dict[str, Any]]:
    """What a record has to be, whatever its session."""
    filters = time_filters(query)
    if query.service is not None:
        filters.append({"term": {"service.name": query.service}})
    if query.levels:
        filters.append({"terms": {"level": list(query.levels)}})
    filters += [
        {"multi_match": {"query": phrase, "type": "phrase", "fields": _TEXT_FIELDS}}
        for phrase in query.phrases
    ]
    return filters


def time_filters(query: LogQuery | SessionQuery) -> list[dict[str, Any]]:
    """When a record has to be."""
    bounds: dict[str, str] = {}
    if query.since is not None:
        bounds["gte"] = to_text(query.since)
    if query.until is not None:
        bounds["lt"] = to_text(query.until)
    return [{"range": {"@timestamp": bounds}}] if bounds else []


def parts_of_the_list(
    query: SessionQuery, after: str | None, now_ms: int
) -> Iterator[dict[str, Any]]:
    """Filters that part the list of sessions, the newest first: in the order of their ids as texts.

    Elasticsearch looks at each record of a part before it knows the newest sessions. So what began in the last hour is
    asked for first, where most records fit. A wrong clock, or ids that somebody made up, cost time only.

    Args:
        query: What is asked for.
        after: The id behind which the first part begins.
        now_ms: Unix milliseconds.
    """
    newest_ms = now_ms if query.until is None else min(now_ms, unix_ms(query.until))
    is_long_ago = now_ms - newest_ms > _LONG_AGO_MS
    if after is not None and session_id_or_none(after) is not None:
        newest_ms = started_at_ms(after)
    bounds = {} if after is None else {"lt": after}
    for hours in () if is_long_ago or query.errors_only or query.phrases else _HOURS:
        begin = str(first_id_at(newest_ms - hours * 3_600_000))
        if begin < bounds.get("lt", _BEHIND_DIGITS):
            yield {"range": {SESSION_ID: {**bounds, "gte": begin}}}
            bounds = {"lt": begin}
    yield {"range": {SESSION_ID: bounds}} if bounds else {"exists": {"field": SESSION_ID}}


def _millisecond_of(place: Position) -> str:
    """The millisecond in which a place lies: all that Elasticsearch compares."""
    moment = from_text(place.timestamp)
    return to_text(moment.replace(microsecond=moment.microsecond // 1000 * 1000))
