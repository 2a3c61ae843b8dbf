"""The token of a request is found in nothing that a service lets out: it is a credential."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import SessionLogs

from .contract import EXAMPLE_ID, SECRET, token
from .processes import MOST_SECONDS, ROOT

if TYPE_CHECKING:
    from pathlib import Path

FAR = 2**45
"""An expiry far off, in Unix milliseconds."""
TOKENS = {
    "X-OpenReplay-SessionToken": token(expires_ms=FAR),
    "X-OpenReplay-Session-Token": token(delay=None, expires_ms=FAR + 1),
    "openReplaySession.id": token(delay=-5, expires_ms=FAR + 2),
    "X-OpenReplay-Session-Id": token(expires_ms=FAR + 3),
    "X-Extra": token(expires_ms=FAR + 4),
    "Cookie": token(expires_ms=FAR + 5),
    "X-Session-Id": token(expires_ms=FAR + 6),
    "baggage": token(expires_ms=FAR + 7),
    "expired": token(expires_ms=5),
    "forged": token(expires_ms=FAR + 8, secret="guess"),
}


def headers_of(name: str) -> dict[str, str]:
    """A request with a token in one carrier; where that one does not count, an id beside it."""
    value = TOKENS[name]
    if name == "Cookie":
        return {"Cookie": f"theme=dark; or_session={value}"}
    if name == "baggage":
        return {"baggage": f"openreplay.session.id={value}", "openReplaySession.id": EXAMPLE_ID}
    if name in {"expired", "forged"}:
        return {
            "openReplaySession.id": value,
            "X-OpenReplay-SessionToken": TOKENS["X-OpenReplay-SessionToken"],
        }
    beside = (
        {"X-OpenReplay-SessionToken": TOKENS["X-OpenReplay-SessionToken"]}
        if name == "X-Session-Id"
        else {}
    )
    return {name: value, **beside}


@pytest.fixture(scope="module")
def let_out(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything that the shop let out over requests with a token in each carrier, as texts by name."""
    folder: Path = tmp_path_factory.mktemp("shop")
    store = f"sqlite:///{folder}/logs.db"
    environ = {
        k: v for k, v in os.environ.items() if not k.startswith(("OPENREPLAY_OTEL_", "OTEL_"))
    }
    environ |= {
        "OPENREPLAY_OTEL_COOKIE": "or_session",
        "OPENREPLAY_OTEL_HEADERS": "X-Extra",
        "OPENREPLAY_OTEL_TOKEN_SECRET": SECRET,
        "OPENREPLAY_OTEL_API_KEY": "hunter2",
    }
    with (folder / "stderr").open("w+") as stderr:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.token_server", store],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        try:
            assert server.stdout is not None
            port = server.stdout.readline()
            assert port, (folder / "stderr").read_text()
            answers = {}
            for name in TOKENS:
                for path in ("/look", "/fail"):
                    answers[name, path] = request(int(port), path, headers_of(name))
            request(int(port), "/stop", {})
            stdout, _ = server.communicate(timeout=MOST_SECONDS)
        finally:
            server.kill()
            server.wait()
    with SessionLogs(store) as logs:
        entries = list(logs.logs(EXAMPLE_ID))
    return {
        "answers": {
            name: json.loads(body) for (name, path), body in answers.items() if path == "/look"
        },
        "texts": {
            "stdout": stdout,
            "stderr": (folder / "stderr").read_text(),
            "answers": json.dumps(list(answers.values())),
            "file": (folder / "logs.db").read_bytes().decode("latin-1"),
            "entries": repr(entries) + repr([dict(entry.document) for entry in entries]),
        },
        "entries": entries,
    }


def request(port: int, path: str, headers: dict[str, str]) -> str:
    """The body of the answer to a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=MOST_SECONDS)
    connection.request("GET", path, headers=headers)
    body = connection.getresponse().read().decode()
    connection.close()
    return body


@pytest.mark.parametrize("name", TOKENS)
def test_each_carrier_gave_the_session_and_the_session_alone(let_out: Any, name: str) -> None:
    """The service knows the session; baggage and outgoing headers hold its id and nothing else."""
    answer = let_out["answers"][name]
    assert EXAMPLE_ID == answer["session"]
    assert {"openreplay.session.id": EXAMPLE_ID} == answer["baggage"]
    outgoing = answer["outgoing"]
    assert {"traceparent", "baggage", "openReplaySession.id"} == set(outgoing)
    assert EXAMPLE_ID == outgoing["openReplaySession.id"]
    assert f"openreplay.session.id={EXAMPLE_ID}" == outgoing["baggage"]


def test_the_requests_left_records_and_spans(let_out: Any) -> None:
    """There is something to look through: records of every kind, tracebacks, spans, debug lines."""
    entries = let_out["entries"]
    assert sum(entry.exception is not None for entry in entries) >= len(TOKENS)
    messages = {entry.message for entry in entries}
    assert {"looking", "hello /look", "payment failed", "about to fail"} <= messages
    assert {"debug", "info", "error"} == {entry.level for entry in entries}
    tag = f"[openReplaySession.id={EXAMPLE_ID}] "
    assert f"RuntimeError: {tag}the checkout failed" in let_out["texts"]["stderr"]
    assert "DEBUG:shop:looking" in let_out["texts"]["stderr"]
    assert "trace_id" in let_out["texts"]["answers"]


@pytest.mark.parametrize("where", ["stdout", "stderr", "answers", "file", "entries"])
def test_no_token_is_in_anything_let_out(let_out: Any, where: str) -> None:
    """Neither whole nor by its signature, nor the secrets of the settings."""
    text = let_out["texts"][where]
    assert [] == [name for name, value in TOKENS.items() if value in text]
    assert [] == [name for name, value in TOKENS.items() if value.rpartition(".")[2] in text]
    assert SECRET not in text
    assert "hunter2" not in text
