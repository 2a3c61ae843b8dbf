"""Completes records: the exception in their lines, and the parts of it that belong to other sessions. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import tracebacks
from .formats.json_lines import cut_long
from .record import ParsedRecord
from .session_tags import take_tags
from .trace_lines import OWN_LINE, START

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPE, _MESSAGE, _TRACE = "error.type", "error.message", "error.stack_trace"


def finished(record: ParsedRecord) -> Sequence[ParsedRecord]:
    """The records that the lines of one are: itself, and one for each part of its exception that is another's.

    Args:
        record: With all of its lines; it is changed.
    """
    if record.trace_at is not None:
        lines = [record.message, *record.more]
        at = record.trace_at + 1
        found = _divided(record, lines[:at], lines[at:], record.raw[:at], record.raw[at:])
    else:
        if record.more:
            record.message = "\n".join([record.message, *record.more])
        trace = record.fields.get(_TRACE) if record.fields else None
        found = [record]
        if trace is not None and "\n" in trace:
            found = _of_field(record, trace.split("\n"))
    for one in found:
        if one.fields:
            cut_long(one)
            _take_own_tag(one)
    return found


def _of_field(record: ParsedRecord, trace: list[str]) -> list[ParsedRecord]:
    raw = b"".join(record.raw)
    parts = tracebacks.parts(trace, record.session_id, lambda _, own: _tag_of(own, raw))
    if len(parts) == 1 and parts[0].session_id == record.session_id:
        return [record]
    for name in (_TYPE, _MESSAGE, _TRACE):
        record.fields.pop(name, None)
    return _divided(record, [record.message], trace, record.raw, [raw] * len(trace))


def _divided(
    record: ParsedRecord, head: list[str], trace: list[str], head_raw: list[bytes], raw: list[bytes]
) -> list[ParsedRecord]:
    parts = tracebacks.parts(
        trace, record.session_id, lambda number, own: _tag_of(own, raw[number])
    )
    found: list[ParsedRecord] = []
    if head and not record.is_crash and parts[0].session_id != record.session_id:
        record.message, record.raw = "\n".join(head).rstrip("\n"), head_raw
        found.append(record)
    for part in parts:
        lines = trace[part.begin : part.end]
        if found:
            one = _like(record, part.begin + len(head))
            one.raw = raw[part.begin : part.end]
            one.message = ""
        else:
            one = record
            one.message = "\n".join(head).rstrip("\n")
            one.raw = [*head_raw, *raw[part.begin : part.end]]
        one.session_id = part.session_id
        told = tracebacks.read(lines)
        one.fields.update(
            (name, value)
            for name, value in zip((_TYPE, _MESSAGE, _TRACE), told, strict=True)
            if value is not None
        )
        if not one.message:
            one.message = ": ".join(text for text in told[:2] if text) or START
            # The tag of the exception's own line is in it: that is where the document has it anyway.
            one.message = _without_tag(one.message, one)
        found.append(one)
    return found


def _like(record: ParsedRecord, line: int) -> ParsedRecord:
    """A record of the same time, place and origin."""
    one = ParsedRecord("", record.time_ns, record.level, record.logger)
    one.fields = {name: v for name, v in record.fields.items() if not name.startswith("error.")}
    one.line, one.offset, one.is_cut = record.line + line, record.offset, record.is_cut
    return one


def _tag_of(own: str, raw: bytes) -> str | None:
    match = OWN_LINE.fullmatch(own)
    text = None if match is None else match[2]
    return take_tags(text, raw)[0] if text else None


def _take_own_tag(record: ParsedRecord) -> None:
    """Take the tag of the record's own session off the exception's text, which is read without."""
    text = record.fields.get(_MESSAGE)
    if text is None or record.session_id is None or text[:1] != "[":
        return
    session_id, rest = take_tags(text, text.encode("utf-8", "replace"))
    if session_id == record.session_id:
        record.fields[_MESSAGE] = rest


def _without_tag(message: str, record: ParsedRecord) -> str:
    kind, separator, text = message.partition(": ")
    session_id, rest = take_tags(text, text.encode("utf-8", "replace"))
    if session_id is None or session_id != record.session_id:
        return message
    return f"{kind}{separator}{rest}"
