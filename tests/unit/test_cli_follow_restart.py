"""``logs --follow`` while a server is restarted: it refuses in many ways before it answers as ever."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from .cli_harness import COMMAND, SECONDS, environment
from .contract import EXAMPLE_ID

if TYPE_CHECKING:
    from pathlib import Path


def hit(text: str, number: int) -> dict[str, Any]:
    """A hit of a search."""
    moment = f"2024-01-24T02:28:0{number}.000000Z"
    message = f"[openReplaySession.id={EXAMPLE_ID}] {text}"
    source = {"@timestamp": moment, "level": "info", "tags": [], "message": message}
    return {"_id": str(number), "_source": source, "sort": [number]}


class Restarting:
    """Answers searches, then as a server that is going down and coming up, then searches again."""

    def __init__(self) -> None:
        self.hits = [hit("before", 1)]
        self._refusals = [
            (503, {"error": {"type": "cluster_block_exception", "reason": "no master"}}),
            (
                401,
                {"error": {"type": "security_exception", "reason": "security index not available"}},
            ),
            (404, {"error": {"type": "index_not_found_exception", "reason": "no such index"}}),
            (500, {"error": {"type": "search_phase_execution_exception", "reason": "no shard"}}),
        ]
        self.has_answered = False

    def answer(self) -> tuple[int, Any]:
        """The next answer."""
        if self.has_answered and self._refusals:
            return self._refusals.pop(0)
        if self.has_answered:
            self.hits = [hit("before", 1), hit("after", 2)]
        self.has_answered = True
        return 200, {"hits": {"hits": self.hits}, "_shards": {"total": 1}}


def test_follow_lives_through_all_that_a_restart_answers(tmp_path: Path) -> None:
    """It says once that it is refused, then that the store answers again, and goes on."""
    server_state = Restarting()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = server_state.answer()
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with subprocess.Popen(
            [COMMAND, "logs", EXAMPLE_ID, "--follow", "--json", "--store",
             f"http://127.0.0.1:{server.server_port}"],
            env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stderr is not None
            lines = [json.loads(process.stdout.readline())["message"] for _ in range(2)]
            notes = [process.stderr.readline() for _ in range(2)]
            process.send_signal(signal.SIGINT)
            rest = process.communicate(timeout=SECONDS)
        server.shutdown()
        thread.join()
    assert [line.partition("] ")[2] for line in lines] == ["before", "after"]
    assert process.returncode == 0
    assert "trying again until Ctrl-C" in notes[0]
    assert "answers again" in notes[1]
    assert rest == ("", "")
