"""Filters of a lookup, in ordinary code and with asyncio, by the same tests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import SettingsError
from openreplay_otel.lookup.queries import phrases_of

from .contract import EXAMPLE_ID
from .lookups import numbers
from .stored import STARTED, document

if TYPE_CHECKING:
    from openreplay_otel.stores.sqlite.store import SqliteStore

LEVELS = ["debug", "info", "warning", "error"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"errors_only": True}, [3, 4]),
        ({"level": "debug"}, [0, 1, 2, 3, 4]),
        ({"level": "info"}, [1, 2, 3, 4]),
        ({"level": "warning"}, [2, 3]),
        ({"level": "error"}, [3]),
        ({"level": " Error "}, [3]),
        ({"level": "FATAL"}, [3]),
        ({"level": "WARN"}, [2, 3]),
        ({"level": "notice"}, [1, 2, 3, 4]),
        ({"level": "trace"}, [0, 1, 2, 3, 4]),
        ({"limit": 2}, [0, 1]),
        ({"limit": 0}, []),
        ({"text": "message"}, [0, 1, 2, 3, 4]),
        ({"text": '"message 3"'}, [3]),
        ({"text": "3 MESSAGE"}, [3]),
        ({"text": "-- ?"}, [0, 1, 2, 3, 4]),
        ({"text": ""}, [0, 1, 2, 3, 4]),
        ({"text": "\ud800 nothing"}, []),
        ({"text": "message\x003"}, [3]),
        ({"since": timedelta(milliseconds=3)}, [3, 4]),
        ({"until": timedelta(milliseconds=3)}, [0, 1, 2]),
        (
            {
                "since": STARTED + timedelta(milliseconds=1),
                "until": STARTED + timedelta(milliseconds=3),
            },
            [1, 2],
        ),
        (
            {
                "since": (STARTED + timedelta(milliseconds=4)).astimezone(
                    timezone(timedelta(hours=9))
                )
            },
            [4],
        ),
        ({"since": timedelta(days=-9), "until": timedelta(days=9)}, [0, 1, 2, 3, 4]),
        ({"since": timedelta(milliseconds=1), "level": "info", "text": "message", "limit": 1}, [1]),
    ],
)
def test_filters(
    lookup: Any, store: SqliteStore, filters: dict[str, Any], found: list[int]
) -> None:
    """Each filter, times as moments and as offsets from the session's start."""
    store.write([document(n, level=level) for n, level in enumerate(LEVELS)])
    store.write([document(4, extra={"tags": ["error"]})])
    assert found == numbers(lookup.logs(store, EXAMPLE_ID, **filters))


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"level": "loud"}, "^level: expected one of debug, info, warning, error, got 'loud'"),
        ({"level": ""}, "^level: expected one of"),
        ({"limit": -1}, "^limit: expected a number of records, got -1"),
        ({"since": datetime(2024, 1, 24)}, "^since: a time with a zone was expected"),  # noqa: DTZ001
        ({"until": datetime(2024, 1, 24)}, "^until: a time with a zone was expected"),  # noqa: DTZ001
        ({"since": timedelta.max}, "^since: .* is no date"),
        ({"until": timedelta.min}, "^until: .* is no date"),
    ],
)
def test_a_filter_that_cannot_be_used_is_refused_at_once(
    lookup: Any, store: SqliteStore, filters: dict[str, Any], message: str
) -> None:
    """With its name and what was expected."""
    with pytest.raises(SettingsError, match=message):
        lookup.logs(store, EXAMPLE_ID, **filters)


def test_naive_times_are_refused_for_sessions_too(lookup: Any, store: SqliteStore) -> None:
    """Both bounds."""
    for name in ("since", "until"):
        with pytest.raises(SettingsError, match=rf"^{name}: a time with a zone was expected"):
            lookup.sessions(store, **{name: datetime(2024, 1, 24)})  # noqa: DTZ001


@pytest.mark.parametrize("count", [499, 500, 501, 1000, 10_500])
def test_any_number_of_records_comes_in_time_order(
    lookup: Any, store: SqliteStore, count: int
) -> None:
    """Over pages of the store and chunks of the asynchronous way, none lost and none twice."""
    store.write([document(n, "m") for n in reversed(range(count))])
    assert numbers(lookup.logs(store, EXAMPLE_ID)) == list(range(count))


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a b", ("a", "b")),
        ('"a b" c', ("a b", "c")),
        ('"a b', ('"a', "b")),
        ('""', ()),
        ('a"b c"d', ('a"b', 'c"d')),
        ("-- * a", ("a",)),
        (" \t\n", ()),
    ],
)
def test_a_search_is_words_and_phrases(text: str, phrases: tuple[str, ...]) -> None:
    """What stands in double quotes is one phrase; what holds no letter or digit is left out."""
    assert phrases == phrases_of(text)
