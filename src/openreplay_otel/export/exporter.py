"""The exporter: an OpenTelemetry ``LogRecordExporter`` over a store."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult

from ..settings import Settings
from ..stores.opening import opened
from .delivery import Delivery, DeliveryReport
from .document import DocumentBuilder
from .preparing import Preparation
from .quiet_log import QuietLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord

    from ..stores import Store
    from ..stores.base import Document
    from ..stores.elasticsearch.targets import ElasticsearchClient

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExportCounts:
    """What an exporter has done so far.

    Attributes:
        accepted: Documents stored.
        known: Documents that an earlier try had stored.
        refused: Documents that the store will not take.
        dropped: Documents that were given up because the store could not be reached or used in time.
    """

    accepted: int = 0
    known: int = 0
    refused: int = 0
    dropped: int = 0


class OpenReplayLogExporter(LogRecordExporter):
    """Writes stamped records to a store; ``openreplay`` in ``OTEL_LOGS_EXPORTER``.

    Use it behind the SDK's ``BatchLogRecordProcessor``. It makes no records and no spans of its own
    requests, and tries again within ``export_timeout``.

    Args:
        store: A store, its URL, or an ``elasticsearch.Elasticsearch``; None: the one of the settings.
        settings: All else; read from the environment where None.
        **arguments: Single settings, such as ``app_url``, ``project_id`` or ``api_key``.

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
        if settings is None:
            settings = Settings.load(store=store if isinstance(store, str) else None, **arguments)
        self.settings = settings
        self.given: Final = store
        self.store, self._owns_store = opened(store, self.settings)
        self._stopped = threading.Event()
        self._build = DocumentBuilder(self.settings).build
        self._delivery = Delivery(
            self.store,
            request_max_bytes=self.settings.request_max_bytes,
            wait=self._stopped.wait,
        )
        self._lock = threading.Lock()
        self._counts = ExportCounts()
        self._log = QuietLog(_logger)
        self._preparation = Preparation(self.store, self._log)

    @property
    def counts(self) -> ExportCounts:
        """What was done so far."""
        with self._lock:
            return self._counts

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Store a batch; never raises.

        Returns:
            SUCCESS where every record was stored, or had been before, or is not meant to be. FAILURE
            where some were refused for good or given up; the others are stored all the same.
        """
        if self._stopped.is_set():
            self._count_dropped(len(batch))
            return LogRecordExportResult.FAILURE
        try:
            built = map(self._build, batch)
            documents = [document for document in built if document is not None]
            if not documents:
                return LogRecordExportResult.SUCCESS
            return self._deliver(documents)
        except Exception:  # noqa: BLE001 - logged below, without the SDK's traceback each time
            self._log.warning(
                "unexpected", "exporting %d records failed", len(batch), exc_info=True
            )
            self._count_dropped(len(batch))
            return LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        """End: a waiting export stops waiting, and the store is closed if it was opened here."""
        self._stopped.set()
        if self._owns_store:
            self.store.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here: an export is done when it returns."""
        return True

    def _deliver(self, documents: list[Document]) -> LogRecordExportResult:
        self._preparation.prepare_if_due()
        report = self._delivery.deliver(documents, timeout=self.settings.export_timeout)
        self._count(report)
        if report.refused:
            example = report.refused[0]
            self._log.warning(
                "refused",
                "%s refused %d of %d documents for good, for instance %s with status %d: %s",
                self.store.name, len(report.refused), len(documents),
                example.document.id, example.status, example.reason,
            )  # fmt: skip
        if report.undelivered:
            self._log.warning(
                "dropped",
                "%d of %d records could not be stored and are lost: %s",
                len(report.undelivered), len(documents), report.error,
            )  # fmt: skip
        if report.refused or report.undelivered:
            return LogRecordExportResult.FAILURE
        return LogRecordExportResult.SUCCESS

    def _count_dropped(self, records: int) -> None:
        with self._lock:
            self._counts = replace(self._counts, dropped=self._counts.dropped + records)

    def _count(self, report: DeliveryReport) -> None:
        with self._lock:
            self._counts = replace(
                self._counts,
                accepted=self._counts.accepted + report.accepted,
                known=self._counts.known + report.known,
                refused=self._counts.refused + len(report.refused),
                dropped=self._counts.dropped + len(report.undelivered),
            )
