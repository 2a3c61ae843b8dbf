"""The cluster that requests go to: by its URL, or by a client that the app has already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from ...errors import SettingsError
from ...store_url import ElasticsearchHost, authorization_of, elasticsearch_hosts_of
from .answers import Advice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elastic_transport import AsyncTransport, NodeConfig, Transport

_REST_SECONDS: Final = 30.0
"""How long a host that did not answer is left alone, twice as long each time: asking it again costs its time-out."""
_LONGEST_REST_SECONDS: Final = 300.0


class ElasticsearchClient(Protocol):
    """An ``elasticsearch.Elasticsearch`` of version 8 or 9, told by its transport."""

    @property
    def transport(self) -> Transport:
        """What sends its requests."""
        ...


class AsyncElasticsearchClient(Protocol):
    """An ``elasticsearch.AsyncElasticsearch`` of version 8 or 9, told by its transport."""

    @property
    def transport(self) -> AsyncTransport:
        """What sends its requests."""
        ...


class Target(Protocol):
    """A cluster, and how to speak to it.

    Attributes:
        advice: What mends the cluster's refusals.
    """

    advice: ClassVar[Advice]

    @property
    def name(self) -> str:
        """The hosts, without credentials."""
        ...

    def headers(self) -> dict[str, str]:
        """Headers of each request, the authorization among them; names in lower case."""
        ...

    def timeout(self) -> Any:
        """Seconds a request may take where nobody says; or the transport's mark for its own."""
        ...

    def open(self) -> Transport:
        """Connections of our own, not yet opened."""
        ...


class UrlTarget:
    """A cluster by its URL and settings.

    Args:
        url: ``http(s)://[user:password@]host:port[/prefix]``; several hosts as a comma list.
        api_key: Encoded, or as ``id:key``.
        ca_certs: Path of a PEM file with the authority of the server's certificate.
        verify_certs: Whether the certificate is checked.
        http_compress: Whether requests are compressed.
        timeout: Seconds a request may take where the caller does not say.

    Raises:
        SettingsError: The URL cannot be used, or ``ca_certs`` is no file.
    """

    advice: ClassVar[Advice] = Advice(
        "set api_key (OPENREPLAY_OTEL_API_KEY) or user and password in the store's URL",
        "ca_certs (OPENREPLAY_OTEL_CA_CERTS)",
    )

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        ca_certs: str | None = None,
        verify_certs: bool = True,
        http_compress: bool = False,
        timeout: float = 30.0,
    ) -> None:
        hosts = elasticsearch_hosts_of(url)
        if ca_certs is not None and not Path(ca_certs).is_file():
            raise SettingsError(f"ca_certs: there is no file {ca_certs}")
        self._hosts = hosts
        authorization = authorization_of(hosts, api_key)
        self._headers = {} if authorization is None else {"authorization": authorization}
        self._ca_certs = ca_certs
        self._verify_certs = verify_certs
        self._http_compress = http_compress
        self._timeout = timeout
        self.name: Final = ",".join(host.shown for host in hosts)

    def headers(self) -> dict[str, str]:
        """The authorization, where there is one."""
        return dict(self._headers)

    def timeout(self) -> float:
        """Seconds."""
        return self._timeout

    def open(self) -> Transport:
        """Connections to the hosts."""
        from elastic_transport import Transport

        from .node import Node
        from .serializers import SERIALIZERS

        return Transport(
            [self._node(host) for host in self._hosts],
            node_class=Node,
            serializers=SERIALIZERS,
            max_retries=len(self._hosts) - 1,
            retry_on_status=(),
            dead_node_backoff_factor=_REST_SECONDS,
            max_dead_node_backoff=_LONGEST_REST_SECONDS,
        )

    def _node(self, host: ElasticsearchHost) -> NodeConfig:
        from elastic_transport import NodeConfig

        tls: dict[str, Any] = {}
        if host.scheme == "https":
            # No warning: who sets verify_certs to false does so with open eyes.
            tls = {"verify_certs": self._verify_certs, "ssl_show_warn": False}
            if self._ca_certs is not None and self._verify_certs:
                tls["ca_certs"] = self._ca_certs
        return NodeConfig(
            host.scheme,
            host.host,
            host.port,
            path_prefix=host.path_prefix,
            http_compress=self._http_compress,
            request_timeout=self._timeout,
            **tls,
        )


class ClientTarget:
    """A cluster as a client of the app's knows it: hosts, TLS, authentication, headers, timeout.

    The connections are our own, of the client's kind. So a client that was made before a fork is no
    danger in the child, one that the app closes takes nothing from us, and the client's spans are made of
    the app's requests alone.

    Args:
        client: The client; it is never closed here.

    Raises:
        SettingsError: It is of a version that is not known here.
    """

    advice: ClassVar[Advice] = Advice(
        "make the client with api_key= or basic_auth=", "the client's ca_certs= or ssl_context="
    )

    def __init__(self, client: ElasticsearchClient) -> None:
        self._client = client
        self.name: Final = client_name(client)
        client_headers(client)

    def headers(self) -> dict[str, str]:
        """The client's, as they are now."""
        return client_headers(self._client)

    def timeout(self) -> Any:
        """The client's."""
        return client_timeout(self._client)

    def open(self) -> Transport:
        """Connections to the hosts that the client knows now."""
        from .node import node_class_for
        from .serializers import SERIALIZERS

        transport = self._client.transport
        configs = [node.config for node in transport.node_pool.all()]
        # As the client itself makes its transport: a class of the app's own signs requests, perhaps.
        return type(transport)(
            configs,
            node_class=node_class_for(transport.node_pool.node_class),
            serializers=SERIALIZERS,
            max_retries=len(configs) - 1,
            retry_on_status=(),
            dead_node_backoff_factor=_REST_SECONDS,
            max_dead_node_backoff=_LONGEST_REST_SECONDS,
            meta_header=transport.meta_header,
        )


def client_name(client: ElasticsearchClient | AsyncElasticsearchClient) -> str:
    """The client's hosts without credentials, as for the same cluster by its URL."""
    configs = [node.config for node in client.transport.node_pool.all()]
    # Sorted: the client shuffles its hosts, and the spool's folder is found by this name.
    return ",".join(
        sorted(
            ElasticsearchHost(c.scheme, c.host, c.port, c.path_prefix, None, None).shown
            for c in configs
        )
    )


def client_headers(client: ElasticsearchClient | AsyncElasticsearchClient) -> dict[str, str]:
    """The headers that a client puts on its requests, the authorization among them.

    There is no public way to ask for them, and no other private name is needed here.

    Raises:
        SettingsError: The client has none where versions 8 and 9 have them.
    """
    headers: Mapping[str, str] | None = getattr(client, "_headers", None)
    if headers is None:
        raise SettingsError(
            "store: expected a client of elasticsearch 8 or 9, got one of a version that is not known"
            " here; give the cluster's URL"
        )
    return {name.lower(): value for name, value in headers.items()}


def client_timeout(client: ElasticsearchClient | AsyncElasticsearchClient) -> Any:
    """What ``client.options(request_timeout=…)`` set, else the transport's mark for the nodes' own."""
    from elastic_transport.client_utils import DEFAULT

    return getattr(client, "_request_timeout", DEFAULT)
