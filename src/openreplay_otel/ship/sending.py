"""Sends batches of documents from a thread of its own, so that reading and storing go on side by side.

One request at a time: OpenReplay's unsorted search shows documents in the order in which Elasticsearch got them.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
from typing import TYPE_CHECKING, Final

from ..delivery.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..delivery.delivery import DeliveryReport
    from ..stores import Store
    from ..stores.base import Document

_WAITING: Final = 2
"""Batches that wait: more would only take memory."""
_TURN_SECONDS: Final = 0.0001


@contextlib.contextmanager
def quick_turns() -> Generator[None]:
    """Let this process's threads take shorter turns.

    The thread that sends waits for its turn several times a request, and the one that reads never stops: with
    Python's usual five milliseconds the store would be idle for half of the time.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


class Sender:
    """Sends batches in order, and tries again what may succeed.

    Args:
        store: Where to.
        request_max_bytes: Upper bound of a request.
        patience: Seconds for which a store that does not answer is asked again.
        done: Takes each batch and its report, in the sending thread.
        waiting: Called when the store is asked again for the first time in a row, in the sending thread.
    """

    def __init__(
        self,
        store: Store,
        *,
        request_max_bytes: int,
        patience: float,
        done: Callable[[list[Document], DeliveryReport], None],
        waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self._stopped = threading.Event()
        self._delivery = Delivery(store, request_max_bytes=request_max_bytes, wait=self._wait)
        self._patience = patience
        self._done = done
        self._waiting = waiting
        self._has_waited = False
        self._error: Exception | None = None
        self._batches: queue.Queue[list[Document] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._run, name="openreplay-otel-ship", daemon=True)
        self._thread.start()

    def send(self, batch: list[Document]) -> None:
        """Send a batch; waits where earlier ones are still under way.

        Raises:
            StoreError: An earlier batch could not be delivered.
        """
        self._raise_error()
        self._batches.put(batch)

    def finish(self) -> None:
        """Wait until everything is sent.

        Raises:
            StoreError: A batch could not be delivered.
        """
        self._batches.put(None)
        self._thread.join()
        self._raise_error()

    def stop(self) -> None:
        """End after the request that is under way; what waits is not sent."""
        self._stopped.set()
        self._error = self._error or InterruptedError()
        while self._thread.is_alive():
            try:
                self._batches.put_nowait(None)
            except queue.Full:
                self._thread.join(0.05)
            else:
                self._thread.join()

    def _wait(self, seconds: float) -> bool:
        if not self._has_waited:
            self._has_waited = True
            self._waiting()
        return self._stopped.wait(seconds)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (batch := self._batches.get()) is not None:
            if self._error is not None:
                continue
            try:
                self._has_waited = False
                report = self._delivery.deliver(batch, timeout=self._patience)
                self._done(batch, report)
            except Exception as error:  # noqa: BLE001 - raised again in the thread that reads
                self._error = error
            else:
                self._error = self._error or report.error
