"""Servers that stand in for hosts of others: OpenReplay's ingest, and some other origin."""

from __future__ import annotations

import functools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.emitting import session_id_begun_at
from tests.unit.contract import token

if TYPE_CHECKING:
    from pathlib import Path

_DAY_MS = 86_400_000


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that hang up."""


class Request(NamedTuple):
    """A request that a stand-in got."""

    method: str
    path: str
    headers: dict[str, str]


class StandIn:
    """A server in a thread, on a port of its own; ended with the ``with`` block.

    Attributes:
        url: Its address.
        requests: What it got, in lower-case names.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.requests.append(Request(self.command, self.path, headers))
                status, content = outer.respond(self.command, self.path, body)
                self.send_response(status)
                # Another host's leave for everything, as generous as it can be.
                self.send_header("Access-Control-Allow-Origin", headers.get("origin", "*"))
                asked = headers.get("access-control-request-headers", "*")
                self.send_header("Access-Control-Allow-Headers", asked)
                self.send_header("Access-Control-Allow-Methods", "GET, POST")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_OPTIONS = answer  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def respond(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of an answer."""
        return 200, b"{}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class Ingest(StandIn):
    """OpenReplay's ingest, as far as the tracker asks it.

    Attributes:
        sessions: The ids that it gave, the newest last.
        tokens: The token of each.
        is_held: Set to keep answers to a start back until it is cleared.
    """

    def __init__(self) -> None:
        self.sessions: list[str] = []
        self.tokens: dict[str, str] = {}
        self.may_answer = threading.Event()
        self.may_answer.set()
        super().__init__()

    def respond(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Begin a session, or go on with the one whose token is sent; all else is taken."""
        if method != "POST" or not path.endswith("/v1/web/start"):
            return 200, b"[]" if "/tags" in path else b"{}"
        self.may_answer.wait(60)
        asked = json.loads(body)
        given = asked.get("token")
        session = next((s for s, t in self.tokens.items() if t == given), None)
        if session is None:
            now = time.time_ns() // 1_000_000
            session = session_id_begun_at(now, len(self.sessions) + 1)
            self.sessions.append(session)
            self.tokens[session] = token(session, expires_ms=now + _DAY_MS)
        answer = {
            "token": self.tokens[session], "sessionID": session, "userUUID": "u-1",
            "projectID": "7", "delay": 0, "startTimestamp": time.time_ns() // 1_000_000,
        }  # fmt: skip
        return 200, json.dumps(answer).encode()


class Files:
    """Serves a folder, as any web server of a front end."""

    def __init__(self, folder: Path) -> None:
        class Quiet(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        handler = functools.partial(Quiet, directory=str(folder))
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
