"""What a stranger logged, named or answered never acts on a terminal or in a spreadsheet, whatever shows it."""

from __future__ import annotations

import ast
import contextlib
import csv
import io
import json
import re
import subprocess
import sys
import threading
import unicodedata
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pytest

import openreplay_otel
from openreplay_otel import open_store
from openreplay_otel.spool.dead_letters import DeadLetters
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.stores.base import Document, RefusedDocument
from openreplay_otel.text.spreadsheet import text_cell

from .cli_harness import SECONDS, call_here, call_on_terminal, environment, store_url
from .contract import EXAMPLE_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

CLI = Path(openreplay_otel.__file__).parent / "cli"
DOOR = "output.py"
WRITES = {
    "echo",
    "secho",
    "confirm",
    "prompt",
    "progressbar",
    "print",
    "input",
    "Console",
    "Progress",
}
STREAMS = {"stdout", "stderr", "stdin", "__stdout__", "__stderr__"}
EVIL = (
    "\x1b[2J\x1b]0;pwned\x07 \x9b31m \u202egnp.exe \u2066x\u2069 a\u200bb \ufeff \u2028 \r gone \b\b \x7f \xad"
    " \U000e0041 \u2060 a\u200dd"
)
"""A text with everything that a terminal acts on or does not show."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def acting(text: str) -> set[str]:
    """The characters that a terminal acts on, or shows nothing of."""
    return {
        f"U+{ord(c):04X}"
        for c in text
        if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }


class Evil(NamedTuple):
    """A store whose records, services and session ids are hostile, and where it lies."""

    url: str
    state: Path
    log: Path


@pytest.fixture
def evil(tmp_path: Path) -> Evil:
    """An SQLite store, a spool and a log file, with hostile texts and names wherever there can be some."""
    url = store_url(tmp_path / "st\x1b[2J\u202eore.db".replace("\x1b", "%1B"))
    moment = "2024-01-24T02:28:00.000000Z"
    source = {
        "@timestamp": moment, "utc_time": moment, "level": "error", "tags": ["error"],
        "openreplay.session.id": EXAMPLE_ID, "openreplay.session.url": f"https://x.example/{EVIL}",
        "message": f"[openReplaySession.id={EXAMPLE_ID}] {EVIL}", "service.name": EVIL, "log.logger": EVIL,
        "error.type": EVIL, "error.message": EVIL, "trace.id": EVIL, "span.id": EVIL,
        "error.stack_trace": f'Traceback (most recent call last):\n  File "{EVIL}", line 1, in {EVIL}\n{EVIL}',
    }  # fmt: skip
    evil_level = source | {"level": EVIL, "message": EVIL}
    with contextlib.closing(open_store(url)) as store:
        store.write(
            [
                Document("index", f"{n:031x}", orjson.dumps(one))
                for n, one in enumerate((source, evil_level))
            ]
        )
        name = store.name
    folder = SpoolFolder.of(str(tmp_path / "openreplay-otel" / "spool"), name)
    letter = Document(EVIL, EVIL, orjson.dumps({"message": EVIL, "level": "error"}))
    DeadLetters(folder, 1 << 20).keep([RefusedDocument(letter, 400, EVIL)])
    status = {"program": EVIL, "accepted": 1, "dropped": {EVIL: 3}}
    folder.path.joinpath(f"{folder.owner}.status.json").write_bytes(orjson.dumps(status))
    log = tmp_path / f"{EVIL.replace('/', '')}.log"
    log.write_text(f"2026-07-21 12:00:00,000 INFO shop: {EVIL}\n\x00\n", "utf-8")
    return Evil(url, tmp_path, log)


COMMANDS: dict[str, list[str]] = {
    "logs": ["logs", EXAMPLE_ID],
    "logs with traces": ["logs", EXAMPLE_ID, "--traces", "--context", "2"],
    "logs as JSON": ["logs", EXAMPLE_ID, "--json"],
    "logs as CSV": ["logs", EXAMPLE_ID, "--format", "csv"],
    "logs of nobody": ["logs", "77"],
    "logs of no session": ["logs", EVIL],
    "sessions": ["sessions"],
    "sessions as JSON": ["sessions", "--json"],
    "sessions as CSV": ["sessions", "--format", "csv"],
    "sessions of an unknown form": ["sessions", "--format", EVIL],
    "ship": ["ship", "LOG"],
    "ship, dry run": ["ship", "LOG", "--dry-run"],
    "ship as JSON": ["ship", "LOG", "--json"],
    "ship of no file": ["ship", f"/nowhere/{EVIL}"],
    "spool": ["spool"],
    "spool as JSON": ["spool", "--json"],
    "spool's dead letters": ["spool", "--dead"],
    "spool's dead letters as JSON": ["spool", "--dead", "--json"],
    "spool, delivered": ["spool", "--deliver"],
    "spool, cleared": ["spool", "--clear", "--yes"],
    "doctor": ["doctor"],
    "doctor as JSON": ["doctor", "--json"],
    "prune": ["prune", "--retention", "1d", "--yes"],
    "prune, dry run": ["prune", "--retention", "1d", "--dry-run"],
    "prune for no time": ["prune", "--retention", EVIL],
    "setup": ["setup"],
    "setup, printed": ["setup", "--print", "curl"],
    "teardown": ["teardown", "--yes"],
    "api-key": ["api-key", EVIL],
    "api-key list": ["api-key", "list"],
    "demo": ["demo"],
    "run": ["run", "--", EVIL],
    "serve": ["serve", "--host", EVIL],
    "openreplay-form": ["openreplay-form"],
    "no such command": [EVIL],
    "no such option": ["logs", f"--{EVIL}"],
}  # fmt: skip


@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_passes_on_what_acts_on_a_terminal(
    evil: Evil, command: str, is_terminal: bool, tmp_path: Path
) -> None:
    """Every command in each of its forms, on records, files, names, arguments and errors that are hostile."""
    words = [str(evil.log) if word == "LOG" else word for word in COMMANDS[command]]
    more = [] if command.startswith("no such") or command == "run" else ["--store", evil.url]
    if words[0] == "ship":
        more += ["--unread", str(tmp_path / "unread")]
    variables = {"FORCE_COLOR": "1", "COLUMNS": "120"} if is_terminal else {}
    done = call_here(words[0], *more, *words[1:], state=evil.state, **variables)
    assert done.out or done.err
    assert not acting(COLOURS.sub("", done.out) if is_terminal else done.out)
    assert not acting(done.err)


@pytest.mark.parametrize(
    "command", ["logs as JSON", "sessions as JSON", "spool's dead letters as JSON"]
)
def test_json_is_still_exact(evil: Evil, command: str) -> None:
    """A parser reads the very texts that were stored."""
    done = call_here(*COMMANDS[command], "--store", evil.url, state=evil.state)
    assert any(EVIL in _texts(json.loads(line)) for line in done.out.splitlines())


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return (
        [value.removeprefix(f"[openReplaySession.id={EXAMPLE_ID}] ")]
        if isinstance(value, str)
        else []
    )


CLUSTER_COMMANDS: list[list[str]] = [
    ["logs", EXAMPLE_ID], ["sessions"], ["sessions", "--format", "csv"], ["setup"], ["teardown", "--yes"],
    ["prune", "--retention", "1d"], ["api-key", "list"], ["api-key", "revoke", EVIL, "--yes"], ["api-key", "reader"],
    ["doctor"], ["doctor", "--json"], ["spool", "--deliver"], ["ship", "LOG"],
]  # fmt: skip


@contextlib.contextmanager
def server(status: int, body: Any) -> Iterator[str]:
    """An HTTP server that gives every request the same answer; its address."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{found.server_port}"
        finally:
            found.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("words", CLUSTER_COMMANDS, ids=" ".join)
