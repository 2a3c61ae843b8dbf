"""Brings documents to a store: bounded requests, repeated tries, one deadline, each refusal looked at."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ..errors import StoreError, StoreUnavailableError
from ..stores.base import Document, RefusedDocument, Store
from .backoff import pause_before

_TOO_LARGE: Final = 413
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


class _Verdict(Enum):
    DONE = auto()
    WAIT = auto()
    GIVE_UP = auto()


class _Run:
    """One delivery: what is still to be sent, and what became of the rest."""

    def __init__(self, store: Store, queue: list[list[Document]]) -> None:
        self.queue = queue
        self.retry_after: float | None = None
        self._store = store
        self._accepted = self._known = 0
        self._refused: list[RefusedDocument] = []
        self._error: StoreError | None = None

    def attempt(self, timeout: float) -> _Verdict:
        """Send the first request of the queue once."""
        request = self.queue[0]
        self.retry_after = None
        try:
            result = self._store.write(request, timeout=timeout)
        except StoreUnavailableError as error:
            self._error = error
            if error.too_large:
                self._make_smaller(request, error)
                return _Verdict.DONE
            self.retry_after = error.retry_after
            return _Verdict.WAIT
        except StoreError as error:
            # Neither waiting nor another part of the batch will change that.
            self._error = error
            return _Verdict.GIVE_UP
        self._accepted += result.accepted
        self._known += result.known
        self._refused += result.refused
        if not result.retry:
            del self.queue[0]
            return _Verdict.DONE
        self.queue[0] = list(result.retry)
        self._error = StoreUnavailableError(
            f"{self._store.name} did not take some documents: {result.hindrance or 'too busy'}"
        )
        return _Verdict.WAIT

    def report(self) -> DeliveryReport:
        """What became of all documents, those in the queue being given up."""
        undelivered = [document for request in self.queue for document in request]
        error = self._error or StoreUnavailableError(f"{self._store.name} took too long")
        return DeliveryReport(
            self._accepted, self._known, self._refused, undelivered, error if undelivered else None
        )

    def _make_smaller(self, request: list[Document], error: StoreUnavailableError) -> None:
        middle = len(request) // 2
        if middle:
            self.queue[:1] = [request[:middle], request[middle:]]
        else:
            self._refused.append(RefusedDocument(request[0], _TOO_LARGE, str(error)))
            del self.queue[0]


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
        run = _Run(self._store, self._requests(documents))
        tries = 0
        while run.queue and (left := deadline - self._clock()) > 0:
            verdict = run.attempt(left)
            if verdict is _Verdict.DONE:
                tries = 0
                continue
            if verdict is _Verdict.GIVE_UP:
                break
            pause = pause_before(tries, self._jitter(), run.retry_after)
            tries += 1
            if self._clock() + pause >= deadline or self._wait(pause):
                break
        return run.report()

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
