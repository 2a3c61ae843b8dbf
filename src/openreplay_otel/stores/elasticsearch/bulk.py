"""What ``_bulk`` answers for each document of a request. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from ...errors import StoreLayoutError
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
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_BAD_REQUEST: Final = 400
_OF_THE_DOCUMENT: Final = re.compile(r".*pars(?:e|ing)_exception|strict_dynamic_mapping_exception")
_ILLEGAL_ARGUMENT: Final = "illegal_argument_exception"
_OF_THE_INDEX: Final = ("pipeline with id", "no write index")
"""How reasons of that type begin that are no fault of a document."""


def checked(answer: object, documents: int) -> Mapping[str, Any]:
    """The body of an answer, if it speaks of each document of its request.

    Args:
        answer: The body, filtered as :data:`BULK_PATH` asks.
        documents: How many the request had.

    Raises:
        StoreLayoutError: It is not what Elasticsearch answers, so nobody knows what was stored.
    """
    body = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    try:
        answered = sum(type(item["create"]["status"]) is int for item in body["items"])
        is_whole = type(body["errors"]) is bool
    except (KeyError, TypeError):
        answered, is_whole = 0, False
    if not is_whole or answered != documents:
        raise StoreLayoutError(
            f"a _bulk request of {documents} documents got an answer that speaks of {answered}:"
            " does a proxy answer in Elasticsearch's place?"
        )
    return body


def has_errors(answer: Mapping[str, Any]) -> bool:
    """Whether any document of a request was not stored by it."""
    return answer["errors"] or any(
        item["create"]["status"] not in _CREATED for item in answer["items"]
    )


def bulk_result(documents: Sequence[Document], answer: Mapping[str, Any]) -> WriteResult:
    """What became of each document.

    Args:
        documents: Those of the request, in its order.
        answer: From :func:`checked`.
    """
    if not has_errors(answer):
        return WriteResult(accepted=len(documents))
    accepted = known = busy = 0
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
        else:
            kind, reason = error_of(result)
            if _is_for_good(status, kind, reason):
                refused.append(RefusedDocument(document, status, f"{kind}: {reason}"))
                continue
            retry.append(document)
            busy += status == _TOO_MANY or status >= _SERVER_ERROR
            hindrance = hindrance or f"{status} {kind}: {reason}"
    return WriteResult(accepted, known, retry, refused, hindrance, is_busy=busy == len(documents))


def _is_for_good(status: int, kind: str, reason: str) -> bool:
    """Tell whether a document is refused for its own fault, which nobody can see to.

    A closed index, too many shards, a pipeline that is not there answer 400 as well (run on 8.19 and 9.4).
    """
    if status in _WAITS_FOR_SOMEONE or status >= _SERVER_ERROR:
        return False
    if status != _BAD_REQUEST:
        return True
    if kind == _ILLEGAL_ARGUMENT:
        return not reason.startswith(_OF_THE_INDEX)
    return _OF_THE_DOCUMENT.fullmatch(kind) is not None
