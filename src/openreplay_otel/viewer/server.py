"""Serves the page by uvicorn, until it is told to end."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ..errors import OpenReplayError, SettingsError

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def open_socket(address: str, port: int) -> socket.socket:
    """A listening socket.

    Args:
        address: Address or name of this machine.
        port: Its port; 0 for any that is free.

    Raises:
        SettingsError: The address is none of this machine's.
        OpenReplayError: The port cannot be had.
    """
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise SettingsError(f"host: {address[:80]!r} is no address of this machine") from None
    family, kind, protocol, _, target = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(target)
        listening.listen(128)
    except OverflowError:
        listening.close()
        raise SettingsError(f"port: expected 0 to 65535, got {port}") from None
    except OSError as error:
        listening.close()
        message = (
            f"cannot listen at {address}, port {port}: {error.strerror}; choose another with --port"
            " (0: any that is free)"
        )
        raise OpenReplayError(message) from None
    return listening


def serve_app(app: ASGIApp, listening: socket.socket) -> None:
    """Answer requests until SIGINT or SIGTERM.

    Args:
        app: The page.
        listening: Where; closed at the end.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        access_log=False,
        # Not what strangers send amiss, only what breaks.
        log_level="error",
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
        ws="none",
        # Addresses hold what people look for, and are of 8,000 characters at most.
        h11_max_incomplete_event_size=32_768,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()
