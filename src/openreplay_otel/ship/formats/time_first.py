"""Lines that begin with a time: Python's common formats, gunicorn, Celery, loguru, structlog, logback. Pure.

Every repetition has a bound: a line costs no more than its length, whatever is in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .. import times as time_forms
from ..levels import PATTERN as LEVEL
from ..record import ParsedRecord
from . import seen

if TYPE_CHECKING:
    from ..times import TimeReader

_NAME: Final = r"[A-Za-z_<][^\s\[\]|,]{0,199}"
_SEPARATOR: Final = r"(?: ?[|\-:,] ?| )"
_LINE: Final = re.compile(
    rf"[\[(]?({time_forms.PATTERN})[\])]?"
    # "time - name - level - message" and the like, or a process or thread in brackets, as gunicorn has it.
    rf"(?:{_SEPARATOR}({_NAME}) ?[|\-:,] {{0,2}}(?=[\[(]?(?:{LEVEL})\b)"
    # A name with nothing but a space before the level: only where a tag or a colon shows that it is one.
    rf"|{_SEPARATOR}({_NAME}) (?=[\[(]?(?:{LEVEL})[\])]?(?: ?[:|\-] | ?\[(?i:openReplayS|asayer_s)))"
    rf"|[ :|\-]{{0,4}}\[([^\]\s]{{1,200}})\](?= {{0,4}}[\[(|]? {{0,4}}(?:{LEVEL})\b))?"
    # The level, bare, in brackets or between bars; Celery has the process behind a slash.
    rf"(?:[ :|\-,]{{0,4}}[\[(]? ?({LEVEL})\b(?:/([^\s\]]{{1,200}}))? {{0,12}}[\])]?(?=[ :|\-,]|$))?"
    r"[ |]{0,12}(?:[:\-,] {0,12})?\|? ?"
    r"(.*)",
    re.DOTALL,
)
_OTEL: Final = re.compile(
    r"\[([^\]]{0,200})\] \[([^\]:]{1,400}):(\d{1,9})\] \[trace_id=(\w{1,32}) span_id=(\w{1,32})"
    r" resource\.service\.name=(.{0,200}?)(?: trace_sampled=\w{1,5})?\] - (.*)",
    re.DOTALL,
)
_LOGGER: Final = re.compile(
    # loguru's name:function:line, "in module:" of Flask, "[name]", or a name before a colon, a dash, a bar.
    r"(?:([\w.<>]{1,200}):([\w<>]{1,200}):(\d{1,9}) - |in ([\w.]{1,200}): "
    r"|\[([A-Za-z_][\w.\-]{0,199})\](?::| -)? |([A-Za-z_][\w.]{0,199})(: | - | \| ))(.*)",
    re.DOTALL,
)
_CELERY_TASK: Final = re.compile(r"([A-Za-z_][\w.]{0,199})\[([0-9a-f\-]{36})\]: (.*)", re.DOTALL)
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
    moment, name, spaced, process, level, worker, rest = match.groups()
    time_ns = times.iso(moment)
    if time_ns is None:
        return None
    record = ParsedRecord(rest, time_ns, level, name or spaced)
    if level is None:
        seen.complete(record)
        return record
    if worker is not None:
        record.fields["process.name"] = worker
        task = _CELERY_TASK.match(rest)
        if task is not None:
            record.logger, record.fields["labels.celery.task_id"], record.message = task.groups()
    elif process is not None and process.isdecimal() and len(process) <= seen.LONGEST_NUMBER:
        # gunicorn and hypercorn: the text begins here, whatever looks like a logger in it.
        record.fields["process.pid"] = int(process)
    else:
        if process is not None:
            record.fields["process.thread.name"] = process
        if record.logger is None and rest:
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
        seen.complete(record)
        return
    module, function, number, flask, bracketed, plain, separator, message = match.groups()
    if plain is not None and separator == ": " and plain[0].isupper() and "." not in plain:
        # "Started: …" begins a sentence.
        return
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
