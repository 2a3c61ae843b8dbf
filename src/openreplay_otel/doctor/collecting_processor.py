"""A log record processor that keeps what it gets."""

from __future__ import annotations

from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord


class Keeping(LogRecordProcessor):
    """Keeps the records that were emitted, as an exporter would get them.

    Attributes:
        records: In the order of their emission.
    """

    def __init__(self) -> None:
        self.records: list[ReadableLogRecord] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Keep one."""
        if log_record.resource is not None:
            self.records.append(
                ReadableLogRecord(
                    log_record=log_record.log_record,
                    resource=log_record.resource,
                    instrumentation_scope=log_record.instrumentation_scope,
                    limits=log_record.limits,
                )
            )

    def shutdown(self) -> None:
        """Nothing to end."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here."""
        return True
