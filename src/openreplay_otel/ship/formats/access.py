"""Access lines of web servers: common and combined log format, werkzeug's. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..record import ParsedRecord

if TYPE_CHECKING:
    from ..times import TimeReader

_LINE: Final = re.compile(
    r"(\S+) \S+ (\S+|.{1,80}?) \[(\d\d/[A-Z][a-z]{2}/\d{4}[: ]\d\d:\d\d:\d\d(?: [+-]\d{4})?)\]"
    r' "([A-Z]+) ([^"\s]*)[^"]*" (\d{3})\b'
)


def parse(line: str, times: TimeReader) -> ParsedRecord | None:
    """Read an access line. It has no level: that comes from the status.

    Args:
        line: Without its end; all of it stays the text.
        times: Reads its time.
    """
    match = _LINE.match(line)
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
