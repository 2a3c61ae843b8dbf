"""Searches: the records of a session in time order, and the sessions with their figures."""

from __future__ import annotations

import time
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from ...errors import StoreAccessError, StoreError, StoreLayoutError, StoreUnavailableError
from ...names import READER_ALIAS
from ...session import started_at_ms
from ..base import (
    MAX_FROM_END,
    Bin,
    Hit,
    LogQuery,
    Position,
    SessionFigures,
    SessionOverview,
    SessionQuery,
    Share,
)
from ..timestamps import from_text, unix_ms
from . import schema
from .bodies import (
    FIGURES,
    IS_ERROR,
    OVERVIEW,
    SESSION_ID,
    log_filters,
    parts_of_the_list,
    record_filters,
    session_filter,
    time_filters,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from .connection import Requests

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_PAGE: Final = 1000
_SLACK: Final = 50
_PAGE: Final = 5000
_SESSIONS_PAGE: Final = 500
_MAX_SERVICE_NAMES: Final = 200
_KEEP_ALIVE: Final = "2m"
# A missing index is an empty one; but records that are there and cannot be read now are an error.
_LENIENT: Final = "ignore_unavailable=true&allow_no_indices=true&allow_partial_search_results=false"


class Reader:
    """Reads session indexes of one cluster; asynchronous, and run to its end at once by a store that waits.

    Args:
        requests: The cluster.
        prefix: Prefix of the session indexes.
    """

    def __init__(self, requests: Requests, prefix: str) -> None:
        self._requests = requests
        self._prefix = prefix

    async def search(self, query: LogQuery, day: str) -> AsyncGenerator[list[Hit]]:
        """Pages of a session's documents, in time order, those of one time in the order of emission.

        Args:
            query: Session and filters.
            day: The day on which the session began, ``yyyy.mm.dd``; its index is asked first, the
                others only where it knows nothing of the session.
        """
        for target in self._targets(day):
            found = False
            async with aclosing(self._search_target(target, query)) as pages:
                async for page in pages:
                    found = True
                    yield page
            if found or await self._knows(target, query):
                return

    def _targets(self, day: str) -> tuple[str, str]:
        return schema.session_index(self._prefix, day), schema.session_pattern(self._prefix)

    async def _knows(self, target: str, query: LogQuery) -> bool:
        """Whether an index has records of the session that the filters of the query hid."""
        if not query.is_filtered or target == schema.session_pattern(self._prefix):
            return False
        body = {"query": session_filter(query.session_id), "size": 0, "terminate_after": 1}
        answer = await self._search(target, body, "")
        return bool(answer["hits"]["total"]["value"])

    async def _search_target(self, target: str, query: LogQuery) -> AsyncGenerator[list[Hit]]:
        if query.from_end:
            size = MAX_FROM_END if query.limit is None else min(query.limit, MAX_FROM_END)
            last = await self._bounded(target, query, size)
            if last:
                yield last[::-1]
        elif query.limit is not None and query.limit <= _FIRST_PAGE:
            first = await self._bounded(target, query, query.limit)
            if first:
                yield first
        else:
            async with aclosing(self._searched(target, replace(query, limit=None))) as pages:
                async for page in _limited(_fitting(pages, query), query.limit):
                    yield page

    async def _bounded(self, target: str, query: LogQuery, limit: int) -> list[Hit]:
        """The first documents in the query's direction, those before or behind its places left out.

        A place is known to Elasticsearch by its millisecond only: some of the first ones found may stand on
        the wrong side of it, and then more are asked for.
        """
        wanted = limit
        while limit:
            asked = replace(query, limit=wanted)
            found = [hit async for page in self._searched(target, asked) for hit in page]
            fitting = [hit for hit in found if _is_between(hit, query)]
            if len(fitting) >= limit or len(found) < wanted:
                return fitting[:limit]
            wanted = wanted * 4 + _SLACK
        return []

    async def _searched(self, target: str, query: LogQuery) -> AsyncGenerator[list[Hit]]:
        turn = "desc" if query.from_end else "asc"
        sort = [{"@timestamp": {"order": turn, "unmapped_type": "date"}}]
        body = {"query": {"bool": {"filter": log_filters(query)}}, "sort": sort}
        limit = query.limit
        # A few more than asked for: the order of records of one millisecond is only known when all of
        # them are there.
        size = _FIRST_PAGE if limit is None else min(_FIRST_PAGE, limit + _SLACK)
        first = {**body, "size": size, "track_total_hits": False}
        hits = (await self._search(target, first, ""))["hits"]["hits"]
        is_all = len(hits) < size
        if limit is not None and not is_all and limit < len(hits):
            is_all = hits[limit - 1]["sort"] != hits[-1]["sort"]
        if is_all:
            if hits:
                yield _in_order(hits, is_reversed=query.from_end)[:limit]
            return
        async with aclosing(self._walk(target, body)) as pages:
            ordered = _whole_milliseconds(pages, is_reversed=query.from_end)
            async for page in _limited(ordered, limit):
                yield page

    async def _walk(
        self, target: str, body: dict[str, Any]
    ) -> AsyncGenerator[list[dict[str, Any]]]:
        # A scroll, since a point in time over an alias cannot be searched by a key that may read no
        # more than the alias.
        path = f"/_search?scroll={_KEEP_ALIVE}&{_LENIENT}"
        answer = await self._post(target, path, {**body, "size": _PAGE})
        try:
            while hits := answer["hits"]["hits"]:
                yield hits
                if len(hits) < _PAGE:
                    return
                more = {"scroll_id": answer["_scroll_id"], "scroll": _KEEP_ALIVE}
                answer = (await self._requests.request("POST", "/_search/scroll", more)).body
                _check_whole(answer["_shards"])
        finally:
            if "_scroll_id" in answer:
                end = {"scroll_id": answer["_scroll_id"]}
                # It ends by itself in two minutes.
                with suppress(StoreError):
                    await self._requests.request("DELETE", "/_search/scroll", end)

    async def sessions(self, query: SessionQuery) -> AsyncGenerator[list[SessionFigures]]:
        """Pages of sessions with their figures, the newest first."""
        left, after = query.limit, query.before_id
        while left is None or left > 0:
            size = _SESSIONS_PAGE if left is None else min(_SESSIONS_PAGE, left)
            # First the ids alone: with figures, Elasticsearch would count all sessions for each page.
            ids = await self._session_ids(query, after, size)
            found = await self._figures_of(ids, query) if ids else []
            if found:
                yield found
            if len(ids) < size:
                return
            after = ids[-1]
            left = None if left is None else left - len(found)

    async def _session_ids(self, query: SessionQuery, after: str | None, size: int) -> list[str]:
        source = {"id": {"terms": {"field": SESSION_ID, "order": "desc"}}}
        composite: dict[str, Any] = {"sources": [source]}
        filters = record_filters(query)
        if query.errors_only and not _chooses(query):
            # Errors are few: the sessions are found by them.
            filters.append(IS_ERROR)
        ids: list[str] = []
        # Not the aggregation's own `after`: it fails in an index all of whose ids are smaller.
        for part in parts_of_the_list(query, after, time.time_ns() // 1_000_000):
            composite["size"] = size - len(ids)
            found = await self._aggregate([*filters, part], {"sessions": {"composite": composite}})
            ids += [one["key"]["id"] for one in found.get("sessions", {}).get("buckets", [])]
            if len(ids) >= size:
                break
        return ids

    async def _figures_of(self, ids: list[str], query: SessionQuery) -> list[SessionFigures]:
        filters = [*time_filters(query), {"terms": {SESSION_ID: ids}}]
        figures = {"terms": {"field": SESSION_ID, "size": len(ids)}, "aggs": FIGURES}
        counted = await self._aggregate(filters, {"sessions": figures})
        by_id = {bucket["key"]: bucket for bucket in counted["sessions"]["buckets"]}
        found = [_figures(one, by_id[one]) for one in ids if one in by_id]
        # Where other filters chose the sessions, the error may be another of their records.
        return [one for one in found if one.errors or not query.errors_only]

    async def overview(self, session_id: str, day: str) -> SessionOverview | None:
        """Count a session's records; None where there are none."""
        filters = [{"term": {SESSION_ID: session_id}}]
        for target in self._targets(day):
            found = await self._aggregate(filters, OVERVIEW, target)
            if found.get("first", {}).get("value") is not None:
                return SessionOverview(
                    first=from_text(found["first"]["value_as_string"]),
                    last=from_text(found["last"]["value_as_string"]),
                    shares=tuple(_shares(found)),
                )
        return None

    async def histogram(self, query: LogQuery, day: str, *, bins: int) -> list[Bin]:
        """Records by equal parts of the time from ``since`` to ``until``, which both have to be given."""
        assert query.since is not None  # noqa: S101 - as the protocol says
        assert query.until is not None  # noqa: S101 - likewise
        since_ms = unix_ms(query.since)
        width = (unix_ms(query.until) - since_ms) / bins
        by_time = {
            "histogram": {
                "field": "@timestamp", "interval": width, "offset": since_ms % width, "min_doc_count": 1
            },
            "aggs": {"errors": {"filter": IS_ERROR}},
        }  # fmt: skip
        for target in self._targets(day):
            answer = await self._aggregate(log_filters(query), {"by_time": by_time}, target)
            counted: dict[int, tuple[int, int]] = {}
            for bucket in answer.get("by_time", {}).get("buckets", []):
                number = min(bins - 1, max(0, round((bucket["key"] - since_ms) / width)))
                records, errors = counted.get(number, (0, 0))
                counted[number] = (
                    records + bucket["doc_count"],
                    errors + bucket["errors"]["doc_count"],
                )
            if counted or await self._knows(target, query):
                return [Bin(number, *counts) for number, counts in sorted(counted.items())]
        return []

    async def services(self) -> list[str]:
        """Names of the services that logged, sorted."""
        names = {"terms": {"field": "service.name", "size": _MAX_SERVICE_NAMES}}
        found = await self._aggregate([], {"services": names})
        return sorted(bucket["key"] for bucket in found.get("services", {}).get("buckets", []))

    async def _aggregate(
        self, filters: list[dict[str, Any]], aggs: dict[str, Any], target: str | None = None
    ) -> dict[str, Any]:
        body = {"query": {"bool": {"filter": filters}}, "size": 0, "aggs": aggs}
        target = target or schema.session_pattern(self._prefix)
        answer = await self._search(target, body, "&filter_path=aggregations,_shards.total")
        return answer.get("aggregations", {})

    async def _search(self, target: str, body: dict[str, Any], more: str) -> dict[str, Any]:
        return await self._post(target, f"/_search?{_LENIENT}{more}", body)

    async def _post(self, target: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """Ask the indexes; where the key may not see them, the alias: OpenReplay's key sees nothing else."""
        try:
            answer = (await self._requests.request("POST", f"/{target}{path}", body)).body
        except StoreAccessError as error:
            if body is not None:
                of_index = [body["query"], {"term": {"_index": target}}]
                body = {**body, "query": {"bool": {"filter": of_index}}}
            try:
                return (await self._requests.request("POST", f"/{READER_ALIAS}{path}", body)).body
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
            by_alias = await self._requests.request(
                "POST", f"/{READER_ALIAS}{path}", body, expected=(403, 404)
            )
            if by_alias.status < 300:
                return by_alias.body
        return answer


def _check_whole(shards: dict[str, Any]) -> None:
    """Refuse what only some of the shards answered: a scroll has no parameter for that, as a search has."""
    if failed := shards.get("failed"):
        message = (
            f"Elasticsearch answered for {shards['total'] - failed} of {shards['total']} shards"
        )
        raise StoreUnavailableError(f"{message}. Ask again, or look at GET /_cluster/health")


def day_of(session_id: str) -> str:
    """The UTC day on which a session began, as in the name of its index."""
    began = _EPOCH + timedelta(milliseconds=started_at_ms(session_id))
    return f"{began:%Y.%m.%d}"


def _shares(found: dict[str, Any]) -> Iterator[Share]:
    for service in sorted(found["services"]["buckets"], key=_key):
        for level in sorted(service["levels"]["buckets"], key=_key):
            yield Share(
                service["key"], level["key"], level["doc_count"], level["errors"]["doc_count"]
            )


def _key(bucket: dict[str, Any]) -> str:
    return bucket["key"]


def _is_between(hit: Hit, query: LogQuery) -> bool:
    place = Position(str(hit.source.get("@timestamp")), hit.id)
    return (query.after is None or place > query.after) and (
        query.before is None or place < query.before
    )


def _in_order(hits: list[dict[str, Any]], *, is_reversed: bool) -> list[Hit]:
    """Hits by their full time, then by id: Elasticsearch sorts by the millisecond."""
    ordered: list[Hit] = []
    for _, same in groupby(hits, key=lambda hit: hit["sort"][0]):
        found = [Hit(hit["_id"], hit["_source"]) for hit in same]
        found.sort(key=lambda hit: (str(hit.source.get("@timestamp")), hit.id), reverse=is_reversed)
        ordered += found
    return ordered


async def _fitting(pages: AsyncIterator[list[Hit]], query: LogQuery) -> AsyncGenerator[list[Hit]]:
    """The pages without what stands before or behind the query's places."""
    async for page in pages:
        fitting = [hit for hit in page if _is_between(hit, query)]
        if fitting:
            yield fitting


async def _whole_milliseconds(
    pages: AsyncIterator[list[dict[str, Any]]], *, is_reversed: bool
) -> AsyncGenerator[list[Hit]]:
    """Pages in full order: what may go on in the next page waits for it."""
    waiting: list[dict[str, Any]] = []
    async for page in pages:
        waiting += page
        last = waiting[-1]["sort"][0]
        split = len(waiting)
        while split and waiting[split - 1]["sort"][0] == last:
            split -= 1
        if split:
            yield _in_order(waiting[:split], is_reversed=is_reversed)
            waiting = waiting[split:]
    if waiting:
        yield _in_order(waiting, is_reversed=is_reversed)


async def _limited(pages: AsyncIterator[list[Hit]], limit: int | None) -> AsyncGenerator[list[Hit]]:
    left = limit
    async for page in pages:
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


def _chooses(query: SessionQuery) -> bool:
    return bool(query.service or query.levels or query.phrases)
