"""Requests to Elasticsearch by the transport of Elastic's own client."""

from __future__ import annotations

import codecs
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

from ... import forks
from ..own_traffic import keep_quiet, own_traffic
from .answers import Answers, Response
from .targets import ClientTarget, Target, UrlTarget, client_headers, client_name, client_timeout

if TYPE_CHECKING:
    from elastic_transport import Transport

    from .targets import AsyncElasticsearchClient

_JSON: Final = "application/json"
_NDJSON: Final = "application/x-ndjson"
_OPENING_SECONDS: Final = 10.0
_MOST_SHARES: Final = 3
"""With more hosts, those that do not answer are few; and a large request needs its time."""


class Connection:
    """A connection to one cluster. Opens at the first request; safe for threads and across a fork.

    Of Elastic's client only the transport is used, since the client proper makes a span of each request
    and accepts servers of its own major version only.

    Args:
        target: The cluster, or its URL.
        **options: With a URL, what :class:`~.targets.UrlTarget` takes.

    Raises:
        SettingsError: The URL or an option cannot be used.
    """

    def __init__(self, target: Target | str, **options: Any) -> None:
        self._target = UrlTarget(target, **options) if isinstance(target, str) else target
        self.name: Final = self._target.name
        self._answers = Answers(self.name, self._target.advice)
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        forks.watch(self)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        timeout: float | None = None,
        expected: tuple[int, ...] = (),
        is_repeatable: bool = True,
    ) -> Response:
        """Send one request; to the next host where one does not answer, which is left alone for a while then.

        Args:
            method: HTTP method.
            path: Path and query.
            body: A JSON object, or ready bytes of newline-delimited JSON.
            timeout: Seconds, shared out among the hosts.
            expected: Statuses of 300 and more that are handed back instead of raised.
            is_repeatable: Whether it may be done twice, where a host has done it and not answered.

        Raises:
            StoreUnavailableError: No answer, or one that asks to come again (429, 5xx, 413).
            StoreAccessError: Refused: 401, 403, certificate.
            StoreLayoutError: Any other status, or not Elasticsearch.
        """
        transport = self._opened()
        from elastic_transport import TransportError

        headers = _with_types(self._target.headers(), body)
        hosts = len(transport.node_pool)
        with own_traffic():
            try:
                meta, answer = transport.perform_request(
                    method,
                    path,
                    body=body,
                    headers=headers,
                    request_timeout=_share(
                        self._target.timeout() if timeout is None else timeout, hosts
                    ),
                    retry_on_timeout=is_repeatable and hosts > 1,
                )
            except TransportError as error:
                raise self._answers.transport_error(error) from error
        return self._answers.response(
            meta.status,
            meta.headers,
            answer,
            expected=expected,
            has_credentials="authorization" in headers,
        )

    def load(self) -> None:
        """Import what requests need, also those that fail."""
        self._opened()

    def close(self) -> None:
        """Close the connections; the next request opens them again."""
        with self._lock:
            if self._transport is not None:
                self._transport.close()
            self._transport = None

    def _opened(self) -> Transport:
        # A forked child must not share the parent's sockets.
        forks.notice_fork()
        with self._lock:
            if self._transport is None:
                keep_quiet()
                # It imports, and reads the certificates that are trusted.
                with forks.postponed(_OPENING_SECONDS):
                    # The first name to be resolved would import it.
                    codecs.lookup("idna")
                    self._transport = self._target.open()
            return self._transport

    def before_fork(self) -> None:
        """Nothing to do: a fork waits for what must not be inherited half done, see ``forks.postponed``."""

    def after_fork_in_parent(self) -> None:
        """Nothing to do."""

    def after_fork_in_child(self) -> None:
        """Forget the parent's sockets, and a lock that one of its threads may hold."""
        self._lock = threading.Lock()
        self._transport = None


class AsyncConnection:
    """A connection to one cluster by the transport of the app's own ``AsyncElasticsearch``.

    The transport is the client's, since it belongs to the client's event loop; the app closes it.

    Args:
        client: The client.

    Raises:
        SettingsError: It is of a version that is not known here.
    """

    def __init__(self, client: AsyncElasticsearchClient) -> None:
        client_headers(client)
        self._client = client
        self.name: Final = client_name(client)
        self._answers = Answers(self.name, ClientTarget.advice)
        keep_quiet()

    async def request(
        self, method: str, path: str, body: object = None, *, expected: tuple[int, ...] = ()
    ) -> Response:
        """As :meth:`Connection.request`."""
        from elastic_transport import TransportError

        headers = _with_types(client_headers(self._client), body)
        transport = self._client.transport
        with own_traffic():
            try:
                meta, answer = await transport.perform_request(
                    method,
                    path,
                    body=body,
                    headers=headers,
                    request_timeout=client_timeout(self._client),
                    max_retries=len(transport.node_pool) - 1,
                    retry_on_status=(),
                    retry_on_timeout=len(transport.node_pool) > 1,
                )
            except TransportError as error:
                raise self._answers.transport_error(error) from error
        return self._answers.response(
            meta.status,
            meta.headers,
            answer,
            expected=expected,
            has_credentials="authorization" in headers,
        )


class Requests(Protocol):
    """What can be asked, whether the answer is waited for or awaited."""

    async def request(
        self, method: str, path: str, body: object = None, *, expected: tuple[int, ...] = ()
    ) -> Response:
        """As :meth:`Connection.request`."""
        ...


class Waiting:
    """Requests of a :class:`Connection` in the form of asynchronous ones: each is done when it is awaited."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def request(
        self, method: str, path: str, body: object = None, *, expected: tuple[int, ...] = ()
    ) -> Response:
        """As :meth:`Connection.request`."""
        return self._connection.request(method, path, body, expected=expected)


def _share(timeout: Any, hosts: int) -> Any:
    """The time for each host: that of all is what was asked for. A transport's mark for its own is handed on."""
    if not isinstance(timeout, (int, float)):
        return timeout
    return timeout / min(hosts, _MOST_SHARES)


def _with_types(headers: dict[str, str], body: object) -> dict[str, str]:
    # Plain JSON, where the client proper asks for an answer of its own major version.
    headers["accept"] = _JSON
    if body is not None:
        headers["content-type"] = _NDJSON if isinstance(body, bytes) else _JSON
    return headers
