"""The list of sessions is read in parts, the newest first: together they are the list, whatever ids there are."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel.stores.base import SessionQuery
from openreplay_otel.stores.elasticsearch.bodies import SESSION_ID, parts_of_the_list
from tests.emitting import session_id_begun_at

from .contract import PROPERTY

NOW = 1_790_000_000_000
HOUR = 3_600_000
BEGUN = st.integers(-20 * 24 * HOUR, 2 * HOUR).map(lambda ms: session_id_begun_at(NOW + ms))
MADE_UP = st.integers(1, 2**64 - 1).map(str) | st.sampled_from(["1", "9", "18446744073709551615"])
IDS = st.lists(BEGUN | MADE_UP | st.sampled_from(["abc", "x-1", "-5"]), max_size=40)


def is_in(session_id: str, part: dict[str, Any]) -> bool:
    """As Elasticsearch compares keywords."""
    bounds = part["range"][SESSION_ID] if "range" in part else {}
    return bounds.get("gte", "") <= session_id and not (
        "lt" in bounds and session_id >= bounds["lt"]
    )


@PROPERTY
@given(
    IDS,
    st.none() | BEGUN | MADE_UP | st.just("abc"),
    st.none() | st.integers(0, 2 * NOW) | st.just(NOW),
    st.booleans(),
)
def test_the_parts_are_the_list(
    ids: list[str], after: str | None, until_ms: int | None, errors_only: bool
) -> None:
    """Each id behind the last one stands in one part, and the parts follow each other as the list does."""
    until = None if until_ms is None else datetime.fromtimestamp(until_ms / 1000, timezone.utc)
    wanted = sorted({one for one in ids if after is None or one < after}, reverse=True)
    parts = list(parts_of_the_list(SessionQuery(until=until, errors_only=errors_only), after, NOW))
    found = [one for part in parts for one in wanted if is_in(one, part)]
    assert wanted == found
    assert not any(is_in(one, part) for one in set(ids) - set(wanted) for part in parts)


@pytest.mark.parametrize(
    ("after_ms", "until_ms"), [(None, None), (NOW, None), (None, NOW), (NOW, NOW + HOUR)]
)
def test_the_first_part_is_the_last_hour(after_ms: int | None, until_ms: int | None) -> None:
    """Of the present, the time asked for, or the place in the list: so few records have to be looked at."""
    until = None if until_ms is None else datetime.fromtimestamp(until_ms / 1000, timezone.utc)
    after = None if after_ms is None else session_id_begun_at(after_ms)
    first = next(parts_of_the_list(SessionQuery(until=until), after, NOW))
    assert is_in(session_id_begun_at(NOW - HOUR // 2), first)
    assert not is_in(session_id_begun_at(NOW - 2 * HOUR), first)


@pytest.mark.parametrize(
    "query",
    [
        SessionQuery(errors_only=True),
        SessionQuery(phrases=("no stock",)),
        SessionQuery(until=datetime.fromtimestamp(NOW / 1000 - 25 * 3600, timezone.utc)),
    ],
)
def test_where_few_records_fit_one_request_asks_for_all(query: SessionQuery) -> None:
    """Errors, words, and a time long ago: each part would be a request that finds little."""
    assert [{"exists": {"field": SESSION_ID}}] == list(parts_of_the_list(query, None, NOW))
