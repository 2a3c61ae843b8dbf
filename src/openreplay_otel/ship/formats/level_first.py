"""Lines that begin with a level: Python's default ``LEVEL:logger:message``, uvicorn, Django. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .. import times as time_forms
from ..levels import UPPER_PATTERN as LEVEL
from ..record import ParsedRecord

if TYPE_CHECKING:
    from ..times import TimeReader

_LINE: Final = re.compile(
    rf"\[?({LEVEL})\b(?:"
    # logging.basicConfig(): the name may be that of any logger, the text is what stands behind it.
    r":([A-Za-z_][\w.\-]*):(.*)"
    # Django's {levelname} {asctime} {module} {process:d} {thread:d} {message}, or a time and a text.
    rf"|\]? \[?({time_forms.PATTERN})\]?(?: ([A-Za-z_][\w.]*) (\d+) (\d+))?[ :|\-]*(.*)"
    # uvicorn's "INFO:     text", and "[INFO] text", "INFO - text".
    r"|(?:: +|\]:? ?| - | \| )(.*)"
    r")",
    re.DOTALL,
)


def parse(line: str, times: TimeReader) -> ParsedRecord | None:
    """Read a line whose first word is a level in capitals.

    Args:
        line: Without its end.
        times: Reads its time, where it has one.
    """
    match = _LINE.match(line)
    if match is None:
        return None
    level, logger, default, moment, module, process, thread, django, other = match.groups()
    if logger is not None:
        return ParsedRecord(default, None, level, logger)
    if moment is None:
        return ParsedRecord(other, None, level)
    record = ParsedRecord(django, times.iso(moment), level, module)
    if process is not None:
        record.fields["process.pid"] = int(process)
        record.fields["process.thread.id"] = int(thread)
    return record
