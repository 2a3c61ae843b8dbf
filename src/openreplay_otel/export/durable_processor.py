"""The durable processor: each record is on disk before the log call returns."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import LogRecordProcessor

from ..context import session_id_of
from ..context.exception_memory import if_never_logged
from ..document.builder import DocumentBuilder
from ..settings import Settings
from ..signals import is_from_signal
from ..stamp.document_id import DocumentIdGenerator
from ..stamp.repeated_exceptions import told_error
from .durable_store import DurableStore

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadWriteLogRecord
    from typing_extensions import Unpack

    from ..settings import SettingsArguments
    from ..spool import Spool
    from ..spool.counts import DeliveryCounts
    from ..stores import Store
    from ..stores.elasticsearch.targets import ElasticsearchClient

_logger = logging.getLogger(__name__)


class DurableLogRecordProcessor(LogRecordProcessor):
    """Keeps each record on disk before the log call returns, and delivers it in the background.

    It replaces the SDK's ``BatchLogRecordProcessor`` and its exporter, and has to come after the stamp
    (:class:`OpenReplayLogRecordProcessor`). The document is built at once; the spool holds it in the form that the
    store takes. Records that a process leaves undelivered are delivered by another process with the same store
    and spool folder: a running one, or the next one.

    Args:
        store: A store, its URL, or an ``elasticsearch.Elasticsearch``; None: the one of the settings. A durable
            store, which has its spool already, is shared.
        settings: All else; read from the environment where None.
        **arguments: Single settings, such as ``spool_dir``, ``app_url`` or ``api_key``.

    Raises:
        SettingsError: The URL, or an argument, cannot be used.
    """

    def __init__(
        self,
        store: Store | DurableStore | ElasticsearchClient | str | None = None,
        *,
        settings: Settings | None = None,
        **arguments: Unpack[SettingsArguments],
    ) -> None:
        self.settings = Settings.load(**arguments) if settings is None else settings
        is_shared = isinstance(store, DurableStore)
        self._durable = store if is_shared else DurableStore(store, self.settings)
        self._keep = self._durable.keep
        self._build = DocumentBuilder(self.settings, DocumentIdGenerator().next_id).build

    @property
    def store(self) -> Store:
        """Where the records go."""
        return self._durable.store

    @property
    def counts(self) -> DeliveryCounts:
        """What this process has done so far."""
        return self._durable.counts

    @property
    def spool(self) -> Spool:
        """What waits."""
        return self._durable.spool

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Keep one record, in the thread that emits it; never raises."""
        try:
            document = self._build(log_record)
            if document is not None:
                error = told_error(log_record)
                if error is None:
                    self._keep(document)
                else:
                    # The app's own log line of it, or the server's, is the better one, and mostly comes after it.
                    if_never_logged(error, functools.partial(self._keep, document))
        except Exception as error:
            # It would come out of the app's logging call. What the app's own signal handler raises has to.
            if is_from_signal(error):
                raise
            self._durable.could_not_keep(1)
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
        return self._durable.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Deliver what the store takes within ``shutdown_timeout``; the rest stays on disk for the next process.

        Where the store does not answer, it is tried once. Records that are emitted afterwards are kept too.
        """
        self._durable.shutdown()
