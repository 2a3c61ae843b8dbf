"""Brings documents to a store: bounded requests, repeated tries, one deadline, each refusal looked at."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import StoreError, StoreUnavailableError
from ..stores.base import Document, RefusedDocument, Store

_FIRST_WAIT: Final = 0.25
_LONGEST_WAIT: Final = 30.0
_MOST_DOUBLINGS: Final = 16
_LINE_OVERHEAD: Final = 128

Wait = Callable[[float], bool]
"""Waits so many seconds; True where it was woken because nothing more shall be tried."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of the documents of one delivery.

    Attributes:
        accepted: How many were stored.
        known: How many had been stored by an earlier try.
        refused: Those that the store will not take.
        undelivered: Those that were given up: no time was left, or the store cannot be used at all.
        error: Why the last of those was given up.
    """

    accepted: int = 0
    known: int = 0
    refused: Sequence[RefusedDocument] = ()
    undelivered: Sequence[Document] = ()
    error: StoreError | None = None


class Delivery:
    """Delivers documents to one store.

    Args:
        store: Where to.
        request_max_bytes: Upper bound of a request's body; a larger single document goes alone.
        wait: Waits between tries.
        clock: Monotonic seconds.
        jitter: A number from 0 to 1, by which clients that failed together do not come back together.
    """

    def __init__(
        self,
        store: Store,
        *,
        request_max_bytes: int,
        wait: Wait,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._request_max_bytes = request_max_bytes
        self._wait = wait
        self._clock = clock
        self._jitter = jitter

    def deliver(self, documents: Sequence[Document], *, timeout: float) -> DeliveryReport:
        """Deliver documents; tries again what may succeed until the time is used up.

        Args:
            documents: In the order in which they are to arrive.
            timeout: Seconds for all of it, waiting included.

        Returns:
            The report; nothing is raised for a store that fails.
        """
        deadline = self._clock() + timeout
        accepted = known = tries = 0
        refused: list[RefusedDocument] = []
        queue = self._requests(documents)
        error: StoreError | None = None
        while queue:
            request = queue[0]
            left = deadline - self._clock()
            if left <= 0:
                break
            retry_after: float | None = None
            try:
                result = self._store.write(request, timeout=left)
            except StoreUnavailableError as failure:
                error = failure
                if failure.too_large and len(request) > 1:
                    middle = len(request) // 2
                    queue[:1] = [request[:middle], request[middle:]]
                    continue
                if failure.too_large:
                    refused.append(RefusedDocument(request[0], 413, str(failure)))
                    del queue[0]
                    continue
                retry_after = failure.retry_after
            except StoreError as failure:
                # Neither waiting nor another part of the batch will change that.
                error = failure
                break
            else:
                accepted += result.accepted
                known += result.known
                refused += result.refused
                if not result.retry:
                    del queue[0]
                    tries = 0
                    continue
                queue[0] = list(result.retry)
                error = StoreUnavailableError(f"{self._store.name} is too busy for some documents")
            pause = self._pause(tries, retry_after)
            tries += 1
            if self._clock() + pause >= deadline or self._wait(pause):
                break
        undelivered = [document for request in queue for document in request]
        if not undelivered:
            error = None
        elif error is None:
            error = StoreUnavailableError(f"{self._store.name} took too long")
        return DeliveryReport(accepted, known, refused, undelivered, error)

    def _requests(self, documents: Sequence[Document]) -> list[list[Document]]:
        requests: list[list[Document]] = []
        size = self._request_max_bytes
        for document in documents:
            needed = len(document.source) + _LINE_OVERHEAD
            if size + needed > self._request_max_bytes:
                requests.append([])
                size = 0
            requests[-1].append(document)
            size += needed
        return requests

    def _pause(self, tries: int, retry_after: float | None) -> float:
        pause = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(tries, _MOST_DOUBLINGS))
        pause *= 0.5 + self._jitter() / 2
        return pause if retry_after is None else max(pause, min(retry_after, _LONGEST_WAIT))
