"""Documents as the lines that ``_bulk`` takes: an action line and a source line each. Pure.

The same bytes are a request's body and a spool's content. A source is JSON and so holds no raw newline: a
document's lines begin where a line begins with :data:`_BEGIN`, and nowhere else.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from .base import Document

if TYPE_CHECKING:
    from collections.abc import Iterable

_BEGIN: Final = b'{"create":{"_index":"'
_MIDDLE: Final = b'","_id":"'
_END: Final = b'"}}'
_SOME_WHOLE: Final = re.compile(
    rb'(?:\{"create":\{"_index":"[!#-\[\]-~]{1,255}","_id":"[!#-\[\]-~]{1,512}"\}\}\n\{"[^\n]*\}\n){0,100}'
)
"""Without a look at each byte for a null one: that would take five times as long, while nothing is sent."""


def lines_of(index: str, document_id: str, source: bytes) -> bytes:
    """A document's two lines.

    The operation is ``create``, so that a repeat of the same id changes nothing. Index names and ids come
    from this package and need no escaping.
    """
    return b'%b%b"}}\n%b\n' % (_action(index), document_id.encode(), source)


def bulk_body(documents: Iterable[Document]) -> bytes:
    """The body of one request."""
    return b"".join([lines_of(*document) for document in documents])


def documents_of(lines: bytes) -> list[Document]:
    """The documents of whole lines.

    Raises:
        ValueError: Something else stands among them.
    """
    documents: list[Document] = []
    pieces = lines.split(b"\n")
    if pieces.pop() or len(pieces) % 2:
        raise ValueError("the lines are not whole")
    for action, source in zip(pieces[::2], pieces[1::2], strict=True):
        index, middle, rest = action.removeprefix(_BEGIN).partition(_MIDDLE)
        if not action.startswith(_BEGIN) or not middle or not rest.endswith(_END):
            raise ValueError("an action line was expected")
        documents.append(Document(index.decode(), rest.removesuffix(_END).decode(), source))
    return documents


def half_of(lines: bytes) -> int:
    """Where to part whole lines in two; 0 for those of a single document."""
    documents = documents_of(lines)
    return len(bulk_body(documents[: len(documents) // 2]))


def count_of(lines: bytes) -> int:
    """How many documents there are in whole lines."""
    return lines.count(b"\n") // 2


def whole_length(lines: bytes) -> int:
    """Up to where the last whole document reaches.

    Args:
        lines: Lines of documents, the last of which may be cut anywhere.
    """
    last = lines.rfind(b"\n" + _BEGIN) + 1
    end = lines.find(b"\n", last)
    end = lines.find(b"\n", end + 1) if end >= 0 else -1
    return end + 1 if end >= 0 else last


def sound_until(lines: bytes, start: int = 0) -> int:
    """Up to where there are sound documents and nothing else: the first damage, or cut, is behind it."""
    while True:
        end = _end_of_some(lines, start, len(lines))
        null = lines.find(b"\0", start, end)
        if null >= 0:
            return _end_of_some(lines, start, null)
        if end == start:
            return end
        # Some at a time, so that what lies behind damage is not looked through for each of many.
        start = end


def is_torn(rest: bytes) -> bool:
    """Whether bytes are the beginning of one document and nothing else, as a killed process leaves them."""
    return (
        rest.startswith(_BEGIN[: len(rest)]) and rest.count(b"\n") < 2 and next_begin(rest, 1) < 0
    )


def next_begin(lines: bytes, start: int) -> int:
    """Where the next document begins at or behind a place; -1 where none does."""
    if lines.startswith(_BEGIN, start) and (start == 0 or lines[start - 1 : start] == b"\n"):
        return start
    found = lines.find(b"\n" + _BEGIN, start)
    return found + 1 if found >= 0 else -1


def _end_of_some(lines: bytes, start: int, end: int) -> int:
    found = _SOME_WHOLE.match(lines, start, end)
    return start if found is None else found.end()


@lru_cache(maxsize=256)
def _action(index: str) -> bytes:
    return b"%b%b%b" % (_BEGIN, index.encode(), _MIDDLE)
