"""The HTTP node of Elastic's transport, whose connections are not opened in the middle of a fork."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from elastic_transport import Urllib3HttpNode
from urllib3 import Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection

from ... import forks

if TYPE_CHECKING:
    from elastic_transport import BaseNode, NodeConfig

_CONNECTING_SECONDS: Final = 0.25
"""Longer than it takes to compute what a connection needs; beyond it, the network is what is waited for."""


class _PlainConnection(HTTPConnection):
    def connect(self) -> None:
        # The resolver's locks are C's: a child that inherits one held never resolves a name again.
        with forks.postponed(_CONNECTING_SECONDS):
            super().connect()


class _TlsConnection(HTTPSConnection):
    def connect(self) -> None:
        # The same for the locks of OpenSSL.
        with forks.postponed(_CONNECTING_SECONDS):
            super().connect()


_MOST_CONNECTING_SECONDS: Final = 5.0
"""Of a host that is there, it takes less than one, with the packets that get lost; the rest is for the answer."""


class Node(Urllib3HttpNode):
    """Opens its connections while no other thread forks, and does not wait long for a host that is not there."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        pool: Any = self.pool
        pool.ConnectionCls = _TlsConnection if config.scheme == "https" else _PlainConnection

    def perform_request(self, method: str, target: str, *args: Any, **options: Any) -> Any:
        """As any node's; ``request_timeout`` is in seconds."""
        timeout = options.get("request_timeout")
        if not isinstance(timeout, (int, float)):
            timeout = self.config.request_timeout
        if timeout is not None:
            options["request_timeout"] = Timeout(
                connect=min(timeout, _MOST_CONNECTING_SECONDS), read=timeout
            )
        return super().perform_request(method, target, *args, **options)


def node_class_for(wanted: type[BaseNode]) -> type[BaseNode]:
    """The class that does the same; one that is not known here stays."""
    return Node if wanted is Urllib3HttpNode else wanted
