"""Stands between a Collector and Elasticsearch, and fails as told: what a real server cannot be made to do at will."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

_HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


class FaultyProxy:
    """Passes everything on, until it is told to be away or to answer with a status; a context manager."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._status: int | None = None
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.answered_by_itself = 0

    @property
    def url(self) -> str:
        """Its address, which stays the same."""
        return f"http://127.0.0.1:{self._port}"

    def answer(self, status: int) -> None:
        """From now on answer everything with a status."""
        self._status = status

    def pass_on(self) -> None:
        """Pass everything on again."""
        self._status = None
        if self._server is None:
            self._listen()

    def go_away(self) -> None:
        """From now on refuse connections, and cut those that are open."""
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def __enter__(self) -> FaultyProxy:
        self._listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.go_away()

    def _listen(self) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if proxy._server is not server:
                    # A connection from before: it is cut without an answer.
                    self.close_connection = True
                    return
                if proxy._status is not None:
                    proxy.answered_by_itself += 1
                    self._send(proxy._status, [], b'{"error":"told to"}')
                    return
                upstream = http.client.HTTPConnection(proxy._upstream, timeout=60)
                try:
                    headers = {n: v for n, v in self.headers.items() if n.lower() != "connection"}
                    upstream.request(self.command, self.path, body, headers)
                    answer = upstream.getresponse()
                    self._send(answer.status, answer.getheaders(), answer.read())
                except OSError:
                    self.close_connection = True
                finally:
                    upstream.close()

            do_GET = do_POST = do_PUT = do_HEAD = _pass  # noqa: N815 - http.server's names

            def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
                pass

        server = _Server(("127.0.0.1", self._port), Handler)
        self._port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The port of before, though connections of it may linger.
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass
