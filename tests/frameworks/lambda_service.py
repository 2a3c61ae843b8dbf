"""What AWS's runtime client speaks to: hands invocations to a function's process, one at a time."""

from __future__ import annotations

import http.server
import json
import queue
import threading
import time
import uuid
from typing import Any, Final

from tests.frameworks.clients import api_gateway_event
from tests.frameworks.ending import MOST_SECONDS

_API: Final = "/2018-06-01/runtime/invocation/"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The function's process ends while it waits for its next invocation."""


class LambdaService:
    """A stand-in for Lambda's runtime API on a port of this machine.

    Args:
        port: Where the function's process asks for its invocations (``AWS_LAMBDA_RUNTIME_API``).
    """

    def __init__(self, port: int) -> None:
        self._waiting: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answered: dict[str, threading.Event] = {}
        service = self

        class _Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(200, *service._next())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                service._answered[self.path.removeprefix(_API).partition("/")[0]].set()
                self._answer(202, {}, b"{}")

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                """Quiet."""

        self._server = _Server(("127.0.0.1", port), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _next(self) -> tuple[dict[str, str], bytes]:
        request_id, event = self._waiting.get()
        deadline = int((time.time() + MOST_SECONDS) * 1000)
        return {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:1:function:shop",
            "Content-Type": "application/json",
        }, event

    def invoke(self, path: str, session_id: str | None) -> None:
        """Send an event, and wait until the function answered or failed."""
        request_id = str(uuid.uuid4())
        done = self._answered[request_id] = threading.Event()
        self._waiting.put((request_id, json.dumps(api_gateway_event(path, session_id)).encode()))
        assert done.wait(MOST_SECONDS), f"{path} was not answered"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
