"""A server that speaks ``_bulk`` and fails as it is told to: for what a real one does not show on demand.

With a real Elasticsearch behind it, it hands requests on and puts faults in between. Without one it keeps the
documents itself; like the real one, it answers 409 to a ``create`` whose id it has.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from tests.servers.ports import free_port

if TYPE_CHECKING:
    from types import TracebackType

    from tests.servers.client import ElasticsearchClient

Fault = Literal[
    "429", "429 items", "503", "hang", "reset before", "reset in answer", "cut off answer"
]
"""``429 items``: the request is taken, none of its documents is. ``reset before``: nothing of it reaches the
store. ``reset in answer`` and ``cut off answer``: the store has all of it, the client gets half an answer."""
_ACTION: Final = re.compile(rb'\{"create":\{"_index":"([^"]+)","_id":"([^"]+)"\}\}')
_MESSAGE: Final = re.compile(rb'"message":"((?:[^"\\]|\\.)*)"')
_TEMPLATES: Final = {
    "index_templates": [{"name": "any", "index_template": {"index_patterns": ["any"]}}]
}
_HANG_SECONDS: Final = 600.0


class FaultyBulk:
    """The server, in threads of this process; a context manager that ends it.

    Args:
        behind: The real server to hand requests on to; None: it keeps documents itself.

    Attributes:
        url: Without credentials.
        fault: What is done to ``_bulk`` requests now; None: nothing.
        each: Only each such request suffers the fault, the first one among them.
        most_bytes: A larger ``_bulk`` request is answered 413; None: no limit.
        seen: How many ``_bulk`` requests came, and how many suffered which fault.
    """

    def __init__(self, behind: ElasticsearchClient | None = None) -> None:
        self.behind = behind
        self.fault: Fault | None = None
        self.each = 1
        self.most_bytes: int | None = None
        self.seen: Counter[str] = Counter()
        self._documents: dict[tuple[bytes, bytes], bytes] = {}
        self._lock = threading.Lock()
        self._port = free_port()
        self._server: ThreadingHTTPServer | None = None
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        """Where it is, for as long as it lives: also while it does not listen."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def store_url(self) -> str:
        """The same as a store's URL."""
        if self.behind is None:
            return self.url
        return self.behind.store_url.rpartition("@")[0] + f"@127.0.0.1:{self._port}"

    def messages(self) -> list[str]:
        """The messages of the documents that it keeps."""
        with self._lock:
            return [source.decode() for source in self._documents.values()]

    def forget(self) -> None:
        """Begin with no documents."""
        with self._lock:
            self._documents.clear()

    def listen(self) -> None:
        """Begin to listen, or go on at the same port."""
        owner = self

        class Handler(_Handler):
            faulty = owner

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def shutdown_request(self, request: Any) -> None:
                # Without a shutdown in between, the end of a connection can be a reset.
                self.close_request(request)

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A killed client is nothing to tell of."""

        self._server = Server(("127.0.0.1", self._port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop_listening(self) -> None:
        """Refuse connections, and cut those that are open at their next request."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def is_listening(self) -> bool:
        """Whether it answers."""
        return self._server is not None

    def __enter__(self) -> FaultyBulk:
        """Begin to listen."""
        self.listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._ended.set()
        self.stop_listening()

    def wait(self, seconds: float) -> None:
        """Sleep, until this server ends."""
        self._ended.wait(seconds)

    def next_fault(self, size: int) -> str | None:
        """The fault that a ``_bulk`` request of so many bytes suffers."""
        with self._lock:
            self.seen["requests"] += 1
            fault: str | None = None
            if self.most_bytes is not None and size > self.most_bytes:
                fault = "413"
            elif (self.seen["requests"] - 1) % self.each == 0:
                fault = self.fault
            if fault is not None:
                self.seen[fault] += 1
            return fault

    def keep(self, body: bytes) -> dict[str, Any]:
        """Store documents as ``_bulk`` does."""
        items: list[dict[str, Any]] = []
        lines = body.split(b"\n")
        if lines.pop() or len(lines) % 2:
            message = "the body does not end with a whole document"
            raise ValueError(message)
        with self._lock:
            for action, source in zip(lines[::2], lines[1::2], strict=True):
                match = _ACTION.fullmatch(action)
                message = _MESSAGE.search(source)
                if match is None or message is None or not source.endswith(b"}"):
                    raise ValueError(action[:200])
                key = (match[1], match[2])
                is_known = key in self._documents
                if not is_known:
                    self._documents[key] = message[1]
                items.append({"create": _KNOWN if is_known else {"status": 201}})
        return {"errors": any(one["create"] is _KNOWN for one in items), "items": items}


_KNOWN: Final = {
    "status": 409,
    "error": {"type": "version_conflict_engine_exception", "reason": "document already exists"},
}
_TOO_MANY: Final = {
    "status": 429,
    "error": {"type": "es_rejected_execution_exception", "reason": "rejected execution"},
}


class _Handler(BaseHTTPRequestHandler):
    faulty: FaultyBulk
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if not self.faulty.is_listening:
            self._reset()
            return
        is_bulk = urlsplit(self.path).path == "/_bulk"
        fault = self.faulty.next_fault(len(body)) if is_bulk else None
        if fault == "hang":
            self.faulty.wait(_HANG_SECONDS)
            self._reset()
        elif fault == "reset before":
            self._reset()
        elif fault in {"429", "503", "413"}:
            error = {"type": "faulty_bulk", "reason": f"answers {fault} now"}
            self._send(int(fault or 0), json.dumps({"error": error}).encode())
        elif fault == "429 items":
            items = [{"create": _TOO_MANY}] * (body.count(b"\n") // 2)
            self._send(200, json.dumps({"errors": True, "items": items}).encode())
        else:
            status, answer = self._from_behind(body, is_bulk)
            if fault == "reset in answer":
                self._send(status, answer, cut=len(answer) // 2)
                self._reset()
            elif fault == "cut off answer":
                self._send(status, answer, cut=len(answer) // 2)
                self.close_connection = True
            else:
                self._send(status, answer)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815 - so http.server calls them

    def _from_behind(self, body: bytes, is_bulk: bool) -> tuple[int, bytes]:
        behind = self.faulty.behind
        if behind is not None:
            headers = {k: v for k, v in self.headers.items() if k.lower() in _HANDED_ON}
            parts = urlsplit(behind.url)
            there = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
            try:
                there.request(self.command, self.path, body, headers)
                answer = there.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                return 503, b"{}"
            finally:
                there.close()
        if not is_bulk:
            about = {"version": {"number": "9.0.0"}, "tagline": "You Know, for Search"}
            return 200, json.dumps(about if self.path == "/" else _TEMPLATES).encode()
        try:
            return 200, json.dumps(self.faulty.keep(body)).encode()
        except ValueError as error:
            return 400, json.dumps({"error": {"type": "parse", "reason": str(error)}}).encode()

    def _send(self, status: int, body: bytes, *, cut: int | None = None) -> None:
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        self.wfile.flush()
        if cut is not None:
            # What was sent so far shall arrive before the end of the connection does.
            time.sleep(0.05)

    def _reset(self) -> None:
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


_HANDED_ON: Final = frozenset({"authorization", "content-type", "accept", "content-encoding"})
