"""Brings what is in a spool to its store, in a thread of its own, for as long as it takes.

One request at a time: OpenReplay shows a session's records as they lie in the index, and requests side by side would
mix them up.
"""

from __future__ import annotations

import contextlib
import logging
import math
import random
import threading
import time
from typing import TYPE_CHECKING, Final

from .. import forks
from ..errors import StoreError, StoreLayoutError, StoreUnavailableError
from ..stores.bulk_lines import bulk_body, count_of, half_of
from ..threads import BackgroundThread
from .answer_times import AnswerTimes
from .backoff import pause_before
from .held_slices import HeldSlices
from .housekeeping import Upkeep
from .preparation import Preparation
from .rate_limited_log import QuietLog
from .refusals import Refusals
from .request_size import RequestSize
from .wakeups import Wakeups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..spool import Spool
    from ..spool.dead_letters import DeadLetters
    from ..spool.segment import Slice
    from ..stores import Store
    from ..stores.base import Document, WriteResult

_logger = logging.getLogger(__name__)

_LINGER: Final = 0.5
"""Seconds for which others are waited for, to share a request."""
_TICK: Final = 0.5
_TRIES_OF_ALL: Final = 8
"""So often, about a minute, a request of which nothing is taken keeps the others waiting: a node was lost, perhaps,
and another one takes its place. After that, the index may be lost for good."""
_LOADING_SECONDS: Final = 10.0


