"""Log lines about the exporter itself: at most one a minute for each problem."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

_SECONDS_BETWEEN: Final = 60.0


class QuietLog:
    """Warns, but not about the same problem again within a minute; says how often it kept silent.

    Args:
        logger: Where the lines go.
        clock: Monotonic seconds.
    """

    def __init__(
        self, logger: logging.Logger, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._clock = clock
        self._next: dict[str, float] = {}
        self._silent: dict[str, int] = {}

    def warning(self, problem: str, message: str, *args: object, exc_info: bool = False) -> None:
        """Log a warning, or count it.

        Args:
            problem: What kind of problem it is.
            message: A format for ``logging``.
            *args: Its arguments.
            exc_info: Whether the present exception is logged with it.
        """
        now = self._clock()
        if now < self._next.get(problem, now):
            self._silent[problem] = self._silent.get(problem, 0) + 1
            return
        self._next[problem] = now + _SECONDS_BETWEEN
        silent = self._silent.pop(problem, 0)
        if silent:
            message += " (and %d more times since the last such line)"
            args = (*args, silent)
        self._logger.warning(message, *args, exc_info=exc_info)
