"""Lines of ``key=value`` pairs (logfmt), as structlog's LogfmtRenderer writes them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from . import json_lines

if TYPE_CHECKING:
    from ..record import ParsedRecord
    from ..times import TimeReader

_BEGIN: Final = re.compile(r"(?:time|ts|timestamp|level|lvl|event|msg|at)=\S")
_PAIR: Final = re.compile(
    r'([A-Za-z_@][\w.\-@]{0,1023})(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]\S*|)))?(?: +|$)'
)
_ESCAPE: Final = re.compile(r'\\([ntr"\\])')
_UNESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


def parse(line: str, times: TimeReader) -> ParsedRecord | None:
    """Read a line that begins with one of the usual keys.

    Args:
        line: Without its end.
        times: Reads its time.
    """
    if _BEGIN.match(line) is None:
        return None
    pairs: dict[str, Any] = {}
    position = 0
    while position < len(line):
        match = _PAIR.match(line, position)
        if match is None:
            return None
        position = match.end()
        key, quoted, bare = match.groups()
        # Of a name that comes twice the first one counts: what users sent comes behind it.
        if key in pairs:
            continue
        if quoted is not None:
            pairs[key] = _ESCAPE.sub(lambda found: _UNESCAPED[found[1]], quoted)
        else:
            pairs[key] = "true" if bare is None else bare
    record = json_lines.from_object(pairs, times)
    if record is not None:
        record.is_structured = True
    return record
