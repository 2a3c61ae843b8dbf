"""How a thread sleeps until there is something to do."""

from __future__ import annotations

import queue


class Wakeups:
    """Wakes one thread, from any other and from signal handlers.

    A queue, since its ``put`` is the one such call that may interrupt itself.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wake(self) -> None:
        """End the pause, or the next one at once."""
        # Until it looks, it may wait for the interpreter through many calls.
        if self._queue.empty():
            self._queue.put(None)

    def pause(self, seconds: float) -> bool:
        """Sleep; gives whether it was woken."""
        try:
            self._queue.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return False
        # Said several times, it means the same.
        while not self._queue.empty():
            self._queue.get()
        return True
