"""``openreplay-otel doctor`` without a cluster: the app's requests, the spool, and how results are shown."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk._logs import LoggerProvider

import openreplay_otel
from openreplay_otel import SessionLogs, Settings, open_store
from openreplay_otel.doctor.findings import CHECKS, FINDINGS
from openreplay_otel.doctor.result import found
from openreplay_otel.doctor.spool_check import check_spool

from .cli_harness import call, call_on_terminal, store_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_ORIGIN = "https://shop.example.com"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class names it
        pass


def dropping(app: Any, *names: str) -> Any:
    """An app behind a proxy that drops headers, as nginx does with names with a dot."""

    def proxied(environ: dict[str, Any], start_response: Any) -> Any:
        for name in names:
            environ.pop("HTTP_" + name.upper().replace("-", "_"), None)
        return app(environ, start_response)

    return proxied


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Serves a shop linked by openreplay-otel, which writes to the store of these tests."""
    url = store_url(tmp_path / "logs.db")
    with contextlib.closing(open_store(url)) as store:
        store.prepare()
    provider = LoggerProvider(shutdown_on_exit=False)
    running: list[Any] = []
    with openreplay_otel.configure(
        url, logger_provider=provider, spool_dir=str(tmp_path / "spool"), sessionless="drop"
    ) as pipeline:

        def shop(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            if environ["REQUEST_METHOD"] == "OPTIONS":
                allowed = [("Access-Control-Allow-Origin", _ORIGIN),
                           ("Access-Control-Allow-Headers", "X-OpenReplay-Session-Id, content-type")]  # fmt: skip
                start_response("204 No Content", allowed)
                return []
            if environ["PATH_INFO"] == "/health":
                logging.getLogger("shop").warning("healthy")
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"ok"]

        def start(*dropped: str, path: str = "/health") -> str:
            app = dropping(OpenTelemetryMiddleware(shop), *dropped)
            server = make_server("127.0.0.1", 0, app, handler_class=_Quiet)
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            running.append((server, thread))
            return f"http://127.0.0.1:{server.server_port}{path}"

        yield start
        for server, thread in running:
            server.shutdown()
            server.server_close()
            thread.join()
        pipeline.force_flush()


