"""Work that may take longer than there is time: done aside, by a thread that was begun beforehand."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING

from .. import forks
from ..threads import BackgroundThread

if TYPE_CHECKING:
    from collections.abc import Callable

    _Jobs = queue.Queue[tuple[Callable[[], object], threading.Event]]


class Aside:
    """A thread for work that is waited for no longer than a time. It is begun anew in a forked child.

    Some versions of Python begin no thread while the interpreter ends, which is when it is needed most.
    """

    def __init__(self) -> None:
        self._begin()
        forks.watch(self)

    def do(self, work: Callable[[], object], timeout: float) -> bool:
        """Do something, and wait for it.

        Args:
            work: What is done; must not raise.
            timeout: Seconds.

        Returns:
            Whether it is done. It goes on where it is not.
        """
        done = threading.Event()
        self._jobs.put((work, done))
        return done.wait(timeout)

    def before_fork(self) -> None:
        """Nothing."""

    def after_fork_in_parent(self) -> None:
        """Nothing."""

    def after_fork_in_child(self) -> None:
        """Begin anew: the thread is the parent's."""
        self._begin()

    def _begin(self) -> None:
        self._jobs: _Jobs = queue.Queue()
        jobs = self._jobs
        # Without threads (uWSGI) nothing can be sent in the background either.
        with contextlib.suppress(RuntimeError):
            BackgroundThread(lambda: _work(jobs)).start()


def _work(jobs: _Jobs) -> None:
    while True:
        work, done = jobs.get()
        try:
            work()
        finally:
            done.set()
