"""Emits records as an app would: through ``logging``, in the context of a request, at times of choice."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from opentelemetry import context
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.propagators.textmap import default_getter
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord
from opentelemetry.sdk.resources import Resource

from openreplay_otel import OpenReplayLogRecordProcessor, OpenReplayPropagator, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk._logs import ReadWriteLogRecord

_ID_EPOCH_MS = 1_550_000_000_000


def session_id_begun_at(unix_ms: int, number: int = 1) -> str:
    """The id of a session that began at a time; ``number`` tells apart those of one millisecond."""
    return str((unix_ms - _ID_EPOCH_MS) << 24 | number)


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


class _Keep(LogRecordProcessor):
    def __init__(self) -> None:
        self.records: list[ReadableLogRecord] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        resource = log_record.resource
        assert resource is not None
        self.records.append(
            ReadableLogRecord(
                log_record=log_record.log_record,
                resource=resource,
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        del timeout_millis
        return True


class App:
    """A service whose records are stamped and kept, for a test to export when and how it likes."""

    def __init__(self, service: str = "shop", settings: Settings | None = None) -> None:
        settings = settings or Settings()
        self._kept = _Keep()
        self.provider = LoggerProvider(
            resource=Resource({"service.name": service}), shutdown_on_exit=False
        )
        self.provider.add_log_record_processor(OpenReplayLogRecordProcessor(settings))
        self.provider.add_log_record_processor(self._kept)
        self._propagator = OpenReplayPropagator(settings)
        self.logger = logging.Logger(f"{service}.checkout")  # noqa: LOG001 - of no hierarchy: nothing else hears it
        self.logger.addHandler(
            LoggingHandler(logger_provider=self.provider, log_code_attributes=True)
        )

    def log(
        self,
        session_id: str | None,
        message: str,
        *args: object,
        level: int = logging.INFO,
        at_ms: float | None = None,
        error: BaseException | None = None,
        **extra: object,
    ) -> None:
        """Log one line in the context of a request with the session's header."""
        headers = {} if session_id is None else {"openReplaySession.id": session_id}
        token = context.attach(self._propagator.extract(headers, context.Context(), default_getter))
        try:
            exc_info = None if error is None else (type(error), error, error.__traceback__)
            record = self.logger.makeRecord(
                self.logger.name, level, __file__, 1, message, args, exc_info, "log", extra
            )
            if at_ms is not None:
                # A little after: the handler's way from float to nanoseconds may round down.
                record.created = (at_ms + 0.01) / 1000
            self.logger.handle(record)
        finally:
            context.detach(token)

    def take(self) -> list[ReadableLogRecord]:
        """The records since the last call."""
        taken, self._kept.records = self._kept.records, []
        return taken


def in_parts(records: list[ReadableLogRecord], size: int) -> Iterator[list[ReadableLogRecord]]:
    """Parts of at most ``size`` records."""
    for start in range(0, len(records), size):
        yield records[start : start + size]