def test_what_a_server_answers_is_harmless(evil: Evil, words: list[str], status: int) -> None:
    """A refusal with a hostile reason is told without acting on the terminal."""
    typed = [str(evil.log) if word == "LOG" else word for word in words]
    typed += ["--unread", str(evil.state / "unread")] if words[0] == "ship" else []
    with server(status, {"error": {"type": EVIL, "reason": EVIL}}) as url:
        done = call_here(*typed, "--store", url, state=evil.state)
    assert done.out or done.err
    assert not acting(done.out + done.err)


def test_names_that_a_server_has_are_harmless(evil: Evil) -> None:
    """A key that somebody named so is listed in one line, and as JSON with its own name."""
    key = {"id": EVIL, "name": f"{EVIL}\nrevoked", "creation": 1, "metadata": {"kind": EVIL}}
    with server(200, {"api_keys": [key]}) as url:
        listed = call_here("api-key", "list", "--store", url, state=evil.state)
        as_json = call_here("api-key", "list", "--json", "--store", url, state=evil.state)
    assert listed.code == 0, listed.err
    assert len(listed.out.splitlines()) == 2
    assert not acting(listed.out + as_json.out)
    assert json.loads(as_json.out)[0]["name"] == key["name"]


def test_a_real_terminal_gets_nothing_either(evil: Evil) -> None:
    """In a process of its own on a terminal, through everything that rich adds."""
    for words in (["logs", EXAMPLE_ID, "--traces"], ["spool", "--dead"], ["sessions"]):
        screen = call_on_terminal(*words, "--store", evil.url, state=evil.state, columns=100)
        assert screen.code == 0
        assert not acting("\n".join(screen.lines))


