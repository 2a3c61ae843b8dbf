"""A server that accepts everything and does nothing: the far end of the benchmark ``export``.

Run as a script, in a process of its own, with nothing but the standard library: prints its port and
serves until stdin closes. Connections stay open. It answers a ``_bulk`` request as Elasticsearch does,
an item for each document and as much of it as ``filter_path`` asks for, and ``/v1/logs`` as an
OpenTelemetry Collector does. It parses no JSON, so that it never is what a client waits for.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from types import TracebackType

_ITEM = {
    "_index": "openreplay-logs-2026.07.01",
    "_id": "018e9ec11fec004e1f46e09f3ffda86cd",
    "_version": 1,
    "result": "created",
    "_shards": {"total": 2, "successful": 1, "failed": 0},
    "_seq_no": 4711,
    "_primary_term": 1,
    "status": 201,
}
_ABOUT = {"version": {"number": "9.4.3"}, "tagline": "You Know, for Search"}
# As if the cluster had been prepared: the exporter asks once and finds nothing to do.
_TEMPLATES = {"index_templates": [{"name": "any", "index_template": {"index_patterns": ["any"]}}]}


class NullServer:
    """The server in its own process; a context manager that ends it."""

    def __enter__(self) -> NullServer:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._process.communicate()


def _serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as stream:
        while request := stream.readline():
            headers = _headers(cast("BinaryIO", stream))
            body = stream.read(int(headers.get(b"content-length", b"0")))
            path = request.split()[1]
            # Elastic's client of major 9 asks for a media type of its own, and gets it.
            media_type = headers.get(b"accept", b"application/json").partition(b",")[0]
            if path.startswith(b"/v1/logs"):
                media_type, answer = b"application/x-protobuf", b""
            elif path.startswith(b"/_bulk"):
                answer = _bulk_answer(body.count(b"\n") // 2, path.partition(b"filter_path=")[2])
            else:
                answer = json.dumps(_ABOUT if path == b"/" else _TEMPLATES).encode()
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nX-Elastic-Product: Elasticsearch\r\ncontent-type: %b\r\n"
                b"content-length: %d\r\n\r\n%b" % (media_type, len(answer), answer)
            )


def _headers(stream: BinaryIO) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    return headers


@lru_cache
def _bulk_answer(documents: int, filter_path: bytes) -> bytes:
    wanted = filter_path.partition(b"&")[0].decode().split(",")
    answer: dict[str, object] = {"errors": False, "took": 30}
    item = _ITEM
    if wanted != [""]:
        answer = {name: value for name, value in answer.items() if name in wanted}
        item = {name: value for name, value in _ITEM.items() if f"items.create.{name}" in wanted}
    if item:
        answer["items"] = [{"create": item}] * documents
    return json.dumps(answer, separators=(",", ":")).encode()


def main() -> None:
    """Serve until stdin closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
