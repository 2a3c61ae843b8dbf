"""A real cluster of several Elasticsearch nodes, each a process of its own."""

from __future__ import annotations

import contextlib
import secrets

import trustme

from tests.servers.elasticsearch import ElasticsearchServer
from tests.servers.ports import free_ports
from tests.servers.run_folder import Place


class ElasticsearchCluster:
    """Nodes that know each other by certificates.

    Attributes:
        nodes: The nodes; each can be killed, hung and started again.
    """

    def __init__(self, nodes: list[ElasticsearchServer]) -> None:
        self.nodes = nodes

    @classmethod
    def start(cls, major: int, count: int = 3) -> ElasticsearchCluster:
        """Start a cluster of `major` (8 or 9); takes a minute.

        Raises `ServerUnavailable` when this machine cannot have one, `ServerFailed` when it does not come up.
        """
        names = [f"node-{number}" for number in range(count)]
        ports = dict(zip(names, free_ports(count), strict=True))
        password, authority = secrets.token_urlsafe(16), trustme.CA()
        nodes: list[ElasticsearchServer] = []
        made = cls(nodes)
        try:
            for name in names:
                place = Place("openreplay-otel-cluster", name, ports, password, authority)
                nodes.append(ElasticsearchServer.made(major, place=place))
                # None is ready before the others are there.
                nodes[-1].begin()
            for node in nodes:
                node.wait_until_ready()
            made.wait_until_whole()
        except BaseException:
            made.close()
            raise
        return made

    @property
    def store_url(self) -> str:
        """The URL of all nodes, with the superuser's credentials."""
        return ",".join(node.store_url for node in self.nodes)

    def wait_until_whole(self, *, by: int = 0) -> None:
        """Wait until all nodes are there and each shard has its copies, as the node of this number sees it."""
        health = (
            f"/_cluster/health?wait_for_status=green&wait_for_nodes={len(self.nodes)}&timeout=50s"
        )
        answer: object = None
        for _ in range(4):
            status, answer = self.nodes[by].request("GET", health)
            if status == 200:
                return
        message = f"the cluster does not become whole: {answer}"
        raise AssertionError(message)

    def close(self) -> None:
        """End all nodes and remove their data."""
        for node in self.nodes:
            with contextlib.suppress(ProcessLookupError, AssertionError):
                node.go_on()
            node.stop()
