"""The durable processor: what it has taken is delivered once, whatever happens in between."""

from __future__ import annotations

import functools
import logging
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk._logs import LogRecordProcessor

from .. import forks
from ..context import session_id_of
from ..context.exception_memory import if_never_logged
from ..context.process_ends import at_child_end, is_ending
from ..names import SESSIONLESS_DATA_STREAM
from ..settings import Settings
from ..signals import is_from_signal
from ..stamp.document_id import DocumentIdGenerator
from ..stamp.told_exceptions import told_error
from ..stores.bulk_lines import lines_of
from ..stores.opening import opened
from .document import DocumentBuilder
from .self_metrics import observe
from .shipper import Shipper
from .spool import Spool
from .spool.dead_letters import DeadLetters
from .spool.folder import SpoolFolder, folder_of

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadWriteLogRecord

    from ..stores import Store
    from ..stores.elasticsearch.targets import ElasticsearchClient
    from .spool.counts import DeliveryCounts

_logger = logging.getLogger(__name__)

_PART_FOR_DEAD_LETTERS: Final = 8


class DurableLogRecordProcessor(LogRecordProcessor):
    """Keeps each record on disk before the log call returns, and delivers it in the background.

    It does what the SDK's ``BatchLogRecordProcessor`` and an exporter do together, and has to stand behind
    the stamp (:class:`OpenReplayLogRecordProcessor`). The document is made at once; the spool holds it as
    the store takes it. What a process leaves undelivered, the next one of the same store and spool folder
    delivers, or one that is running.

    Args:
        store: A store, its URL, or an ``elasticsearch.Elasticsearch``; None: the one of the settings.
        settings: All else; read from the environment where None.
        **arguments: Single settings, such as ``spool_dir``, ``app_url`` or ``api_key``.

    Raises:
        SettingsError: The URL, or an argument, cannot be used.
    """

    def __init__(
        self,
        store: Store | ElasticsearchClient | str | None = None,
        *,
        settings: Settings | None = None,
        **arguments: object,
    ) -> None:
        self.settings = Settings.load(**arguments) if settings is None else settings
        self.store, self._owns_store = opened(store, self.settings)
        next_id = DocumentIdGenerator().next_id
        self._build = DocumentBuilder(self.settings, next_id=next_id).build
        folder = SpoolFolder(folder_of(self.settings.spool_dir, self.store.name))
        max_bytes = self.settings.spool_max_bytes
        self._spool = Spool(
            folder,
            max_bytes=max_bytes,
            max_age=self.settings.spool_max_age,
            syncs_always=self.settings.spool_fsync == "always",
        )
        self._append = self._spool.append
        self._shipper = Shipper(
            self._spool,
            self.store,
            DeadLetters(folder, max_bytes // _PART_FOR_DEAD_LETTERS),
            request_max_bytes=self.settings.request_max_bytes,
            request_timeout=self.settings.export_timeout,
            syncs=self.settings.spool_fsync == "interval",
        )
        self._spool.on_first = self._begin_delivery
        self._spool.on_data = self._shipper.wake
        self._is_shut_down = False
        forks.watch(self)
        observe(self)

    @property
    def counts(self) -> DeliveryCounts:
        """What this process has done so far."""
        return self._spool.tally.counts(self._spool.accepted)

    @property
    def spool(self) -> Spool:
        """What waits."""
        return self._spool

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Keep one record, in the thread that emits it; never raises."""
        try:
            document = self._build(log_record)
            if document is not None:
                index, document_id, source = document
                has_session = index is not SESSIONLESS_DATA_STREAM
                lines = lines_of(index, document_id, source)
                error = told_error(log_record)
                if error is None:
                    self._append(lines, has_session)
                else:
                    # The app's own log line of it, or the server's, is the better one, and mostly comes after it.
                    if_never_logged(error, functools.partial(self._append, lines, has_session))
        except Exception as error:
            # It would come out of the app's logging call. What the app's own signal handler raises has to.
            if is_from_signal(error):
                raise
            self._spool.tally.drop("failed", 1)
            _logger.debug("keeping a record failed: %s", type(error).__name__)

    def enabled(self, *, context: Context | None = None, **_: object) -> bool:
        """False for a record that would not be kept: one without a session, where the settings say so.

        Args:
            context: Of the record; the current one where None.
        """
        return self.settings.sessionless == "keep" or session_id_of(context) is not None

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Bring all records taken so far to the store.

        Args:
            timeout_millis: How long it may take.

        Returns:
            False where the time was not enough, or records had to be given up meanwhile.
        """
        forks.notice_fork()
        dropped = self._spool.tally.dropped()
        is_flushed = self._shipper.flush(timeout_millis / 1000, gives_up=is_ending())
        return is_flushed and self._spool.tally.dropped() == dropped

    def shutdown(self) -> None:
        """Deliver what the store takes within ``shutdown_timeout``; the rest stays on disk for the next process.

        Where the store does not answer, it is tried once. Records that are emitted afterwards are kept too.
        """
        forks.notice_fork()
        if self._is_shut_down:
            return
        self._is_shut_down = True
        began = time.monotonic()
        timeout = self.settings.shutdown_timeout
        self._shipper.adopt_ended()
        if not self._spool.is_empty:
            self._shipper.flush(timeout, gives_up=True)
        self._shipper.stop(max(0.1, began + timeout - time.monotonic()))
        self._spool.close()
        if self._owns_store:
            self.store.close()

    def _begin_delivery(self) -> None:
        if self._shipper.start():
            at_child_end(self.shutdown)

    def before_fork(self) -> None:
        """See :mod:`..forks`."""
        self._spool.before_fork()

    def after_fork_in_parent(self) -> None:
        """See :mod:`..forks`."""
        self._spool.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Begin anew. What the parent has taken stays the parent's."""
        self._spool.after_fork_in_child()
        self._shipper.after_fork_in_child()
