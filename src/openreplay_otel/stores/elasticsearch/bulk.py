"""What ``_bulk`` answers for each document of a request. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..base import Document, RefusedDocument, WriteResult
from .answers import error_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BULK_PATH: Final = "/_bulk?filter_path=errors,items.create.status,items.create.error.type,items.create.error.reason"
_CREATED: Final = frozenset({200, 201})
_CONFLICT: Final = 409
_WAITS_FOR_SOMEONE: Final = frozenset({401, 403, 404, 429})
"""A missing privilege, a read-only index, one that may not be made, too many requests: nothing is wrong with
the document, and it is taken as soon as somebody has seen to that."""
_SERVER_ERROR: Final = 500


def has_errors(answer: Mapping[str, Any]) -> bool:
    """Whether any document of a request was not stored by it."""
    return bool(answer.get("errors"))


def bulk_result(documents: Sequence[Document], answer: Mapping[str, Any]) -> WriteResult:
    """What became of each document.

    Args:
        documents: Those of the request, in its order.
        answer: The answer's body, filtered as :data:`BULK_PATH` asks.
    """
    if not has_errors(answer):
        return WriteResult(accepted=len(documents))
    accepted = known = 0
    hindrance: str | None = None
    retry: list[Document] = []
    refused: list[RefusedDocument] = []
    for document, item in zip(documents, answer["items"], strict=True):
        result = item["create"]
        status = result["status"]
        if status in _CREATED:
            accepted += 1
        elif status == _CONFLICT:
            known += 1
        elif status in _WAITS_FOR_SOMEONE or status >= _SERVER_ERROR:
            retry.append(document)
            if hindrance is None:
                hindrance = f"{status} {': '.join(error_of(result))}"
        else:
            kind, reason = error_of(result)
            refused.append(RefusedDocument(document, status, f"{kind}: {reason}"))
    return WriteResult(accepted, known, retry, refused, hindrance)
