"""Lines that begin with a level: Python's default ``LEVEL:logger:message``, uvicorn, Django. Pure.

Every repetition has a bound: a line costs no more than its length, whatever is in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .. import times as time_forms
from ..levels import UPPER_PATTERN as LEVEL
from ..record import ParsedRecord
from . import seen

if TYPE_CHECKING:
    from ..times import TimeReader

_LINE: Final = re.compile(
    rf"[\[(]?({LEVEL})\b(?:"
    # logging.basicConfig(): the name may be that of any logger, the text is what is behind it.
    r":([^\s:]{1,200}):(.*)"
    # Django's {levelname} {asctime} {module} {process:d} {thread:d} {message}, or a time and a text.
    rf"| {{0,12}}[\])]?(?: ?[|\-:])? {{0,2}}[\[(]?({time_forms.PATTERN})[\])]?"
    r"(?: ([A-Za-z_][\w.]{0,199}) (\d{1,18}) (\d{1,18}))?[ :|\-]{0,8}(.*)"
    # "[ERROR   ] name: text", "ERROR | name | text", "ERROR    name:file.py:88 text".
    r"|(?: {0,12}[\])]:? ?| {0,12}\| | - )([A-Za-z_][\w.]{0,199})(?:: | - | \| )(.*)"
    # uvicorn's "INFO:     text", and "[INFO] text", "INFO - text".
    r"|(?:: {1,12}| {0,12}[\])]:? ?| - | {0,12}\| )(.*)"
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
    level, logger, default, moment, module, process, thread, timed, name, named, other = (
        match.groups()
    )
    if logger is not None:
        return ParsedRecord(default, None, level, logger)
    if moment is not None:
        record = ParsedRecord(timed, times.iso(moment), level, module)
        if process is not None:
            record.fields["process.pid"] = int(process)
            record.fields["process.thread.id"] = int(thread)
        return record
    if name is not None:
        return ParsedRecord(named, None, level, name)
    record = ParsedRecord(other, None, level)
    if line[len(level) : len(level) + 1] != ":":
        seen.complete(record)
    return record
