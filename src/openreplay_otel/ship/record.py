"""What a parser finds in a piece of a log file."""

from __future__ import annotations

from typing import Any


class ParsedRecord:
    """One record of a log file. Plain and mutable: one is made for each line of gigabytes.

    Attributes:
        message: Its text; lines that follow are joined to it.
        time_ns: Unix nanoseconds, or None where the record says none.
        level: The name of its level as it was written, or None.
        logger: Name of the logger, or None.
        session_id: Decimal id of the session that its tag names, or None.
        trace_id: Trace and span as numbers, 0 for none.
        span_id: See above.
        fields: Further fields of the document by their full names.
        is_time_assumed: Whether the time comes from the context.
        is_cut: Whether something had to be left out for its size.
        is_structured: Whether its format names its fields, so that a field of a session is no user's text.
        is_syslog: Whether it is what syslog wrote around a text.
        is_crash: Whether Python printed it before the traceback of an exception that nobody caught.
        has_source_line: Whether a line of source follows it, as with a warning.
        more: Lines that follow the first one.
        trace_at: Which of ``more`` is the first line of its traceback; -1 for the first line of all, None
            without one.
        raw: The lines as they are in the file: the first one, then one for each of ``more``.
        line: Number of its first line.
        offset: Where it begins in the (unpacked) file, bytes.
    """

    __slots__ = (
        "fields", "has_source_line", "is_crash", "is_cut", "is_structured", "is_syslog",
        "is_time_assumed", "level",
        "line", "logger", "message", "more", "offset", "raw", "session_id", "span_id", "time_ns", "trace_at",
        "trace_id",
    )  # fmt: skip

    def __init__(
        self,
        message: str,
        time_ns: int | None = None,
        level: str | None = None,
        logger: str | None = None,
    ) -> None:
        self.message = message
        self.time_ns = time_ns
        self.level = level
        self.logger = logger
        self.session_id: str | None = None
        self.trace_id = 0
        self.span_id = 0
        self.fields: dict[str, Any] = {}
        self.is_time_assumed = False
        self.is_cut = False
        self.is_structured = False
        self.is_syslog = False
        self.is_crash = False
        self.has_source_line = False
        self.more: list[str] = []
        self.trace_at: int | None = None
        self.raw: list[bytes] = []
        self.line = 0
        self.offset = 0
