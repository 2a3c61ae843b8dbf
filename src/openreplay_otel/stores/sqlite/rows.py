"""Between the store's documents and the rows of its SQLite file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson

from ..base import Hit, SessionFigures
from ..timestamps import from_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..base import Document


def row_of(document: Document) -> tuple[Any, ...]:
    """The columns of a document, in the order of the statement that inserts it.

    Raises:
        ValueError: It is none that could be stored.
    """
    source = orjson.loads(document.source)
    if not isinstance(source, dict):
        raise ValueError("a JSON object was expected")  # noqa: TRY004 - a value, not an argument
    fields = cast("dict[str, Any]", source)
    for name in ("@timestamp", "level"):
        if not isinstance(fields.get(name), str):
            raise ValueError(f"{name} has to be a text")  # noqa: TRY004 - likewise
    session_id, service = fields.get("openreplay.session.id"), fields.get("service.name")
    tags = fields.get("tags")
    return (
        document.id,
        session_id if isinstance(session_id, str) else None,
        fields["@timestamp"],
        fields["level"],
        int(tags == "error" or (isinstance(tags, list) and "error" in tags)),
        service if isinstance(service, str) else None,
        document.source.decode(),
    )


def hits_of(rows: Iterable[tuple[Any, ...]]) -> list[Hit]:
    """The hits of rows that begin with id and document."""
    return [Hit(row[0], orjson.loads(row[1])) for row in rows]


def figures_of(row: tuple[Any, ...]) -> SessionFigures:
    """A session's figures of a row that sums it up."""
    services = tuple(sorted(name for name in orjson.loads(row[5]) if name))
    return SessionFigures(row[0], from_text(row[1]), from_text(row[2]), row[3], row[4], services)
