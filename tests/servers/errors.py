"""What can go wrong between a test and a real server."""

from __future__ import annotations


class ServerUnavailable(Exception):
    """This machine cannot have the server: a tool is missing or a fetch failed; the text says what to do."""


class ServerFailed(Exception):
    """A server that this machine can have did not start, or refused what the harness asked of it."""
