"""The way by a Collector: addresses, what is said where none takes records, and how long a process takes to end."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from openreplay_otel import Settings, SettingsError, configure, use_session
from openreplay_otel.collector_url import collector_address

from .cli_harness import call_here
from .faults import FaultyStore
from .processes import MOST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Generator

BIN = Path(sys.executable).parent
SESSION = "2618307011354435587"
APP = """
import logging, os, time
import openreplay_otel
if os.environ.get("COLLECTOR"):
    openreplay_otel.configure(collector=os.environ["COLLECTOR"])
with openreplay_otel.use_session("2618307011354435587"):
    logging.getLogger("shop").warning("order %d", 7)
print("the app is done", flush=True)
if os.environ.get("SHOW_TIME"):
    print(time.monotonic(), flush=True)
"""


@pytest.mark.parametrize(
    ("url", "endpoint", "is_grpc"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/logs", False),
        (" HTTP://Collector:4318/ ", "http://collector:4318/v1/logs", False),
        ("https://otlp.example.com", "https://otlp.example.com:443/v1/logs", False),
        ("https://otlp.example.com/own/path", "https://otlp.example.com:443/own/path", False),
        ("http://[::1]:4318", "http://[::1]:4318/v1/logs", False),
        ("grpc://127.0.0.1:4317", "http://127.0.0.1:4317", True),
        ("grpcs://otlp.example.com:443", "https://otlp.example.com:443", True),
    ],
)
def test_an_address_says_where_and_how(url: str, endpoint: str, is_grpc: bool) -> None:
    """HTTP gets its path, unless one is given; gRPC has none; TLS where the scheme says so."""
    address = collector_address(url)
    assert (endpoint, is_grpc) == (address.endpoint, address.is_grpc)
    assert address == collector_address(address.shown)
    assert address.variables["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] == endpoint


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:4318", "grpc://host:4317 .* is http://127.0.0.1:4318 meant"),
        ("localhost:4317", "is grpc://localhost:4317 meant"),
        ("collector", "expected http://host:4318"),
        ("//collector:4318", "expected http://host:4318"),
        ("tcp://collector:4318", "expected http://host:4318"),
        ("http://", "expected http://host:4318"),
        ("http://collector:port", "expected http://host:4318"),
        ("http://collector", "names no port; a Collector listens on :4318"),
        ("grpcs://collector", "names no port; a Collector listens on :4317"),
        ("grpc://collector:4317/v1/logs", "has no path"),
        ("http://user:secret@collector:4318", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("http://collector:4318?key=secret", "OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_what_is_no_address_is_told_with_both_forms(url: str, said: str, tmp_path: Path) -> None:
    """As an argument and on the command line, without what may be a secret."""
    with pytest.raises(SettingsError, match=said) as caught:
        Settings.load({}, collector=url)
    assert "secret" not in str(caught.value)
    ran = call_here("run", "--collector", url, "--", sys.executable, state=tmp_path)
    assert ran.code == 2
    assert "--collector (OPENREPLAY_OTEL_COLLECTOR): " in ran.err
    assert "secret" not in ran.err


def test_a_store_beside_it_is_an_error_where_both_are_given(tmp_path: Path) -> None:
    """As arguments; an argument beats a variable, and with both variables the store is for lookups."""
    here, url = "http://127.0.0.1:4318", f"sqlite:///{tmp_path}/logs.db"
    for store in (url, FaultyStore()):
        with pytest.raises(
            SettingsError, match=r"a Collector and a store were given; .* leave one out"
        ):
            configure(store, collector=here)
    named = {"OPENREPLAY_OTEL_COLLECTOR": here, "OPENREPLAY_OTEL_STORE": url}
    both = Settings.load(named)
    assert (both.collector, both.store) == (here, url)
    assert Settings.load(named, store=url).collector is None
    assert Settings.load({"OPENREPLAY_OTEL_STORE": url}, collector=here).collector == here


@pytest.mark.parametrize("command", ["logs 77", "sessions", "doctor", "spool", "setup"])
def test_commands_ask_for_the_store_behind_it(command: str, tmp_path: Path) -> None:
    """With a Collector alone there is nothing to look into: the sentence says what to name."""
    collector = "http://127.0.0.1:4318"
    ran = call_here(*command.split(), state=tmp_path, OPENREPLAY_OTEL_COLLECTOR=collector)
    assert ran.code == 2
    assert "records go to the Collector at http://127.0.0.1:4318" in ran.err
    assert "--store" in ran.err


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes what an exporter sends, or refuses it with a status."""

    status = 200
    bodies: list[bytes] = []  # noqa: RUF012 - of each derived class

    def do_POST(self) -> None:
        """Keep the body."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.bodies.append(self.path.encode() + b" " + body)
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Quietly."""


@contextmanager
def sink(status: int = 200) -> Generator[tuple[str, list[bytes]]]:
    """A server for OTLP over HTTP: its address, and what it got."""
    handler = type("Own", (Sink,), {"status": status, "bodies": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.bodies
    finally:
        server.shutdown()
        server.server_close()


def started(folder: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the app to its end."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENREPLAY_OTEL_", "OTEL_", "PYTEST_"))
    }
    (folder / "app.py").write_text(APP)
    return subprocess.run(
        [*command, sys.executable, "app.py"], env={**clean, "XDG_STATE_HOME": str(folder), **environ},
        cwd=folder, capture_output=True, text=True, timeout=MOST_SECONDS, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("way", ["configure", "run", "variable"])
def test_records_are_sent_stamped(way: str, tmp_path: Path) -> None:
    """By each way in; nothing is stored here, and the app's output is its own."""
    with sink() as (url, bodies):
        ran = {
            "configure": lambda: started(tmp_path, COLLECTOR=url),
            "run": lambda: started(
                tmp_path, str(BIN / "openreplay-otel"), "run", "--collector", url, "--"
            ),
            "variable": lambda: started(
                tmp_path, str(BIN / "opentelemetry-instrument"), OPENREPLAY_OTEL_COLLECTOR=url,
                OTEL_PYTHON_DISTRO="openreplay", OTEL_PYTHON_CONFIGURATOR="openreplay",
                OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="none",
            ),
        }[way]()  # fmt: skip
    assert ran.returncode == 0
    # What other packages of this environment tell at a start is not ours to judge.
    assert (ran.stdout, ran.stderr.splitlines()[-1]) == ("the app is done\n", "order 7")
    assert "Collector" not in ran.stderr
    assert "openreplay_otel" not in ran.stderr
    (body,) = bodies
    path, _, message = body.partition(b" ")
    sent = ExportLogsServiceRequest.FromString(message)
    (record,) = sent.resource_logs[0].scope_logs[0].log_records
    assert path == b"/v1/logs"
    assert record.body.string_value == f"[openReplaySession.id={SESSION}] order 7"
    assert "openreplay.session.id" in {one.key for one in record.attributes}
    assert not list(tmp_path.glob("openreplay-otel/**/*"))


@contextmanager
def silent() -> Generator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["http", "grpc"])
@pytest.mark.parametrize("fault", ["away", "silent", "refusing"])
def test_an_app_is_told_once_and_ends_in_time(scheme: str, fault: str, tmp_path: Path) -> None:
    """Nothing listens, nothing answers, or not OTLP: one line with the address, and the end is not held up."""
    with silent() as quiet, sink(404) as (refusing, _):
        where = {
            "away": "127.0.0.1:1",
            "silent": quiet,
            "refusing": refusing.removeprefix("http://"),
        }
        url = f"{scheme}://{where[fault]}"
        ran = started(
            tmp_path, COLLECTOR=url, SHOW_TIME="1", OPENREPLAY_OTEL_SHUTDOWN_TIMEOUT="2",
            OTEL_EXPORTER_OTLP_TIMEOUT="300",
        )  # fmt: skip
        ended = time.monotonic()
    done, last = ran.stdout.splitlines()
    assert (ran.returncode, done) == (0, "the app is done")
    # OpenTelemetry's own batch processor waits for 30 s at the end.
    assert ended - float(last) < 25
    app, *told = ran.stderr.splitlines()
    assert app == "order 7"
    (line,) = told
    assert line.startswith(f"no logs get to the Collector at {url}: ")
    assert ("nothing listens there (connection refused)" in line) == (fault == "away")


def test_it_says_what_became_of_the_records() -> None:
    """Flushed, taken, lost: as with a store."""
    from opentelemetry.sdk._logs import LoggerProvider

    for status, is_taken in ((200, True), (400, False)):
        with sink(status) as (url, bodies):
            provider = LoggerProvider(shutdown_on_exit=False)
            with configure(collector=url, logger_provider=provider, sessionless="drop") as pipeline:
                assert pipeline.store is None
                logger = provider.get_logger("shop")
                logger.emit(body="hello")
                with use_session(SESSION):
                    logger.emit(body="hello")
                assert pipeline.force_flush() is is_taken
                counts = pipeline.processor.counts
            assert (counts.accepted, counts.delivered) == (1, int(is_taken))
            assert counts.dropped == ({} if is_taken else {"collector": 1})
            assert len(bodies) == 1
        provider.shutdown()


def test_headers_and_compression_are_the_users(tmp_path: Path) -> None:
    """``OTEL_EXPORTER_OTLP_*`` count as with OpenTelemetry alone; an endpoint of the user's own is kept."""
    with sink() as (url, bodies), sink() as (other, others):
        compressed: Any = {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
        assert started(tmp_path, COLLECTOR=url, **compressed).returncode == 0
        assert bodies[0].partition(b" ")[2][:2] == b"\x1f\x8b"
        own: Any = {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"{other}/own"}
        run = (str(BIN / "openreplay-otel"), "run", "--collector", url, "--")
        ran = started(tmp_path, *run, **own)
        assert others[0].startswith(b"/own ")
        assert len(bodies) == 1
        assert "OPENREPLAY_OTEL_COLLECTOR is set, but records do not go there" in ran.stderr
