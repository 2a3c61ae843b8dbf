"""What is done a second later unless it was called off: records of exceptions that somebody may still log."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from ..threads import BackgroundThread

if TYPE_CHECKING:
    from collections.abc import Callable

_logger = logging.getLogger(__name__)

_SECONDS: Final = 1.0
"""A server logs the exception of a request within milliseconds after it has left the app."""


class Deferred:
    """Something put off, until it is done or called off.

    Args:
        action: What to do; what it raises is not seen.
    """

    __slots__ = ("_action", "due")

    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action
        self.due = time.monotonic() + _SECONDS

    def cancel(self) -> None:
        """Call it off."""
        self._action = None

    def do(self) -> None:
        """Do it now, once, unless it was called off."""
        action, self._action = self._action, None
        if action is None:
            return
        try:
            action()
        except Exception as failure:  # noqa: BLE001 - it would come out of the app's own code
            _logger.debug("recording an exception failed: %s", type(failure).__name__)


class _Waiting:
    """What this process has put off. Its thread is there only while something waits."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._entries: deque[Deferred] = deque()
        # Reentrant: a signal handler, or a __del__, may put something off in the midst of it.
        self._lock = threading.RLock()
        self._has_thread = False

    def add(self, deferred: Deferred) -> None:
        with self._lock:
            self._entries.append(deferred)
            if self._has_thread:
                return
            self._has_thread = True
        try:
            BackgroundThread(self._run).start()
        except RuntimeError:
            # No thread is left, or the interpreter is ending: sooner is better than never.
            self._has_thread = False
            self.do_all()

    def do_all(self) -> None:
        while self._entries:
            try:
                deferred = self._entries.popleft()
            except IndexError:  # another thread was quicker
                return
            deferred.do()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._entries:
                    self._has_thread = False
                    return
                first = self._entries[0]
            # All wait equally long, so the first is due first.
            seconds = first.due - time.monotonic()
            if seconds > 0:
                time.sleep(seconds)
                continue
            try:
                self._entries.remove(first)
            except ValueError:  # done meanwhile, see do_all()
                continue
            first.do()


_waiting = _Waiting()


def defer(action: Callable[[], None]) -> Deferred:
    """Do something in one second, in a thread of its own, unless it is called off.

    Args:
        action: What to do.
    """
    deferred = Deferred(action)
    _of_this_process().add(deferred)
    return deferred


def settle() -> None:
    """Do at once all that was put off: nobody is going to call it off any more."""
    _of_this_process().do_all()


def _of_this_process() -> _Waiting:
    global _waiting  # noqa: PLW0603 - a forked child begins anew: what waits is its parent's
    if _waiting.process != os.getpid():
        _waiting = _Waiting()
    return _waiting