class DeliveryWorker:
    """Delivers a spool to a store.

    Nothing is given up here: what fails for now is sent again, with growing pauses, and what the store
    refuses for good becomes a dead letter.

    Args:
        spool: What is to be delivered.
        store: Where to.
        dead_letters: Where refused documents go.
        request_max_bytes: Upper bound of a request's body; a larger single document goes alone.
        request_timeout: Seconds a request may take.
        syncs: Whether the spool is brought to the disk itself each second.
    """

    def __init__(
        self,
        spool: Spool,
        store: Store,
        dead_letters: DeadLetters,
        *,
        request_max_bytes: int,
        request_timeout: float,
        syncs: bool = False,
    ) -> None:
        self._spool = spool
        self._store = store
        self._dead_letters = dead_letters
        self._request_max_bytes = request_max_bytes
        self._timeout = request_timeout
        self._syncs = syncs
        self._begin()

    def _begin(self) -> None:
        self._log = QuietLog(_logger)
        self._size = RequestSize(self._request_max_bytes)
        self._upkeep = Upkeep(self._spool, self._dead_letters, self._log, syncs=self._syncs)
        self._refusals = Refusals(
            self._store.name, self._dead_letters, self._spool.tally, self._log
        )
        self._preparation = Preparation(self._store, self._log)
        self._wakeups = Wakeups()
        # Reentrant: a signal handler may log in the middle of a log call, or of a flush.
        self._lock = threading.RLock()
        self._thread: BackgroundThread | None = None
        self._held = HeldSlices()
        self._tries = 0
        self._requeued = 0
        self._closed_until = 0.0
        self._attempts_failed = 0
        self._answers = AnswerTimes()
        self._is_urgent = False
        self._is_starting = False
        self._is_stopping = False

    def after_fork_in_child(self) -> None:
        """Begin anew: the threads are the parent's."""
        self._begin()

    def start(self) -> bool:
        """Begin to deliver, and tell whether that was not begun before.

        A process from which others are forked in C has no thread: it leaves the spool to them.
        """
        if self._thread is not None:
            return False
        if forks.is_to_be_forked():
            self._spool.close()
            return False
        with self._lock:
            # A signal handler may log in the middle of the start.
            if self._thread is not None or self._is_starting or self._is_stopping:
                return False
            self._is_starting = True
            try:
                self._start()
            finally:
                self._is_starting = False
        return True

    def _start(self) -> None:
        if not forks.runs_threads():
            self._log.warning("threads", "%s", forks.NO_THREADS)
        # Of the kind that threads wait for now: gevent and eventlet may have come since the fork.
        self._wakeups = Wakeups()
        thread = BackgroundThread(self._run)
        # Where the interpreter is ending, the next process delivers it.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def wake(self) -> None:
        """Tell that there is something to deliver."""
        self._wakeups.wake()

    def flush(self, timeout: float, *, gives_up: bool = False) -> bool:
        """Deliver at once all that is in the spool now.

        Args:
            timeout: Seconds.
            gives_up: Whether to stop waiting as soon as the store fails once more, or has not answered for so
                long. At the end of a process, the time that a request has taken already counts.

        Returns:
            Whether all of it is with the store, or a dead letter.
        """
        deadline = time.monotonic() + timeout
        if gives_up:
            deadline = min(deadline, self._answers.silent_since() + timeout)
        requeued, marks = self._requeued, self._spool.marks()
        failed = self._attempts_failed
        self._is_urgent = True
        self._closed_until = 0.0
        self._preparation.make_due()
        self.start()
        self.wake()
        while self._spool.wait_for(
            marks,
            deadline - time.monotonic(),
            lambda: self._is_stopping or (gives_up and self._attempts_failed > failed),
        ):
            if requeued == self._requeued:
                return True
            # What was queued behind the marks meanwhile is waited for as well.
            requeued, marks = self._requeued, self._spool.marks()
        return False

    def adopt_ended(self) -> None:
        """Take over what ended processes left, where this one delivers at all."""
        if self._thread is not None:
            self._upkeep.adopt_ended()

    def stop(self, timeout: float) -> None:
        """End the thread; a request that takes longer than the time given is left alone."""
        self._is_stopping = True
        self.wake()
        self._spool.notify()
        thread = self._thread
        if thread is not None and not thread.is_current():
            thread.join(timeout)
        self._upkeep.close()

    # --- the thread

    def _run(self) -> None:
        try:
            with forks.postponed(_LOADING_SECONDS):
                self._store.load()
        except Exception as error:  # noqa: BLE001 - it fails again where it is needed, and is told there
            _logger.debug("loading what the store needs failed: %s", type(error).__name__)
        while not self._is_stopping:
            try:
                self._step()
            except Exception:  # noqa: BLE001 - this thread must not end
                self._log.warning("unexpected", "shipping failed and goes on", exc_info=True)
                self._wakeups.pause(_TICK)

    def _step(self) -> None:
        now = time.monotonic()
        self._upkeep.run(now=now)
        if now < self._closed_until:
            self._wakeups.pause(min(self._closed_until - now, _TICK))
            return
        self._spool.saw_data()
        taken = self._next(now)
        if taken is None:
            self._rest(now)
            return
        if not self._is_prepared(taken):
            return
        self._send(taken)
        if time.monotonic() >= self._closed_until and not self._spool.is_empty:
            self._linger()

    def _rest(self, now: float) -> None:
        self._is_urgent = False
        due = min(self._upkeep.next_due(now=now), self._held.due_in(now))
        if self._spool.await_data(1) and self._wakeups.pause(due):
            self._linger()

    def _linger(self) -> None:
        # While this thread waits for the interpreter, each write of the app pays for a wake-up: few, large requests.
        is_due = self._is_urgent or self._is_stopping or not math.isinf(self._held.due_in(0))
        # What ended processes have left shares no request with anything.
        is_due = is_due or self._spool.has_older
        if not is_due and self._spool.await_data(self._size.bytes - self._spool.waiting_bytes):
            self._wakeups.pause(_LINGER)

    # --- one request

    def _next(self, now: float) -> Slice | None:
        held = self._held.take(math.inf if self._is_urgent else now)
        if held is not None:
            return held
        return None if self._held.keeps_others() else self._spool.take(self._size.bytes)

    def _is_prepared(self, taken: Slice) -> bool:
        with self._answers.asking():
            error = self._preparation.prepare_if_due()
        if isinstance(error, StoreUnavailableError):
            # Sent now, documents could make an index before its template is there.
            self._preparation.make_due()
            self._failed(taken, error)
            return False
        return True

    def _send(self, taken: Slice) -> None:
        try:
            self._try(taken)
        except BaseException:
            if self._upkeep.take_out_damage(taken):
                self._failed(taken, StoreError("a file of the spool was damaged"))
                return
            self._spool.give_back(taken)
            raise

    def _try(self, taken: Slice) -> None:
        try:
            if taken.tries:
                self._spool.tally.add("retried", count_of(taken.lines))
            taken.tries += 1
            with self._answers.asking():
                result = self._store.write_lines(taken.lines, timeout=self._timeout)
        except StoreUnavailableError as error:
            if error.too_large and taken.records > 1:
                self._size.was_too_large(len(taken.lines))
                self._spool.give_back(taken)
            elif error.too_large:
                left = self._refusals.keep_lines(taken.lines, 413, str(error))
                self._hold_or_be_done(taken, left, str(error))
            else:
                self._size.was_too_much()
                self._failed(taken, error, error.retry_after)
        except StoreLayoutError as error:
            if error.is_bad_request:
                self._find_bad(taken, error)
            else:
                self._failed(taken, error)
        except StoreError as error:
            self._failed(taken, error)
        else:
            self._settle(taken, result)

    def _settle(self, taken: Slice, result: WriteResult) -> None:
        self._tries = 0
        self._spool.tally.add("delivered", result.accepted + result.known)
        if result.is_busy and taken.tries <= _TRIES_OF_ALL:
            self._size.was_too_much()
            self._failed(taken, StoreUnavailableError(str(result.hindrance)))
            return
        left = self._refusals.keep(result.refused)
        if result.retry:
            self._size.was_too_much()
        else:
            self._size.was_fine()
        self._hold_or_be_done(taken, [*result.retry, *left], result.hindrance)

    def _hold_or_be_done(
        self, taken: Slice, left: Sequence[Document], hindrance: str | None
    ) -> None:
        if left:
            self._hold(taken, bulk_body(left), hindrance)
        else:
            self._spool.done(taken)

    def _hold(self, taken: Slice, lines: bytes, hindrance: str | None) -> None:
        """Keep the documents of a slice that the store would not take yet, the others going on."""
        taken.lines = lines
        self._log.warning(
            "held",
            "%s did not take %d documents for now and gets them again: %s",
            self._store.name, count_of(lines), hindrance,
        )  # fmt: skip
        self._attempts_failed += 1
        self._is_urgent = False
        self._spool.notify()
        if self._held.has_room_for(taken):
            pause = pause_before(taken.tries, random.random())  # noqa: S311 - no secret
            self._held.add(taken, time.monotonic() + pause)
            return
        # Others shall have their turn, though these cannot be stored for a long time.
        if self._spool.append_again(taken):
            self._requeued += 1
            self._spool.done(taken)
        else:
            self._spool.give_back(taken)

    def _find_bad(self, taken: Slice, error: StoreLayoutError) -> None:
        """Send parts of a request of which the store can make nothing, to find the document it is about."""
        self._upkeep.take_out_damage(taken)
        parts = [taken.lines] if taken.lines else []
        unkept: list[Document] = []
        while parts:
            # What is stored, or a dead letter, is not sent again, whatever comes now.
            taken.lines = b"".join([bulk_body(unkept), *reversed(parts)])
            lines = parts.pop()
            try:
                with self._answers.asking():
                    result = self._store.write_lines(lines, timeout=self._timeout)
            except StoreLayoutError as another:
                if not another.is_bad_request:
                    self._failed(taken, another)
                    return
                half = half_of(lines)
                if half:
                    parts += [lines[half:], lines[:half]]
                else:
                    unkept += self._refusals.keep_lines(lines, 400, str(another))
            except StoreError as another:
                self._failed(taken, another)
                return
            else:
                self._spool.tally.add("delivered", result.accepted + result.known)
                unkept += self._refusals.keep(result.refused)
                if result.retry:
                    taken.lines = b"".join([bulk_body([*unkept, *result.retry]), *reversed(parts)])
                    self._failed(taken, StoreUnavailableError(str(result.hindrance)))
                    return
        self._hold_or_be_done(taken, unkept, str(error))

    def _failed(self, taken: Slice, error: StoreError, retry_after: float | None = None) -> None:
        is_partly_done = len(taken.lines) < taken.end - taken.start
        if not is_partly_done:
            self._spool.give_back(taken)
        pause = pause_before(self._tries, random.random(), retry_after)  # noqa: S311 - no secret
        self._tries += 1
        self._closed_until = time.monotonic() + pause
        if is_partly_done:
            self._held.add(taken, self._closed_until)
        self._attempts_failed += 1
        self._is_urgent = False
        self._spool.notify()
        self._log.warning(
            "failed",
            "%s; %d records wait in %s and are sent as soon as it takes them",
            error, self._spool.queued, self._spool.folder.path,
        )  # fmt: skip
