"""Finds ports for servers."""

from __future__ import annotations

import errno
import random
import socket
from typing import Final

_BELOW_CLIENTS: Final = range(15_000, 32_000)
"""Systems give a client's own end a port above these (Linux from 32768 on, others from 49152): a server that ends
and begins again at its port finds it free."""


def free_port() -> int:
    """A port of this machine that is free at this moment, and that no client gets for its own end."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Several ports, all different."""
    found: list[int] = []
    # Apart from random's own state, which tests set: two runs side by side shall not try the same ports.
    for port in random.SystemRandom().sample(_BELOW_CLIENTS, len(_BELOW_CLIENTS)):
        if len(found) == count:
            break
        if _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            return False
        return True
