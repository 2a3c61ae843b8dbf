"""Threads of this package's own: they hold no process back, and end without a word."""

from __future__ import annotations

import _thread
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ReentrantCondition(threading.Condition):
    """A condition that its thread may take again, also in a signal handler.

    eventlet replaces each reentrant lock that it finds, this one's too, but not the methods that a condition has
    taken from it. So only these are used: the lock stays the same one to all who hold it.
    """

    def __init__(self) -> None:
        super().__init__(threading.RLock())

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class BackgroundThread:
    """A thread that runs in the background and ends with the process at the latest.

    ``threading`` keeps a list of its threads by their ids. gevent and eventlet replace these ids, also while a
    thread runs; at its end it is not found in the list, and Python prints a traceback. This one is in no list.

    Args:
        target: What it does; must not raise.
    """

    def __init__(self, target: Callable[[], None]) -> None:
        self._target = target
        self._ident: int | None = None
        # Of the kind that threads wait for now: gevent and eventlet may have come meanwhile.
        self._has_ended = threading.Event()

    def start(self) -> None:
        """Begin.

        Raises:
            RuntimeError: The system has no thread left, or the interpreter is ending.
        """
        _thread.start_new_thread(self._run, ())

    def is_current(self) -> bool:
        """Tell whether this is called in the thread itself."""
        return self._ident == _thread.get_ident()

    def join(self, timeout: float) -> bool:
        """Wait for its end.

        Args:
            timeout: Seconds.

        Returns:
            Whether it has ended.
        """
        return self._has_ended.wait(timeout)

    def _run(self) -> None:
        self._ident = _thread.get_ident()
        # What a debugger asked for of each thread.
        trace, profile = threading.gettrace(), threading.getprofile()
        if trace is not None:
            sys.settrace(trace)
        if profile is not None:
            sys.setprofile(profile)
        try:
            self._target()
        finally:
            self._has_ended.set()
