"""The way by a Collector: OpenTelemetry's own batch processor and OTLP exporter, bounded in time."""

from __future__ import annotations

import logging
import os
import time
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
)

from .. import forks
from ..delivery.background import Aside
from ..delivery.rate_limited_log import QuietLog
from ..names import ATTRIBUTE_SESSION_ID
from ..spool.counts import Tally
from ..stores.own_traffic import keep_quiet, own_traffic
from .collector_connectivity import Reach, reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord

    from ..collector_url import CollectorAddress
    from ..settings import Settings
    from ..spool.counts import DeliveryCounts

_logger = logging.getLogger(__name__)

_OWN_SCOPE: Final = "openreplay_otel"


def exporter_maker(address: CollectorAddress) -> Callable[[], LogRecordExporter]:
    """What makes OpenTelemetry's exporter for an address; all else comes from ``OTEL_EXPORTER_OTLP_*``.

    It is imported here and not when it is made, in another thread, where a fork could cut the import.
    """
    # requests imports it at the first request.
    import_module("netrc")
    if address.is_grpc:
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import (
            OTLPLogExporter as GrpcExporter,
        )

        return lambda: GrpcExporter(endpoint=address.endpoint, insecure=not address.is_secure)
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    return lambda: OTLPLogExporter(endpoint=address.endpoint)


class CollectorProcessor(BatchLogRecordProcessor):
    """Sends stamped records to a Collector, off the app's threads.

    It is OpenTelemetry's batch processor, and its variables ``OTEL_BLRP_*`` count. Besides:
    :meth:`force_flush` and :meth:`shutdown` return in time, whatever the Collector does; this package's own
    log lines are not sent; and without a session a record is left out where ``sessionless`` is ``drop``.

    Args:
        address: The Collector.
        settings: What is sent, and how long the end may take.
        make_exporter: Makes OpenTelemetry's OTLP exporter, once in each process; None: one for the address.
    """

    def __init__(
        self,
        address: CollectorAddress,
        settings: Settings,
        make_exporter: Callable[[], LogRecordExporter] | None = None,
    ) -> None:
        self.address: Final = address
        self._shutdown_timeout = settings.shutdown_timeout
        self._keeps_sessionless = settings.sessionless == "keep"
        self._telling = TellingExporter(make_exporter or exporter_maker(address), address)
        self._is_shut_down = False
        self._accepted = 0
        self._numbers = count(1)
        self._aside = Aside()
        super().__init__(self._telling)

    @property
    def counts(self) -> DeliveryCounts:
        """What this process has done so far; ``delivered`` is what the Collector has taken."""
        tally = self._telling.tally
        return tally.counts(self._accepted)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue one record."""
        # Each record looks, since C code forks without a hook.
        forks.notice_fork()
        scope = log_record.instrumentation_scope
        name = "" if scope is None else scope.name or ""
        if name == _OWN_SCOPE or name.startswith(_OWN_SCOPE + "."):
            return
        if not self._keeps_sessionless:
            attributes: Mapping[str, object] = log_record.log_record.attributes or {}
            if ATTRIBUTE_SESSION_ID not in attributes:
                return
        self._accepted = next(self._numbers)
        super().on_emit(log_record)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what is queued.

        Args:
            timeout_millis: How long it may take.

        Returns:
            False where the time was not enough, or the Collector did not take everything.
        """
        tally = self._telling.tally
        lost = tally.dropped()
        is_done = self._aside.do(super().force_flush, timeout_millis / 1000)
        return is_done and not self._is_shut_down and tally.dropped() == lost

    def shutdown(self) -> None:
        """Send what the Collector takes within ``shutdown_timeout``; the rest is lost, and told of."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        self._telling.gives_up_at = time.monotonic() + self._shutdown_timeout
        if not self._aside.do(super().shutdown, self._shutdown_timeout):
            # Of the exporter's own tries one may still wait for an answer; it ends with the process.
            self._telling.shutdown()
            self._telling.tell_of_end()


class TellingExporter(LogRecordExporter):
    """Hands batches on to an OTLP exporter, and says what is wrong once a minute, in place of its many lines.

    The exporter is made at the first batch, and anew in a forked child: a gRPC channel does not survive a fork.

    Args:
        make: Makes the exporter.
        address: Where it sends to.
    """

    def __init__(self, make: Callable[[], LogRecordExporter], address: CollectorAddress) -> None:
        self._make = make
        self._inner: LogRecordExporter | None = None
        self._pid = 0
        self._address = address
        self._reach = Reach(address)
        self._log = QuietLog(_logger)
        keep_quiet()
        self._is_asked = self._is_shut_down = False
        self.gives_up_at = float("inf")
        self.tally = Tally()

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send a batch, in the batch processor's thread."""
        if not self._is_asked:
            # The exporter tries for ten seconds before it gives up; whoever starts an app looks at once.
            self._is_asked = True
            hindrance = self._reach.hindrance_beforehand()
            if hindrance:
                self._tell(hindrance)
        if time.monotonic() >= self.gives_up_at:
            self.tally.drop("end", len(batch))
            return LogRecordExportResult.FAILURE
        with own_traffic(), reasons() as said:
            result = self._exporter().export(batch)
        if result is not LogRecordExportResult.SUCCESS:
            self.tally.drop("collector", len(batch))
            self._tell(self._reach.hindrance(said), lost=len(batch))
        else:
            self.tally.add("delivered", len(batch))
        return result

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Nothing waits here."""
        return True

    def shutdown(self) -> None:
        """End a pause between two tries, and all further ones."""
        if not self._is_shut_down:
            self._is_shut_down = True
            if self._inner is not None and self._pid == os.getpid():
                with own_traffic(), reasons():
                    self._inner.shutdown()

    def tell_of_end(self) -> None:
        """Say that the process ends before the Collector has answered."""
        self._tell(f"{self._reach.hindrance(())}; the process ends without it")

    def _exporter(self) -> LogRecordExporter:
        if self._inner is None or self._pid != os.getpid():
            self._inner = self._make()
            self._pid = os.getpid()
        return self._inner

    def _tell(self, hindrance: str, *, lost: int = 0) -> None:
        message = f"no logs get to the Collector at {self._address.shown}: {hindrance}"
        if lost:
            message += f"; {lost} records are lost"
        self._log.warning("collector", "%s", message)
