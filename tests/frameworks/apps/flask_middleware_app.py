"""Flask, in the middleware for servers that are not hooked."""

from __future__ import annotations

from openreplay_otel import OpenReplayWSGIMiddleware
from tests.frameworks.apps.flask_app import app

app.wsgi_app = OpenReplayWSGIMiddleware(app.wsgi_app)
