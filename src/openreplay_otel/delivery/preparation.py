"""Prepares a store before the first request to it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from ..errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..stores import Store
    from .rate_limited_log import QuietLog

_logger = logging.getLogger(__name__)
_AGAIN_AFTER: Final = 60.0
_DAY: Final = 86400


class Preparation:
    """Prepares a store once a day; where that fails, again after a minute.

    With each day comes a new index, and its template may have been deleted meanwhile.

    Args:
        store: The store.
        log: Where problems are told.
        clock: Unix seconds.
    """

    def __init__(self, store: Store, log: QuietLog, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._day = -1
        self._due_at: float | None = 0.0

    def prepare_if_due(self) -> StoreError | None:
        """Prepare the store, unless that is done or was tried just now.

        Returns:
            What went wrong just now. Requests may go out all the same: the store may take them.
        """
        # Days are those of UTC, as in the names of the indexes.
        today = int(self._clock() // _DAY)
        if today != self._day:
            self._day, self._due_at = today, 0.0
        if self._due_at is None or time.monotonic() < self._due_at:
            return None
        try:
            for sentence in self._store.prepare():
                _logger.warning("%s", sentence)
        except StoreError as error:
            self._due_at = time.monotonic() + _AGAIN_AFTER
            self._log.warning("prepare", "%s", error)
            return error
        self._due_at = None
        return None

    def make_due(self) -> None:
        """Have the next call try it at once, where it is not done."""
        if self._due_at is not None:
            self._due_at = 0.0
