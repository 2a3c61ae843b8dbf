"""A store with a spool before it: what is kept is delivered once, whatever happens in between."""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Final

from .. import forks
from ..context.flush_at_exit import at_child_end, is_ending
from ..delivery.worker import DeliveryWorker
from ..names import SESSIONLESS_DATA_STREAM
from ..spool import Spool
from ..spool.dead_letters import DeadLetters
from ..spool.folder import SpoolFolder
from ..stores.bulk_lines import lines_of
from ..stores.opening import opened
from .self_metrics import observe

if TYPE_CHECKING:
    from ..settings import Settings
    from ..spool.counts import DeliveryCounts
    from ..stores import Store
    from ..stores.base import Document
    from ..stores.elasticsearch.targets import ElasticsearchClient

_living: Final[weakref.WeakSet[DurableStore]] = weakref.WeakSet()


class DurableStore:
    """Keeps documents on disk, and delivers them to a store in the background.

    What a process leaves undelivered, the next one of the same store and spool folder delivers, or one that is
    running.

    Args:
        store: A store, its URL, or an ``elasticsearch.Elasticsearch``; None: the one of the settings.
        settings: All else.

    Attributes:
        settings: The settings.
        store: The store.
        spool: What waits.

    Raises:
        SettingsError: The URL cannot be used.
    """

    def __init__(self, store: Store | ElasticsearchClient | str | None, settings: Settings) -> None:
        self.settings = settings
        self.store, self._owns_store = opened(store, settings)
        folder = SpoolFolder.of(settings.spool_dir, self.store.name)
        max_bytes = settings.spool_max_bytes
        self.spool = Spool(
            folder,
            max_bytes=max_bytes,
            max_age=settings.spool_max_age,
            syncs_always=settings.spool_fsync == "always",
        )
        self._append = self.spool.append
        self._worker = DeliveryWorker(
            self.spool,
            self.store,
            DeadLetters(folder, max_bytes),
            request_max_bytes=settings.request_max_bytes,
            request_timeout=settings.export_timeout,
            syncs=settings.spool_fsync == "interval",
        )
        self.spool.on_first = self._begin_delivery
        self.spool.on_data = self._worker.wake
        self._is_shut_down = False
        forks.watch(self)
        observe(self)
        _living.add(self)

    @property
    def counts(self) -> DeliveryCounts:
        """What this process has done so far."""
        return self.spool.tally.counts(self.spool.accepted)

    def keep(self, document: Document) -> bool:
        """Keep one document; False where there is no room left, which is counted."""
        index, document_id, source = document
        return self._append(
            lines_of(index, document_id, source), index is not SESSIONLESS_DATA_STREAM
        )

    def could_not_keep(self, records: int) -> None:
        """Count records of which no document could be made."""
        self.spool.tally.drop("failed", records)

    def flush(self, timeout: float) -> bool:
        """Bring all that was kept so far to the store.

        Args:
            timeout: Seconds it may take.

        Returns:
            False where the time was not enough, or records had to be given up meanwhile.
        """
        forks.notice_fork()
        dropped = self.spool.tally.dropped()
        is_flushed = self._worker.flush(timeout, gives_up=is_ending())
        return is_flushed and self.spool.tally.dropped() == dropped

    def shutdown(self) -> None:
        """Deliver what the store takes within ``shutdown_timeout``; the rest stays on disk for the next process.

        Where the store does not answer, it is tried once. What comes afterwards is kept too.
        """
        forks.notice_fork()
        if self._is_shut_down:
            return
        self._is_shut_down = True
        began = time.monotonic()
        timeout = self.settings.shutdown_timeout
        self._worker.adopt_ended()
        if not self.spool.is_empty:
            self._worker.flush(timeout, gives_up=True)
        self._worker.stop(max(0.1, began + timeout - time.monotonic()))
        self.spool.close()
        if self._owns_store:
            self.store.close()

    def _begin_delivery(self) -> None:
        if self._worker.start():
            at_child_end(self.shutdown)

    def before_fork(self) -> None:
        """See :mod:`..forks`."""
        self.spool.before_fork()

    def after_fork_in_parent(self) -> None:
        """See :mod:`..forks`."""
        self.spool.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Begin anew. What the parent has taken stays the parent's."""
        self.spool.after_fork_in_child()
        self._worker.after_fork_in_child()


def is_in_use() -> bool:
    """Tell whether anything in this process keeps records for a store."""
    return bool(_living)
