"""Keeps the documents that a Collector sends, in place of Elasticsearch: to look at many of them quickly."""

from __future__ import annotations

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.collector.reading import flat

if TYPE_CHECKING:
    from types import TracebackType

_WAIT_SECONDS = 60
_KNOWN = {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "exists"}}


class DocumentServer:
    """The server, in threads of this process; a context manager. A document whose id it has is a conflict to it."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            server_of = owner

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for(self, number: int) -> list[dict[str, Any]]:
        """All documents, flat, as soon as there are so many; what there is, when they do not come."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while len(self._documents) < number and time.monotonic() < deadline:
            time.sleep(0.05)
        with self._lock:
            return [{"_id": key[1], **flat(one)} for key, one in self._documents.items()]

    def take(self, body: bytes) -> dict[str, Any]:
        """Store documents as ``_bulk`` does; returns the answer."""
        lines = body.splitlines()
        items: list[dict[str, Any]] = []
        with self._lock:
            for action, source in zip(lines[::2], lines[1::2], strict=True):
                place = json.loads(action)["create"]
                key = (place["_index"], place["_id"])
                items.append({"create": _KNOWN if key in self._documents else {"status": 201}})
                self._documents.setdefault(key, json.loads(source))
        return {"took": 1, "errors": any("error" in one["create"] for one in items), "items": items}

    def __enter__(self) -> DocumentServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_of: DocumentServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        answer = json.dumps(self.server_of.take(body)).encode()
        self.send_response(200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A Collector that is killed is nothing to tell of."""
