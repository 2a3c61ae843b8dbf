"""Searches: the records of a session in time order, and the sessions with their figures."""

from __future__ import annotations

import contextlib
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from ...errors import StoreAccessError, StoreError, StoreLayoutError
from ...names import READER_ALIAS, TAG_ERROR
from ..base import Hit, LogQuery, SessionFigures, SessionQuery
from ..times import from_text, to_text
from . import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .connection import Connection

_FIRST_PAGE: Final = 1000
_SLACK: Final = 50
_PAGE: Final = 5000
_SESSIONS_PAGE: Final = 500
_MAX_SERVICES: Final = 50
_KEEP_ALIVE: Final = "2m"
_TEXT_FIELDS: Final = ["message", "error.message", "error.stack_trace"]
_SORT: Final = [{"@timestamp": {"order": "asc", "unmapped_type": "date"}}]
_LENIENT: Final = "ignore_unavailable=true&allow_no_indices=true"


class Reader:
    """Reads session indexes of one cluster.

    Args:
        connection: The cluster.
        prefix: Prefix of the session indexes.
    """

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix

    def search(self, query: LogQuery, day: str) -> Iterator[list[Hit]]:
        """Pages of a session's documents, in time order, those of one time in the order of emission.

        Args:
            query: Session and filters.
            day: The day on which the session began, ``yyyy.mm.dd``; its index is asked first, the
                others only where it knows nothing of the session.
        """
        home = schema.session_index(self._prefix, day)
        targets = [home, schema.session_pattern(self._prefix)]
        for target in targets:
            found = False
            for page in self._search_target(target, query):
                found = True
                yield page
            if found or (target == home and self._knows(home, query)):
                return

    def _knows(self, index: str, query: LogQuery) -> bool:
        """Whether an index has records of the session that the filters of the query hid."""
        is_filtered = (
            query.errors_only or query.levels or query.phrases or query.since or query.until
        )
        if not is_filtered:
            return False
        body = {"query": _session_filter(query.session_id), "size": 0, "terminate_after": 1}
        return bool(self._search(index, body, "")["hits"]["total"]["value"])

    def _search_target(self, target: str, query: LogQuery) -> Iterator[list[Hit]]:
        body = {"query": _log_filter(query), "sort": _SORT}
        limit = query.limit
        if limit == 0:
            return
        # A few more than asked for: the order of records of one millisecond is only known when all of
        # them are there.
        size = _FIRST_PAGE if limit is None else min(_FIRST_PAGE, limit + _SLACK)
        first = {**body, "size": size, "track_total_hits": False}
        hits = self._search(target, first, "")["hits"]["hits"]
        is_all = len(hits) < size
        if limit is not None and not is_all and limit < len(hits):
            is_all = hits[limit - 1]["sort"] != hits[-1]["sort"]
        if is_all:
            if hits:
                yield _in_order(hits)[:limit]
            return
        yield from _limited(_whole_milliseconds(self._walk(target, body)), limit)

    def _walk(self, target: str, body: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        # A scroll, since a point in time over an alias cannot be searched by a key that may read no
        # more than the alias.
        path = f"/_search?scroll={_KEEP_ALIVE}&{_LENIENT}"
        answer = self._post(target, path, {**body, "size": _PAGE})
        try:
            while hits := answer["hits"]["hits"]:
                yield hits
                if len(hits) < _PAGE:
                    return
                more = {"scroll_id": answer["_scroll_id"], "scroll": _KEEP_ALIVE}
                answer = self._connection.request("POST", "/_search/scroll", more).body
        finally:
            if "_scroll_id" in answer:
                end = {"scroll_id": answer["_scroll_id"]}
                # It ends by itself in two minutes.
                with contextlib.suppress(StoreError):
                    self._connection.request("DELETE", "/_search/scroll", end)

    def sessions(self, query: SessionQuery) -> Iterator[list[SessionFigures]]:
        """Pages of sessions with their figures, the newest first."""
        after: dict[str, Any] | None = None
        while True:
            composite: dict[str, Any] = {
                "size": _SESSIONS_PAGE,
                "sources": [{"id": {"terms": {"field": "openreplay.session.id", "order": "desc"}}}],
            }
            if after is not None:
                composite["after"] = after
            wanted: dict[str, Any] = {"composite": composite}
            if not query.errors_only:
                wanted["aggs"] = _FIGURES
            filters = [*_time_filter(query), {"exists": {"field": "openreplay.session.id"}}]
            errors = [{"term": {"tags": TAG_ERROR}}] if query.errors_only else []
            found = self._aggregate([*filters, *errors], {"sessions": wanted})
            buckets = found.get("sessions", {}).get("buckets", [])
            if query.errors_only and buckets:
                # Errors are few: find the sessions by them, then count all of those sessions' records.
                ids = [bucket["key"]["id"] for bucket in buckets]
                figures = {
                    "terms": {"field": "openreplay.session.id", "size": len(ids)},
                    "aggs": _FIGURES,
                }
                of_ids = {"terms": {"openreplay.session.id": ids}}
                counted = self._aggregate([*filters, of_ids], {"sessions": figures})
                by_id = {bucket["key"]: bucket for bucket in counted["sessions"]["buckets"]}
                yield [_figures(i, by_id[i]) for i in ids if i in by_id]
            elif buckets:
                yield [_figures(bucket["key"]["id"], bucket) for bucket in buckets]
            after = found.get("sessions", {}).get("after_key")
            if after is None or len(buckets) < _SESSIONS_PAGE:
                return

    def _aggregate(self, filters: list[dict[str, Any]], aggs: dict[str, Any]) -> dict[str, Any]:
        body = {"query": {"bool": {"filter": filters}}, "size": 0, "aggs": aggs}
        target = schema.session_pattern(self._prefix)
        return self._search(target, body, "&filter_path=aggregations,_shards.total").get(
            "aggregations", {}
        )

    def _search(self, target: str, body: dict[str, Any], more: str) -> dict[str, Any]:
        return self._post(target, f"/_search?{_LENIENT}{more}", body)

    def _post(self, target: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """Ask the indexes; where the key may not see them, the alias: OpenReplay's key sees nothing else."""
        try:
            answer = self._connection.request("POST", f"/{target}{path}", body).body
        except StoreAccessError as error:
            if body is not None:
                of_index = [body["query"], {"term": {"_index": target}}]
                body = {**body, "query": {"bool": {"filter": of_index}}}
            try:
                return self._connection.request("POST", f"/{READER_ALIAS}{path}", body).body
            except StoreAccessError:
                raise error from None
        except StoreLayoutError as error:
            if "fielddata" in str(error).lower():
                message = (
                    f"{error}. The index was made without our template: run `openreplay-otel setup`,"
                    " then reindex it"
                )
                raise StoreLayoutError(message) from error
            raise
        if answer.get("_shards", {}).get("total") == 0:
            # A pattern is silently narrowed to what the key may see: here to nothing.
            by_alias = self._connection.request(
                "POST", f"/{READER_ALIAS}{path}", body, expected=(403, 404)
            )
            if by_alias.status < 300:
                return by_alias.body
        return answer


_FIGURES: Final[dict[str, Any]] = {
    "first": {"min": {"field": "@timestamp"}},
    "last": {"max": {"field": "@timestamp"}},
    "errors": {"filter": {"term": {"tags": TAG_ERROR}}},
    "services": {"terms": {"field": "service.name", "size": _MAX_SERVICES}},
}


def _session_filter(session_id: str) -> dict[str, Any]:
    return {"bool": {"filter": [{"term": {"openreplay.session.id": session_id}}]}}


def _log_filter(query: LogQuery) -> dict[str, Any]:
    filters: list[dict[str, Any]] = [
        {"term": {"openreplay.session.id": query.session_id}},
        *_time_filter(query),
    ]
    if query.errors_only:
        filters.append({"term": {"tags": TAG_ERROR}})
    if query.levels:
        filters.append({"terms": {"level": list(query.levels)}})
    filters += [
        {"multi_match": {"query": phrase, "type": "phrase", "fields": _TEXT_FIELDS}}
        for phrase in query.phrases
    ]
    return {"bool": {"filter": filters}}


def _time_filter(query: LogQuery | SessionQuery) -> list[dict[str, Any]]:
    bounds: dict[str, str] = {}
    if query.since is not None:
        bounds["gte"] = to_text(query.since)
    if query.until is not None:
        bounds["lt"] = to_text(query.until)
    return [{"range": {"@timestamp": bounds}}] if bounds else []


def _in_order(hits: list[dict[str, Any]]) -> list[Hit]:
    """Hits by their full time, then by id: Elasticsearch sorts by the millisecond."""
    ordered: list[Hit] = []
    for _, same in groupby(hits, key=lambda hit: hit["sort"][0]):
        found = [Hit(hit["_id"], hit["_source"]) for hit in same]
        ordered += sorted(found, key=lambda hit: (str(hit.source.get("@timestamp")), hit.id))
    return ordered


def _whole_milliseconds(pages: Iterator[list[dict[str, Any]]]) -> Iterator[list[Hit]]:
    """Pages in full order: what may go on in the next page waits for it."""
    waiting: list[dict[str, Any]] = []
    for page in pages:
        waiting += page
        last = waiting[-1]["sort"][0]
        split = len(waiting)
        while split and waiting[split - 1]["sort"][0] == last:
            split -= 1
        if split:
            yield _in_order(waiting[:split])
            waiting = waiting[split:]
    if waiting:
        yield _in_order(waiting)


def _limited(pages: Iterator[list[Hit]], limit: int | None) -> Iterator[list[Hit]]:
    left = limit
    for page in pages:
        if left is None:
            yield page
            continue
        yield page[:left]
        left -= len(page)
        if left <= 0:
            return


def _figures(session_id: str, bucket: dict[str, Any]) -> SessionFigures:
    return SessionFigures(
        session_id=session_id,
        first=from_text(bucket["first"]["value_as_string"]),
        last=from_text(bucket["last"]["value_as_string"]),
        records=bucket["doc_count"],
        errors=bucket["errors"]["doc_count"],
        services=tuple(sorted(service["key"] for service in bucket["services"]["buckets"])),
    )
