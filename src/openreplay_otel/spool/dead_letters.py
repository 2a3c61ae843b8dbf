"""Dead letters: documents that the store will not take, kept with status and reason, a file a process."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from ..private_files import open_own, read_existing
from ..stores.base import Document
from ..stores.bulk_lines import lines_of
from .folder import make_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..stores.base import RefusedDocument
    from .folder import SpoolFolder

SUFFIX: Final = ".dead-letters.jsonl"
_OWN_PART: Final = 8


class DeadLetters:
    """Keeps dead letters of this process.

    Args:
        folder: The spool's folder.
        max_bytes: How much may lie there, all processes together, what waits included; an eighth of it is theirs
            in any case.
    """

    def __init__(self, folder: SpoolFolder, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def keep(self, refused: Sequence[RefusedDocument]) -> int:
        """Keep documents.

        Returns:
            How many there was room for.

        Raises:
            OSError: They cannot be written.
        """
        return self._append(
            [
                _letter(one.status, one.reason, index=one.document.index, id=one.document.id)
                | _source(one.document.source)
                for one in refused
            ]
        )

    def keep_damaged(self, content: bytes, where: str) -> None:
        """Keep what was found in a segment and is no document.

        Args:
            content: The bytes.
            where: The segment's name.

        Raises:
            OSError: They cannot be written.
        """
        text = content.decode("utf-8", "backslashreplace")
        self._append([_letter(0, f"no document; found in {where}", text=text)])

    def _room(self) -> int:
        kept = waiting = 0
        for path in self._folder.path.iterdir():
            if path.name.endswith(SUFFIX):
                kept += _size_of(path)
            else:
                waiting += _size_of(path)
        return max(self._max_bytes // _OWN_PART, self._max_bytes - waiting) - kept

    def _append(self, letters: list[dict[str, Any]]) -> int:
        make_private(self._folder.path)
        path = self._folder.path / f"{self._folder.owner}{SUFFIX}"
        fd = open_own(path, os.O_WRONLY | os.O_APPEND)
        try:
            size = os.fstat(fd).st_size
            room = self._room()
            lines: list[bytes] = []
            for letter in letters:
                line = orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)
                room -= len(line)
                if room < 0:
                    break
                lines.append(line)
            content = b"".join(lines)
            if os.write(fd, content) != len(content):
                # The next letter has to begin a line.
                os.ftruncate(fd, size)
                raise OSError("the disk is full")
            return len(lines)
        finally:
            os.close(fd)


def dead_letters_in(folder: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """All dead letters of a spool, file by file; lines that are none are left out.

    Args:
        folder: The spool's folder.

    Raises:
        OSError: A file cannot be read.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        letters: list[dict[str, Any]] = []
        for line in read_existing(path).splitlines():
            with contextlib.suppress(orjson.JSONDecodeError):
                letter = orjson.loads(line)
                if isinstance(letter, dict) and "status" in letter and "reason" in letter:
                    letters.append(cast("dict[str, Any]", letter))
        yield path, letters


def document_of(letter: dict[str, Any]) -> Document | None:
    """The document of a dead letter; None where it holds none that could be sent again."""
    index, document_id, source = letter.get("index"), letter.get("id"), letter.get("source")
    if not isinstance(index, str) or not isinstance(document_id, str):
        return None
    if not isinstance(source, dict):
        return None
    return Document(index, document_id, orjson.dumps(source))


def lines_of_letter(letter: dict[str, Any]) -> bytes | None:
    """The same as lines to send."""
    document = document_of(letter)
    return None if document is None else lines_of(*document)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _letter(status: int, reason: str, **more: Any) -> dict[str, Any]:
    at = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    return {"refused_at": at, "status": status, "reason": reason, **more}


def _source(source: bytes) -> dict[str, Any]:
    try:
        orjson.loads(source)
    except orjson.JSONDecodeError:
        return {"text": source.decode("utf-8", "backslashreplace")}
    return {"source": orjson.Fragment(source)}
