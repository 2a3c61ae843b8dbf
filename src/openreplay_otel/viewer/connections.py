"""Bounds what a client can hold: how long the server waits for it, and how many connections there are.

uvicorn limits neither the time in which a request has to arrive nor how many clients may be slow at it: a few hundred
connections that send nothing would otherwise use up the files that a process may open, and stop the page for everybody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST: Final = 200
"""Connections at a time; a browser opens six."""
REQUEST_SECONDS: Final = 10.0
"""In which a request has to arrive: its headers, and then its body."""
ANSWER_SECONDS: Final = 30.0
"""In which a client has to take something of its answer."""
HELD: Final = "openreplay_otel.connection"
"""Where a request's scope has its connection, in the server's state."""


class Connections:
    """The open connections, and which of them the server waits for.

    Args:
        most: How many there may be. One more makes room by hanging up on the client that has been waited for longest.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._open: set[Connection] = set()
        # In the order in which the waiting began.
        self._waiting: dict[Connection, None] = {}

    def opened(self, one: Connection) -> None:
        """Count a connection, and make room for it."""
        self._open.add(one)
        if len(self._open) > self._most:
            # Where no other one waits, it is the new one itself.
            next(iter(self._waiting), one).hang_up()

    def closed(self, one: Connection) -> None:
        """Forget a connection."""
        self._open.discard(one)
        self._waiting.pop(one, None)

    def waits(self, one: Connection) -> None:
        """It is the client's turn."""
        self._waiting.pop(one, None)
        self._waiting[one] = None

    def goes_on(self, one: Connection) -> None:
        """It is the server's turn."""
        self._waiting.pop(one, None)


class Connection:
    """One connection, as long as it is open.

    Args:
        connections: All of them.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._requests = 0
        self._left: int | None = None

    def made(self, transport: asyncio.Transport) -> None:
        """A client has connected, and is to ask."""
        self._transport = transport
        self.wait(REQUEST_SECONDS)
        self._connections.opened(self)

    def lost(self) -> None:
        """The connection has ended."""
        self._stop()
        self._transport = None
        self._connections.closed(self)

    def hang_up(self) -> None:
        """End it without waiting for what the client has not taken."""
        transport = self._transport
        self.lost()
        if transport is not None:
            transport.abort()

    def wait(self, seconds: float) -> None:
        """The client has so long to go on."""
        self._stop()
        if self._transport is None:
            return
        self._left = None
        self._arm(seconds)
        self._connections.waits(self)

    def go_on(self) -> None:
        """The client has done its part."""
        self._stop()
        self._connections.goes_on(self)

    def asked(self, *, has_body: bool) -> None:
        """The headers of a request have arrived."""
        self._requests += 1
        if has_body:
            self.wait(REQUEST_SECONDS)
        else:
            self.go_on()

    def answered(self) -> None:
        """A request is answered; the next one may already be worked on."""
        self._requests -= 1
        if self._requests == 0:
            self.wait(REQUEST_SECONDS)

    def _on_time(self) -> None:
        left = 0 if self._transport is None else self._transport.get_write_buffer_size()
        if left and (self._left is None or left < self._left):
            # There is something to read, and as far as is known it is read, however slowly.
            self._left = left
            self._arm(ANSWER_SECONDS)
        else:
            self.hang_up()

    def _arm(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._on_time)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bounded(app: ASGIApp) -> ASGIApp:
    """An application whose server tells each connection, in the state at :data:`HELD`, whose turn it is.

    Args:
        app: Any application for HTTP.
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        held: Connection = scope["state"][HELD]

        async def receive_timed() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                held.go_on()
            return message

        async def send_timed(message: Message) -> None:
            held.wait(ANSWER_SECONDS)
            await send(message)
            held.go_on()

        held.asked(has_body=_has_body(scope))
        try:
            await app(scope, receive_timed, send_timed)
        finally:
            held.answered()

    return call


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