def doctor(tmp_path: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    """The findings for the store of these tests."""
    done = call(
        "doctor", "--json", "--store", store_url(tmp_path / "logs.db"), *arguments, state=tmp_path
    )
    shown = json.loads(done.out)
    assert shown["ok"] == (done.code == 0)
    return {check["finding"]: check for check in shown["checks"]}


def test_each_header_reaches_an_app_that_nothing_stands_before(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    """Id, id without a dot, both tokens and baggage, each by a session of its own."""
    found = doctor(tmp_path, "--url", serve())
    for name in (
        "openReplaySession.id", "X-OpenReplay-Session-Id", "X-OpenReplay-SessionToken",
        "X-OpenReplay-Session-Token", "baggage",
    ):  # fmt: skip
        assert name in found["app.ok"]["text"]
    assert "app.not-removed" not in found
    with SessionLogs(store_url(tmp_path / "logs.db")) as lookup:
        assert list(lookup.sessions()) == []


def test_a_header_that_a_proxy_drops_is_named(serve: Callable[..., str], tmp_path: Path) -> None:
    """With those that arrive, and what nginx has to be told."""
    found = doctor(tmp_path, "--url", serve("openReplaySession.id", "baggage"))["app.dropped"]
    assert found["text"].startswith("openReplaySession.id, baggage do not arrive; X-OpenReplay")
    assert "ignore_invalid_headers off" in found["mend"]


def test_an_app_that_logs_nothing_or_is_not_there_is_told(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    """The status that it answered, or why it did not."""
    silent = doctor(tmp_path, "--url", serve(path="/silent"), "--wait", "0.5")["app.nothing"]
    assert "answered 200, but no record" in silent["text"]
    absent = doctor(tmp_path, "--url", "http://127.0.0.1:9/health")["app.unreachable"]
    assert "refused" in absent["text"]
    assert "app.unreachable" in doctor(tmp_path, "--url", "ftp://example.com")


def test_cors_is_asked_as_a_browser_asks(serve: Callable[..., str], tmp_path: Path) -> None:
    """Headers that are allowed, those that are not, and an origin that is not."""
    url = serve()
    found = doctor(tmp_path, "--url", url, "--origin", _ORIGIN)
    assert found["cors.ok"]["text"] == f"{_ORIGIN} may send X-OpenReplay-Session-Id"
    assert "X-OpenReplay-SessionToken" in found["cors.refused"]["text"]
    assert "Access-Control-Allow-Headers" in found["cors.refused"]["mend"]
    other = doctor(tmp_path, "--url", url, "--origin", "https://evil.example.com")
    assert f"Access-Control-Allow-Origin is {_ORIGIN}" in other["cors.refused"]["text"]


def test_sqlite_is_told_to_be_none_that_openreplay_reads(tmp_path: Path) -> None:
    """It is no failure; the settings are shown with where they come from, secrets not."""
    done = call(
        "doctor", "--app-url", "https://replay.example.org", "--json", state=tmp_path,
        OPENREPLAY_OTEL_STORE=store_url(tmp_path / "logs.db"), OPENREPLAY_OTEL_API_KEY="abc:secret",
    )  # fmt: skip
    assert done.code == 0
    checks = {check["finding"]: check["text"] for check in json.loads(done.out)["checks"]}
    assert "settings.sqlite" in checks
    used = checks["settings.used"]
    assert "(OPENREPLAY_OTEL_STORE)" in used
    assert "app_url https://replay.example.org (option)" in used
    assert "api_key (not shown) (OPENREPLAY_OTEL_API_KEY)" in used
    assert "tags openReplaySession.id (default)" in used
    assert "secret" not in done.out


@pytest.mark.parametrize("columns", [80, 140])
def test_a_terminal_gets_a_checklist_that_fits(columns: int, tmp_path: Path) -> None:
    """A mark and a colour for each check, what mends it below, exit code 1 for a failure."""
    screen = call_on_terminal(
        "doctor", "--store", "http://elastic:secret@127.0.0.1:9", state=tmp_path, columns=columns
    )
    assert screen.code == 1
    assert all(len(line) <= columns for line in screen.lines)
    assert "\x1b[1;31m✗" in screen.raw
    assert any(line.startswith("✗ Server") for line in screen.lines)
    assert any("mend: curl http://127.0.0.1:9" in line for line in screen.lines)
    assert "secret" not in screen.raw


def test_a_key_needs_both_of_its_parts(tmp_path: Path) -> None:
    """An id without the secret is wrong use."""
    done = call("doctor", "--key-id", "x", "--store", "http://127.0.0.1:9", state=tmp_path)
    assert done.code == 2
    assert "--key-id: give the key's secret too" in done.err


def test_the_spool_is_looked_into(tmp_path: Path) -> None:
    """None there, records that wait for a store that is out of reach, one that cannot be read."""
    settings = Settings.load({}, spool_dir=str(tmp_path / "spool"))
    name = "http://127.0.0.1:9"
    (none,) = check_spool(settings, name, 0)
    assert none.name == "spool.none"
    provider = LoggerProvider(shutdown_on_exit=False)
    with openreplay_otel.configure(
        name, logger_provider=provider, spool_dir=str(tmp_path / "spool"), shutdown_timeout=0.1
    ):
        logging.getLogger("shop").warning("kept")
        (waiting,) = check_spool(settings, name, 0)
    assert waiting.name == "spool.ok"
    assert waiting.text.startswith("1 records wait in ")
    assert [result.name for result in check_spool(settings, name, 4e9)] == ["spool.left"]
    shown = call(
        "doctor", "--json", "--store", name, state=tmp_path,
        OPENREPLAY_OTEL_SPOOL_DIR=str(tmp_path / "spool"),
    )  # fmt: skip
    assert "spool.left" in {check["finding"] for check in json.loads(shown.out)["checks"]}


def test_every_finding_has_a_way_out_or_needs_none() -> None:
    """Each belongs to a check; what fails or warns says what to do and why it matters."""
    assert {name.partition(".")[0] for name in FINDINGS} == set(CHECKS)
    for name, finding in FINDINGS.items():
        assert finding.check == name.partition(".")[0]
        assert finding.says
        assert bool(finding.mend) == (finding.status in {"warning", "failed"}), name
        assert bool(finding.means) == (finding.status in {"warning", "failed"}), name
    assert found("clock.off", seconds=600, side="behind").mend
