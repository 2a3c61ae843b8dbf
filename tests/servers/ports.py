"""Finds ports for servers."""

from __future__ import annotations

import errno
import random
import socket
from typing import Final

_BELOW_CLIENTS: Final = range(15_000, 32_000)
"""Systems give a client's own end a port above these (Linux from 32768 on, others from 49152): a server that ends
and begins again at its port finds it free."""


_held: list[socket.socket] = []
"""Bound and not listening, until this process ends: a server with ``SO_REUSEADDR`` (all do) can have the port, and
nobody else is given it, not even while the server is away."""


def free_port() -> int:
    """A port of this machine for a server of this process, or of one that it starts."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Several ports, all different."""
    # Apart from random's own state, which tests set: two runs side by side shall not try the same ports.
    tried = iter(random.SystemRandom().sample(_BELOW_CLIENTS, len(_BELOW_CLIENTS)))
    return [next(port for port in tried if _hold(port)) for _ in range(count)]


def _hold(port: int) -> bool:
    one = socket.socket()
    try:
        # First without SO_REUSEADDR, by which it is refused where another one is held.
        one.bind(("127.0.0.1", port))
    except OSError as error:
        one.close()
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        return False
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _held.append(one)
    return True
