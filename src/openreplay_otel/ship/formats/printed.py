"""What Python and Django print without a format: warnings, crashes, failed requests. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..record import ParsedRecord

if TYPE_CHECKING:
    from ..times import TimeReader

_WARNING: Final = re.compile(
    r".{1,500}?:(\d{1,9}): ([A-Za-z_][\w.]{0,200}Warning): (.*)", re.DOTALL
)
_CRASHES: Final = (
    "Exception in thread ", "Exception ignored ", "Error in sys.excepthook:", "Original exception was:",
    "Error in atexit._run_exitfuncs:", "--- Logging error ---",
)  # fmt: skip
_PROCESS: Final = re.compile(r"Process [^\s:]{1,200}:")
_FAILED: Final = "Internal Server Error: /"


def parse_warning(line: str, _: TimeReader) -> ParsedRecord | None:
    """Read what :mod:`warnings` prints: ``file.py:7: UserWarning: text``; its source line follows.

    Args:
        line: Without its end; all of it stays the text.
    """
    match = _WARNING.match(line) if "Warning: " in line[:1000] else None
    if match is None:
        return None
    record = ParsedRecord(line, None, "WARNING")
    record.has_source_line = True
    return record


def parse_crash(line: str, _: TimeReader) -> ParsedRecord | None:
    """Read the line that Python prints before the traceback of an exception that nobody caught.

    Args:
        line: Without its end; all of it stays the text.
    """
    if not line.startswith(_CRASHES) and _PROCESS.fullmatch(line) is None:
        return None
    record = ParsedRecord(line, None, "ERROR")
    record.is_crash = True
    return record


def parse_failed_request(line: str, _: TimeReader) -> ParsedRecord | None:
    """Read Django's line of a failed request, to which its default settings give no format.

    Args:
        line: Without its end; all of it stays the text.
    """
    return ParsedRecord(line, None, "ERROR", "django.request") if line.startswith(_FAILED) else None
