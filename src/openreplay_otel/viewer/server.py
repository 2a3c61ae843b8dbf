"""Serves the page by uvicorn, until it is told to end."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

from ..errors import OpenReplayError, SettingsError
from .connections import HELD, MOST, Connection, Connections, bounded

if TYPE_CHECKING:
    import asyncio

    from starlette.types import ASGIApp

_BACKLOG: Final = 128
_LARGEST_BACKLOG: Final = 1_024
_UNLIMITED: Final = 1_000_000


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
        listening.listen(_BACKLOG)
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

    files = _most_files()
    config = uvicorn.Config(
        bounded(app),
        # h11 even where httptools is installed: only its headers are limited, by the last argument here.
        http=_protocol(Connections(max(1, min(MOST, files // 2)))),
        # So many are taken at once before they are counted, and as many are not closed yet that were hung up on: with
        # the others, and what the store needs, they have to fit into the files that may be open.
        backlog=max(1, min(_LARGEST_BACKLOG, files // 8)),
        access_log=False,
        # By `logging`, as all else: its own handlers would write foreign text as it is.
        log_config=None,
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


def _protocol(connections: Connections) -> type[asyncio.Protocol]:
    """Uvicorn's protocol for HTTP, which tells of its connections."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        def __init__(self, *, app_state: dict[str, Any], **given: Any) -> None:
            self._held = Connection(connections)
            super().__init__(app_state={**app_state, HELD: self._held}, **given)

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._held.made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            self._held.lost()
            super().connection_lost(exc)

    return Protocol


def _most_files() -> int:
    """How many files, and that is connections too, the process may have open."""
    try:
        import resource
    except ImportError:
        return _UNLIMITED  # Windows has no such limit
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNLIMITED if soft == resource.RLIM_INFINITY else soft
