"""Since when a store owes an answer."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


class AnswerTimes:
    """Notes when requests begin and end; safe to use from several threads."""

    def __init__(self) -> None:
        # Reentrant: a signal handler may flush in the middle of it.
        self._lock = threading.RLock()
        self._asked_at: list[float] = []
        self._answered_at = 0.0

    @contextlib.contextmanager
    def asking(self) -> Generator[None]:
        """Note that the store owes an answer inside."""
        asked_at = time.monotonic()
        with self._lock:
            self._asked_at.append(asked_at)
        try:
            yield
        finally:
            with self._lock:
                self._asked_at.remove(asked_at)
                self._answered_at = time.monotonic()

    def silent_since(self) -> float:
        """Since when the store has not answered (monotonic seconds); where it owes no answer, from now on."""
        with self._lock:
            return max(min(self._asked_at, default=time.monotonic()), self._answered_at)
