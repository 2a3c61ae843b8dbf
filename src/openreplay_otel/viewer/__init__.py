"""The web page: sessions, and what the backend did in one of them. Needs ``openreplay-otel[viewer]``."""

from __future__ import annotations

from .access import Access
from .app import create_app
from .server import open_socket, serve_app

__all__ = ["Access", "create_app", "open_socket", "serve_app"]
