"""The pytest fixture for users, in a test run of a user's own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.frameworks.serving import MOST_SECONDS, clean_environ

if TYPE_CHECKING:
    from pathlib import Path

_TESTS = """
import logging
import pytest
from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openreplay_otel import OpenReplayASGIMiddleware, OpenReplayWSGIMiddleware

log = logging.getLogger("shop")
flask_app = Flask(__name__)
FlaskInstrumentor().instrument_app(flask_app)
fast_app = FastAPI()

@flask_app.get("/checkout")
def checkout():
    log.error("payment failed")
    return "sorry"

@fast_app.get("/checkout")
def fast_checkout():
    log.error("payment failed")

def test_flask(openreplay_session):
    flask_app.test_client().get("/checkout", headers=openreplay_session.headers)
    openreplay_session.assert_logged("payment failed", level="error")
    assert openreplay_session.messages == ["payment failed"]

def test_fastapi_with_the_middleware(openreplay_session):
    client = TestClient(OpenReplayASGIMiddleware(fast_app))
    client.get("/checkout", headers=openreplay_session.headers)
    openreplay_session.assert_logged("payment failed")

def test_a_request_without_the_session(openreplay_session):
    flask_app.test_client().get("/checkout")
    with pytest.raises(AssertionError, match="Outside of it: .'payment failed'"):
        openreplay_session.assert_logged("payment failed")

def test_a_block(openreplay_session):
    with openreplay_session.use():
        log.warning("by hand")
    openreplay_session.assert_logged("by hand", level="warning")
    with pytest.raises(AssertionError, match="at level error"):
        openreplay_session.assert_logged("by hand", level="error")

def test_nothing_stays(openreplay_session):
    assert openreplay_session.messages == []
"""


def test_a_user_tests_that_an_endpoint_logs_with_the_session(tmp_path: Path) -> None:
    """With Flask's and FastAPI's own test clients; a failure says what was logged, and where."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["openreplay_otel.testing"]')
    (tmp_path / "test_shop.py").write_text(_TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env=clean_environ(), cwd=tmp_path, capture_output=True, text=True, timeout=MOST_SECONDS,
        check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "5 passed" in done.stdout
