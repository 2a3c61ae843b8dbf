"""How often each record stands in a store: read with means that share no code with the package."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

from tests.faults.ledger import Key, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.servers.client import ElasticsearchClient
    from tests.servers.faulty_bulk import FaultyBulk

_PAGE: Final = 5000
_INDEXES: Final = "openreplay-logs-*,logs-openreplay-default"


class Target(Protocol):
    """A store under test."""

    @property
    def url(self) -> str:
        """What the emitting programs are given."""
        ...

    def records(self) -> Counter[Key]:
        """How often each record stands in it."""
        ...


class OnElasticsearch:
    """A real Elasticsearch, reached at its own address or through a faulty server before it."""

    def __init__(self, server: ElasticsearchClient, url: str | None = None) -> None:
        self._server = server
        self.url = url or server.store_url

    def records(self) -> Counter[Key]:
        """Read all documents, page by page."""
        self._server.expect("POST", f"/{_INDEXES}/_refresh?ignore_unavailable=true")
        return _counted(self._messages())

    def _messages(self) -> Iterator[str]:
        path = f"/{_INDEXES}/_search?scroll=1m&ignore_unavailable=true"
        body = {"size": _PAGE, "_source": ["message"], "sort": ["_doc"]}
        answer = self._server.expect("POST", path, body)
        while hits := answer["hits"]["hits"]:
            for hit in hits:
                yield hit["_source"]["message"]
            scroll = {"scroll": "1m", "scroll_id": answer["_scroll_id"]}
            answer = self._server.expect("POST", "/_search/scroll", scroll)
        self._server.expect("DELETE", "/_search/scroll", {"scroll_id": answer["_scroll_id"]})


class OnFaultyBulk:
    """The faulty server, which keeps documents itself."""

    def __init__(self, server: FaultyBulk) -> None:
        self._server = server
        self.url = server.store_url

    def records(self) -> Counter[Key]:
        """Ask it."""
        return _counted(self._server.messages())


class OnSqlite:
    """An SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = f"sqlite:///{path}"

    def records(self) -> Counter[Key]:
        """Read its one table."""
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            found = connection.execute("SELECT document FROM logs")
            return _counted(json.loads(document)["message"] for (document,) in found)


def _counted(messages: Iterable[str]) -> Counter[Key]:
    return Counter(key for key in map(key_of, messages) if key is not None)
