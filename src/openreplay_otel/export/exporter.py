"""The exporter: an OpenTelemetry ``LogRecordExporter`` over a store with a spool before it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from .. import forks
from ..context.exception_memory import is_logged
from ..document.builder import DocumentBuilder
from ..settings import Settings, variable
from ..stamp.repeated_exceptions import told_error
from .durable_store import DurableStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from typing_extensions import Unpack

    from ..settings import SettingsArguments
    from ..spool.counts import DeliveryCounts
    from ..stores import Store
    from ..stores.elasticsearch.targets import ElasticsearchClient

_logger = logging.getLogger(__name__)


class OpenReplayLogExporter(LogRecordExporter):
    """Keeps stamped records on disk and delivers them to a store; ``openreplay`` in ``OTEL_LOGS_EXPORTER``.

    Use it behind a processor of the SDK. What that one still holds is lost with the process: the SDK's
    ``BatchLogRecordProcessor`` hands records on once a second. :class:`DurableLogRecordProcessor` holds nothing.
    A record that is exported twice is stored once.

    Args:
        store: A store, its URL, or an ``elasticsearch.Elasticsearch``; None: the one of the settings.
        settings: All else; read from the environment where None.
        **arguments: Single settings, such as ``app_url``, ``project_id`` or ``api_key``.

    Attributes:
        settings: The settings in force.
        durable: The store with its spool.

    Raises:
        SettingsError: The URL, or an argument, cannot be used.
    """

    def __init__(
        self,
        store: Store | ElasticsearchClient | str | None = None,
        *,
        settings: Settings | None = None,
        **arguments: Unpack[SettingsArguments],
    ) -> None:
        if settings is None:
            settings = Settings.load(store=store if isinstance(store, str) else None, **arguments)
        self.settings = settings
        self.durable = DurableStore(store, settings)
        self._build = DocumentBuilder(settings).build
        if store is None and settings.store is None:
            _logger.warning(
                "no store is named: records go to %s; %s names another one",
                self.durable.store.name, variable("store"),
            )  # fmt: skip

    @property
    def store(self) -> Store:
        """Where the records go."""
        return self.durable.store

    @property
    def counts(self) -> DeliveryCounts:
        """What this process has done so far."""
        return self.durable.counts

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Keep a batch on disk, to be delivered in the background; never raises.

        Returns:
            SUCCESS where every record is kept, or is not meant to be stored. FAILURE where there was no room
            for some; those are counted, and the others are kept all the same.
        """
        # Each batch looks, since C code forks without a hook.
        forks.notice_fork()
        kept = [self._keep(record) for record in batch]
        return LogRecordExportResult.SUCCESS if all(kept) else LogRecordExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Bring all records exported so far to the store.

        Args:
            timeout_millis: How long it may take.

        Returns:
            False where the time was not enough, or records had to be given up meanwhile.
        """
        return self.durable.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Deliver what the store takes within ``shutdown_timeout``; the rest stays on disk for the next process."""
        self.durable.shutdown()

    def _keep(self, record: ReadableLogRecord) -> bool:
        try:
            error = told_error(record)
            if error is not None and is_logged(error):
                # The app's own log line of it is the better record of the two.
                return True
            document = self._build(record)
            return document is None or self.durable.keep(document)
        except Exception as error:  # noqa: BLE001 - it would cost the rest of the batch
            self.durable.could_not_keep(1)
            _logger.debug("keeping a record failed: %s", type(error).__name__)
            return False
