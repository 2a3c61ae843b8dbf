"""Access lines of web servers: common and combined log format, werkzeug's. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..record import ParsedRecord

if TYPE_CHECKING:
    from ..times import TimeReader

_LINE: Final = re.compile(
    r"(\S{1,200}) \S{1,200} (\S{1,200}|.{1,80}?)"
    r" \[(\d\d/[A-Z][a-z]{2}/\d{4}[: ]\d\d:\d\d:\d\d(?: [+-]\d{4})?)\]"
    # What looks ahead keeps the search from trying every shorter address.
    r' "([A-Z]{1,20}) ([^"\s]*)(?=["\s])[^"]*" (\d{3})\b'
)
_DJANGO: Final = re.compile(
    # A tag may be between the time and the request, which is the message there.
    r"\[(\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d)\] (?:\[[^\]\s]{1,300}\]){0,8} ?"
    r'(?:"([A-Z]{1,20}) [^"\s]*(?=["\s])[^"]*" (\d{3})\b)?'
)


def parse(line: str, times: TimeReader) -> ParsedRecord | None:
    """Read an access line. It has no level: that comes from the status.

    Args:
        line: Without its end; all of it stays the text.
        times: Reads its time.
    """
    match = _LINE.match(line) if '] "' in line else None
    if match is None:
        return None
    client, _, moment, method, _, status = match.groups()
    time_ns = times.access(moment)
    if time_ns is None:
        return None
    record = ParsedRecord(line, time_ns)
    record.fields["client.address"] = client
    record.fields["http.request.method"] = method
    record.fields["http.response.status_code"] = int(status)
    return record


def parse_django(line: str, times: TimeReader) -> ParsedRecord | None:
    """Read a line of Django's development server: ``[24/Jan/2024 02:27:39] "GET / HTTP/1.1" 200 12``.

    Args:
        line: Without its end.
        times: Reads its time.
    """
    match = _DJANGO.match(line)
    time_ns = None if match is None else times.access(match[1])
    if match is None or time_ns is None:
        return None
    record = ParsedRecord(line[match.end(1) + 2 :], time_ns, None, "django.server")
    if match[2] is not None:
        record.fields["http.request.method"] = match[2]
        record.fields["http.response.status_code"] = int(match[3])
    return record
