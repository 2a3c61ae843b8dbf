"""When a store is prepared: at first, once a day, and again where it fails."""

from __future__ import annotations

import logging

from openreplay_otel import StoreUnavailableError
from openreplay_otel.delivery.preparation import Preparation
from openreplay_otel.delivery.rate_limited_log import QuietLog

from .faults import FaultyStore

HOUR = 3600.0


def test_a_store_is_prepared_again_on_the_next_day() -> None:
    """It gets a new index then, and its template may have been deleted: a day is one of UTC."""
    now = [19_000 * 24 * HOUR + 22 * HOUR]
    store = FaultyStore()
    preparation = Preparation(store, QuietLog(logging.getLogger("test")), lambda: now[0])
    for hours, times in ((0, 1), (1, 1), (0.9, 1), (0.2, 2), (20, 2), (3.8, 2), (0.2, 3), (48, 4)):
        now[0] += hours * HOUR
        assert preparation.prepare_if_due() is None
        assert times == store.prepared, hours


def test_a_failure_is_tried_again_later_or_when_asked() -> None:
    """And counts as none where it went well."""
    store = FaultyStore()
    store.preparations = [StoreUnavailableError("no answer")]
    preparation = Preparation(store, QuietLog(logging.getLogger("test")), lambda: 0.0)
    assert isinstance(preparation.prepare_if_due(), StoreUnavailableError)
    assert preparation.prepare_if_due() is None
    assert 1 == store.prepared
    preparation.make_due()
    assert preparation.prepare_if_due() is None
    assert 2 == store.prepared
    preparation.make_due()
    preparation.prepare_if_due()
    assert 2 == store.prepared
