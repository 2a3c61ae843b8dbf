"""Documents for the embedded store, and what the tests of stores ask for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import orjson

from openreplay_otel.stores.base import Document, LogQuery
from openreplay_otel.stores.timestamps import to_text

from .contract import EXAMPLE_ID, EXAMPLE_STARTED_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openreplay_otel import Store

STARTED = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=EXAMPLE_STARTED_MS)


def document(
    number: int,
    message: str | None = None,
    *,
    at: timedelta | None = None,
    session_id: str | None = EXAMPLE_ID,
    level: str = "info",
    extra: Mapping[str, Any] | None = None,
) -> Document:
    """One of the documents that a test stores; by itself each comes a millisecond after the one before."""
    moment = to_text(STARTED + (timedelta(milliseconds=number) if at is None else at))
    message = f"message {number}" if message is None else message
    source: dict[str, Any] = {
        "@timestamp": moment,
        "utc_time": moment,
        "message": message,
        "level": level,
    }
    if session_id is not None:
        source["openreplay.session.id"] = session_id
        source["message"] = f"[openReplaySession.id={session_id}] {message}"
    source["tags"] = ["error"] if level == "error" else []
    return Document("index", f"id{number:09d}", orjson.dumps(source | dict(extra or {})))


def ids_of(store: Store, session_id: str = EXAMPLE_ID, **query: Any) -> list[str]:
    """The ids that a search finds, in its order."""
    pages = store.search(LogQuery(session_id=session_id, **query))
    return [hit.id for page in pages for hit in page]


def numbers_of(store: Store, session_id: str = EXAMPLE_ID, **query: Any) -> list[int]:
    """The numbers of the documents that a search finds, in its order."""
    return [int(one.removeprefix("id")) for one in ids_of(store, session_id, **query)]
