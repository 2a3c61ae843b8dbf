"""Lines of syslog: RFC 3164, RFC 5424, and what journalctl prints. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ..levels import SYSLOG
from ..record import ParsedRecord
from .seen import LONGEST_NUMBER

if TYPE_CHECKING:
    from ..times import TimeReader

_OLD: Final = re.compile(
    r"(?:<(\d{1,3})>)?((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)"
    r" (\S{1,255}) ([^\s\[:]{1,255})(?:\[(\d{1,18})\])?: (.*)",
    re.DOTALL,
)
_NEW: Final = re.compile(
    r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))"
    r" (\S{1,255}) (\S{1,255}) (\S{1,255}) \S{1,255}"
    r' (?:-|(?:\[(?:[^\]"]|"(?:\\.|[^"\\])*")*\])+) ?(.*)',
    re.DOTALL,
)
Program = tuple[Any, Any, Any]
"""Host, name and process of a program."""
_NOTHING: Final = "-"
_SEVERITIES: Final = 8


def parse(line: str, times: TimeReader) -> ParsedRecord | None:
    """Read a line of syslog; its host, program and process become fields.

    Args:
        line: Without its end.
        times: Reads its time.
    """
    match = _OLD.match(line)
    if match is not None:
        priority, moment, host, program, process, message = match.groups()
        time_ns = times.syslog(moment)
    else:
        match = _NEW.match(line)
        if match is None:
            return None
        priority, moment, host, program, process, message = match.groups()
        time_ns = times.iso(moment)
        message = message.removeprefix("\ufeff")
    if time_ns is None:
        return None
    level = None if priority is None else SYSLOG[int(priority) % _SEVERITIES]
    record = ParsedRecord(message, time_ns, level)
    record.is_syslog = True
    if host != _NOTHING:
        record.fields["host.name"] = host
    if program != _NOTHING:
        record.fields["process.name"] = program
    if process is not None and process.isdecimal() and len(process) <= LONGEST_NUMBER:
        record.fields["process.pid"] = int(process)
    return record


def program_of(record: ParsedRecord) -> Program:
    """Who wrote a line of syslog."""
    fields = record.fields
    return fields.get("host.name"), fields.get("process.name"), fields.get("process.pid")


def around(outer: ParsedRecord, inner: ParsedRecord) -> ParsedRecord:
    """The record of a line that has a format of its own inside the line of syslog."""
    inner.fields = {**outer.fields, **inner.fields}
    inner.time_ns = outer.time_ns if inner.time_ns is None else inner.time_ns
    inner.level = inner.level or outer.level
    return inner
