"""Lines that begin with a time: Python's common formats, gunicorn, Celery, loguru, structlog, logback. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .. import times as time_forms
from ..levels import PATTERN as LEVEL
from ..record import ParsedRecord

if TYPE_CHECKING:
    from ..times import TimeReader

_LINE: Final = re.compile(
    rf"[\[(]?({time_forms.PATTERN})[\])]?"
    # Python's "time - name - level - message", or a process or thread in brackets, as gunicorn has it.
    rf"(?:(?: -)? ([^\s\[\]]+) -(?= (?:{LEVEL})\b)|[ :|\-]*\[([^\]\s]+)\](?= *[\[(|]? *(?:{LEVEL})\b))?"
    # The level, bare, in brackets or between bars; Celery has the process behind a slash.
    rf"(?:[ :|\-]*[\[(]? ?({LEVEL})\b(?:/([^\s\]]+))? *[\])]?(?=[ :|\-]|$))?"
    r"[ |]*(?:[:\-]+ )?\|? ?"
    r"(.*)",
    re.DOTALL,
)
_OTEL: Final = re.compile(
    r"\[([^\]]*)\] \[([^\]:]+):(\d+)\] \[trace_id=(\w+) span_id=(\w+)"
    r" resource\.service\.name=(.*?)(?: trace_sampled=\w+)?\] - (.*)",
    re.DOTALL,
)
_LOGGER: Final = re.compile(
    # loguru's name:function:line, "in module:" of Flask, "[name]", or a name before a colon or a dash.
    r"(?:([\w.<>]+):([\w<>]+):(\d+) - |in ([\w.]+): |\[([A-Za-z_][\w.\-]*)\](?::| -)? |"
    r"([A-Za-z_][\w.]*(?:\.[\w]+)+|[a-z_][\w.]*)(?:: | - ))(.*)",
    re.DOTALL,
)
_NO_TRACE: Final = "0"


def parse(line: str, times: TimeReader) -> ParsedRecord | None:
    """Read a line that begins with a date and a time.

    Args:
        line: Without its end.
        times: Reads its time.
    """
    match = _LINE.match(line)
    if match is None:
        return None
    moment, name, process, level, worker, rest = match.groups()
    time_ns = times.iso(moment)
    if time_ns is None:
        return None
    record = ParsedRecord(rest, time_ns, level, name)
    if level is None:
        return record
    if process is not None:
        if process.isdigit():
            record.fields["process.pid"] = int(process)
        else:
            record.fields["process.thread.name"] = process
    elif worker is not None:
        record.fields["process.name"] = worker
    if name is None and rest:
        _take_logger(record, rest)
    return record


def _take_logger(record: ParsedRecord, rest: str) -> None:
    if rest[0] == "[":
        otel = _OTEL.match(rest)
        if otel is not None:
            _take_otel(record, otel)
            return
    match = _LOGGER.match(rest)
    if match is None:
        return
    module, function, number, flask, bracketed, plain, message = match.groups()
    if module is not None:
        record.fields["log.origin.function"] = function
        record.fields["log.origin.file.line"] = int(number)
    record.logger = module or flask or bracketed or plain
    record.message = message


def _take_otel(record: ParsedRecord, match: re.Match[str]) -> None:
    """What OpenTelemetry's instrumentation of logging writes."""
    record.logger, file, number, trace, span, service, record.message = match.groups()
    record.fields["log.origin.file.name"] = file
    record.fields["log.origin.file.line"] = int(number)
    if service:
        record.fields["service.name"] = service
    if trace != _NO_TRACE:
        record.trace_id, record.span_id = hex_number(trace, 32), hex_number(span, 16)


def hex_number(text: str, digits: int) -> int:
    """A trace's or a span's id as a number; 0 where it is none."""
    try:
        return int(text, 16) if len(text) == digits else 0
    except ValueError:
        return 0
