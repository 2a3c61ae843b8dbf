"""The ``_bulk`` format: request bodies of ready documents, and what its answer says of each. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ..base import Document, RefusedDocument, WriteResult
from .connection import error_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BULK_PATH: Final = "/_bulk?filter_path=errors,items.create.status,items.create.error.type,items.create.error.reason"
_CREATED: Final = frozenset({200, 201})
_CONFLICT: Final = 409
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def bulk_body(documents: Iterable[Document]) -> bytes:
    """The body of one request: two lines a document.

    The operation is ``create``, so that a repeat of the same id changes nothing. Index names and ids come
    from this package and need no escaping.
    """
    pieces: list[bytes] = []
    for document in documents:
        action, document_id = _action(document.index), document.id.encode()
        pieces += (action, document_id, b'"}}\n', document.source, b"\n")
    return b"".join(pieces)


@lru_cache(maxsize=256)
def _action(index: str) -> bytes:
    return b'{"create":{"_index":"%b","_id":"' % index.encode()


def bulk_result(documents: Sequence[Document], answer: Mapping[str, Any]) -> WriteResult:
    """What became of each document.

    Args:
        documents: Those of the request, in its order.
        answer: The answer's body, filtered as :data:`BULK_PATH` asks.
    """
    if not answer.get("errors"):
        return WriteResult(accepted=len(documents))
    accepted = known = 0
    retry: list[Document] = []
    refused: list[RefusedDocument] = []
    for document, item in zip(documents, answer["items"], strict=True):
        result = item["create"]
        status = result["status"]
        if status in _CREATED:
            accepted += 1
        elif status == _CONFLICT:
            known += 1
        elif status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
            retry.append(document)
        else:
            kind, reason = error_of(result)
            refused.append(RefusedDocument(document, status, f"{kind}: {reason}"))
    return WriteResult(accepted=accepted, known=known, retry=retry, refused=refused)
