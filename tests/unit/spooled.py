"""Documents' lines with numbers in them, spools of a test, and what lies in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import orjson

from openreplay_otel.spool import Spool
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.stores.bulk_lines import documents_of, lines_of

from .processes import MOST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from openreplay_otel.spool.segment import Slice

MEBIBYTE: Final = 1024 * 1024


def line(number: int, *, size: int = 0, index: str = "index") -> bytes:
    """The lines of one document; its source is so many bytes longer than needed."""
    source = orjson.dumps({"message": number, "text": "x" * size})
    return lines_of(index, f"id{number:09d}", source)


def lines(*numbers: int, size: int = 0) -> bytes:
    """The lines of several."""
    return b"".join(line(number, size=size) for number in numbers)


def numbers_in(content: bytes) -> list[int]:
    """The numbers of the documents in whole lines."""
    return [orjson.loads(one.source)["message"] for one in documents_of(content)]


def spool_in(
    path: Path, *, max_bytes: int = 512 * MEBIBYTE, max_age: float = 3600, **more: Any
) -> Spool:
    """A spool of a process."""
    return Spool(SpoolFolder(path), max_bytes=max_bytes, max_age=max_age, **more)


def append(spool: Spool, *numbers: int, has_session: bool = True, size: int = 0) -> None:
    """Append documents one by one; there has to be room."""
    for number in numbers:
        assert spool.append(line(number, size=size), has_session)


def taken_from(spool: Spool, max_bytes: int = MEBIBYTE) -> list[int]:
    """Take all there is and note it as done; the numbers in its order."""
    found: list[int] = []
    while (taken := spool.take(max_bytes)) is not None:
        found += numbers_in(taken.lines)
        spool.done(taken)
    return found


def take(spool: Spool, max_bytes: int = MEBIBYTE) -> Slice:
    """Take some; there has to be something."""
    taken = spool.take(max_bytes)
    assert taken is not None
    return taken


def adopted_from(path: Path) -> list[int]:
    """The numbers of what dead processes left in a folder, as a next process finds them; it stays there."""
    folder = SpoolFolder(path)
    found: list[int] = []
    for file in folder.files():
        recovered = folder.adopt(file)
        if recovered is not None:
            segment = recovered.segment
            while (part := segment.take(MEBIBYTE)) is not None:
                found += numbers_in(part.lines)
            segment.medium.release()
    return found


def names_in(folder: Path) -> list[str]:
    """The names of all that lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that happens in the background; it is an error where it never does."""
    deadline = time.monotonic() + MOST_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.005)
