"""What container runtimes put around each line: Docker's JSON files, CRI (containerd, CRI-O). Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from ..times import TimeReader

_CRI: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP]) (.*)",
    re.DOTALL,
)


class Unwrapped(NamedTuple):
    """A line as the app wrote it.

    Attributes:
        line: Without its end.
        time_ns: When the runtime took it.
        is_partial: Whether it goes on in the next one of its stream.
        is_error_stream: Whether it was written to stderr.
    """

    line: str
    time_ns: int | None
    is_partial: bool
    is_error_stream: bool


def from_docker(fields: dict[str, Any], times: TimeReader) -> Unwrapped | None:
    """What stands in a line of Docker's ``json-file``; None for any other JSON."""
    log = fields.get("log")
    if not isinstance(log, str) or "time" not in fields or "stream" not in fields:
        return None
    is_partial = not log.endswith("\n")
    time_ns = times.any(fields["time"])
    return Unwrapped(log.rstrip("\r\n"), time_ns, is_partial, fields["stream"] == "stderr")


def from_cri(line: str, times: TimeReader) -> Unwrapped | None:
    """What stands in a line of a CRI log; None for any other."""
    match = _CRI.fullmatch(line)
    if match is None:
        return None
    moment, stream, flag, text = match.groups()
    return Unwrapped(text, times.iso(moment), flag == "P", stream == "stderr")