OTHERS = {
    "an exception nobody expected": "raise RuntimeError(EVIL)",
    "an exception in a thread": "t = threading.Thread(target=lambda: 1 / len(EVIL[:0])); t.start(); t.join()",
    "a warning": "warnings.warn(EVIL)",
    "a log line of another package": "logging.getLogger('elastic_transport').warning(EVIL)",
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_python_itself_writes_is_harmless_too(what: str, tmp_path: Path) -> None:
    """Tracebacks, warnings and other packages' lines come through the same door."""
    code = (
        "import logging, sys, threading, warnings; from openreplay_otel.cli import app, main;"
        f" EVIL = {EVIL!r}\ndef run(arguments):\n    {OTHERS[what]}\n    return 1\n"
        "app.run = run; main.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, encoding="utf-8",
        timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr
    assert not acting(done.stdout + done.stderr)


def test_nothing_but_the_door_writes() -> None:
    """No other file of the command names a stream, or anything that writes to one or asks."""
    found: list[str] = []
    for path in sorted(CLI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = None
            if isinstance(node, ast.Call):
                called = node.func
                name = (
                    called.attr
                    if isinstance(called, ast.Attribute)
                    else getattr(called, "id", None)
                )
                name = name if name in WRITES else None
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                is_stream = node.value.id == "sys" and node.attr in STREAMS
                name = node.attr if is_stream else None
            elif isinstance(node, ast.ImportFrom) and node.module == "sys":
                name = next((one.name for one in node.names if one.name in STREAMS), None)
            if name is not None:
                found.append(f"{path.name}:{getattr(node, 'lineno', 0)} {name}")
    assert {line.partition(":")[0] for line in found} == {DOOR}


FORMULAS = [
    "=1+1", "+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM",
    "\ufe661", "\ufe621", "\u207c1", "\u22121", "\u3000=1", "\u00a0=1",
    "x;=1+1", "x; =1", 'x;"=1"', "x;\uff1d1", "a;b;@c", "x\n=1", "x\r\n+1", "'=1;=2", 'a""\n"=1', "\x1b=1;\x1b=1",
]  # fmt: skip
FORMULA_SIGNS = set("=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\u207c\u2212")


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_is_a_formula(text: str, delimiter: str) -> None:
    """However a spreadsheet parts the lines: by commas as it was meant, by semicolons, by tabs."""
    row = io.StringIO()
    csv.writer(row, lineterminator="\n").writerow(["1", text_cell(text), text_cell(text)])
    cells = [
        cell
        for line in csv.reader(io.StringIO(row.getvalue()), delimiter=delimiter)
        for cell in line
    ]
    for cell in cells:
        for line in cell.split("\n"):
            assert line.strip().strip("\"' ")[:1] not in FORMULA_SIGNS or line.strip()[:1] == "'"
    assert not acting(row.getvalue())


@pytest.mark.parametrize("text", ["plain", "a-b", "1-2", "x = 1; y", "茶", "", "it's", "a,=b"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    """Signs within a text are none of a spreadsheet's business."""
    assert text_cell(text) == text
