"""An exception, and a line, is one record with its session, whatever else tells of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.frameworks.cases import stored
from tests.frameworks.serving import DISTRO, MOST_SECONDS, ROOT, clean_environ

_SESSION = "2618307011354435587"
_APP = "tests.frameworks.apps.tells_twice"
_WAYS = {
    "program": 1, "logged_and_uncaught": 1, "thread": 0, "task": 0, "without_a_session": 1, "line": 0,
    "structlog_to_logging": 0, "structlog_of_an_exception": 0, "structlog_alone": 0, "fastapi": 0,
}  # fmt: skip
"""Functions of the app, and the status it ends with."""
_BESIDE = {
    "OTEL_LOGS_EXPORTER": "openreplay", "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none",
}  # fmt: skip


@pytest.mark.parametrize("mode", ["zero-code", "configure first", "configure last"])
@pytest.mark.parametrize("way", _WAYS)
def test_each_is_stored_once(way: str, mode: str, tmp_path: Path) -> None:
    """With the instrumentations for exceptions and structlog, and with FastAPI's own telemetry."""
    _check(way, mode, tmp_path, DISTRO if mode == "zero-code" else {})


# There OpenTelemetry's handler takes the lines, and it drops one whose message is structlog's dict with an exception.
@pytest.mark.parametrize("way", [way for way in _WAYS if way != "structlog_of_an_exception"])
def test_each_is_stored_once_beside_a_distro_that_is_there_already(
    way: str, tmp_path: Path
) -> None:
    """Also where OpenTelemetry's own handler takes the lines of logging."""
    _check(way, "zero-code", tmp_path, _BESIDE)


def _check(way: str, mode: str, folder: Path, environ: dict[str, str]) -> None:
    file = folder / "logs.db"
    start = [str(Path(sys.executable).parent / "opentelemetry-instrument")]
    done = subprocess.run(
        [*(start if mode == "zero-code" else ()), sys.executable, "-m", _APP, way, mode],
        env=clean_environ() | environ | {
            "OPENREPLAY_OTEL_STORE": f"sqlite:///{file}", "XDG_STATE_HOME": str(folder),
        },
        cwd=ROOT, capture_output=True, text=True, timeout=3 * MOST_SECONDS, check=False,
    )  # fmt: skip
    assert _WAYS[way] == done.returncode, done.stderr
    expected = None if way == "without_a_session" else _SESSION
    told = [
        (document.get("openreplay.session.id"), document["level"])
        for document in stored(file)
        if "failed" in f"{document['message']} {document.get('error.stack_trace')}"
    ]
    # Nobody but the instrumentation tells of an exception without a session.
    assert [(expected, "error")] == told, (stored(file), done.stderr)
