"""Requests to Elasticsearch by the transport of Elastic's own client, and its errors as sentences."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from ...errors import (
    SettingsError,
    StoreAccessError,
    StoreError,
    StoreLayoutError,
    StoreUnavailableError,
)
from ...store_url import ElasticsearchHost, authorization_of, elasticsearch_hosts_of
from ..own_traffic import keep_quiet, own_traffic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from elastic_transport import NodeConfig, Transport

_JSON: Final = "application/json"
_NDJSON: Final = "application/x-ndjson"
_TRY_AGAIN_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})


class Response(NamedTuple):
    """An answer of Elasticsearch with a status below 300, or one that the caller asked to see."""

    status: int
    body: Any


class Connection:
    """A connection to one cluster. Opens at the first request; safe for threads and across a fork.

    Of Elastic's client only the transport is used, since the client proper makes a span of each request
    and accepts servers of its own major version only.

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
        self._authorization = authorization_of(hosts, api_key)
        self._ca_certs = ca_certs
        self._verify_certs = verify_certs
        self._http_compress = http_compress
        self._timeout = timeout
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._transport_pid = 0
        self._is_elasticsearch = False
        self._open_before_forks()

    @property
    def name(self) -> str:
        """The hosts, without credentials."""
        return ",".join(host.shown for host in self._hosts)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        timeout: float | None = None,
        expected: tuple[int, ...] = (),
    ) -> Response:
        """Send one request.

        Args:
            method: HTTP method.
            path: Path and query.
            body: A JSON object, or ready bytes of newline-delimited JSON.
            timeout: Seconds.
            expected: Statuses of 300 and more that are handed back instead of raised.

        Raises:
            StoreUnavailableError: No answer, or one that asks to come again (429, 5xx, 413).
            StoreAccessError: Refused: 401, 403, certificate.
            StoreLayoutError: Any other status, or not Elasticsearch.
        """
        transport = self._opened()
        from elastic_transport import TlsError, TransportError

        headers: dict[str, str] = {"accept": _JSON}
        if self._authorization is not None:
            headers["authorization"] = self._authorization
        if body is not None:
            headers["content-type"] = _NDJSON if isinstance(body, bytes) else _JSON
        with own_traffic():
            try:
                meta, answer = transport.perform_request(
                    method,
                    path,
                    body=body,
                    headers=headers,
                    request_timeout=self._timeout if timeout is None else timeout,
                )
            except TlsError as error:
                raise StoreAccessError(self._tls_sentence(error)) from error
            except TransportError as error:
                raise StoreUnavailableError(self._transport_sentence(error)) from error
        if 200 <= meta.status < 300:
            self._check_product(meta.headers)
        elif meta.status not in expected:
            raise self._status_error(meta.status, meta.headers, answer)
        return Response(meta.status, answer)

    def close(self) -> None:
        """Close the connections; the next request opens them again."""
        with self._lock:
            if self._transport is not None and self._transport_pid == os.getpid():
                self._transport.close()
            self._transport = None

    def _opened(self) -> Transport:
        with self._lock:
            # A forked child must not share the parent's sockets.
            if self._transport is None or self._transport_pid != os.getpid():
                self._transport = self._open()
                self._transport_pid = os.getpid()
            return self._transport

    def _open_before_forks(self) -> None:
        """Let no opening that is going on in another thread cross a fork.

        In the child that thread would be gone, and its half-done import would keep all others waiting.
        """
        if not hasattr(os, "register_at_fork"):
            return
        reference = weakref.ref(self)
        held: list[Connection] = []

        def before() -> None:
            connection = reference()
            if connection is not None:
                connection._lock.acquire()  # noqa: SLF001 - of this very class
                held.append(connection)

        def after() -> None:
            while held:
                held.pop()._lock.release()  # noqa: SLF001 - of this very class

        os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)

    def _open(self) -> Transport:
        from elastic_transport import Transport

        from .serializers import SERIALIZERS

        keep_quiet()
        return Transport(
            [self._node(host) for host in self._hosts],
            serializers=SERIALIZERS,
            max_retries=len(self._hosts) - 1,
            retry_on_status=(),
            retry_on_timeout=False,
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

    def _check_product(self, headers: Mapping[str, str]) -> None:
        if self._is_elasticsearch:
            return
        if headers.get("x-elastic-product") != "Elasticsearch":
            raise StoreLayoutError(self._not_elasticsearch())
        self._is_elasticsearch = True

    def _status_error(self, status: int, headers: Mapping[str, str], answer: object) -> StoreError:
        kind, reason = error_of(answer)
        if status == 401:
            who = "no credentials were given" if self._authorization is None else "they are wrong"
            return StoreAccessError(
                f"{self.name} does not accept the credentials ({who}): set api_key"
                " (OPENREPLAY_OTEL_API_KEY) or user and password in the store's URL"
            )
        if status == 403:
            return StoreAccessError(
                f"{self.name} refuses, a privilege is missing: {reason or kind}"
            )
        if status == 413:
            return StoreUnavailableError(
                f"{self.name} refuses the request for its size", too_large=True
            )
        if status in _TRY_AGAIN_STATUSES:
            return StoreUnavailableError(
                f"{self.name} answers {status} {kind}: {reason}".rstrip(": "),
                retry_after=_retry_after(headers),
            )
        if headers.get("x-elastic-product") != "Elasticsearch":
            return StoreLayoutError(self._not_elasticsearch())
        return StoreLayoutError(
            f"{self.name} answers {status} {kind}: {reason}".rstrip(": "),
            is_bad_request=status == 400,
        )

    def _not_elasticsearch(self) -> str:
        return (
            f"{self.name} answers, but is not Elasticsearch 8 or 9 (no X-Elastic-Product header):"
            " check the address, and that no proxy takes this header away"
        )

    def _tls_sentence(self, error: Exception) -> str:
        text = _whole_text(error)
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return (
                f"the certificate of {self.name} is not trusted: name its authority with ca_certs"
                " (OPENREPLAY_OTEL_CA_CERTS)"
            )
        if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
            return f"{self.name} does not speak TLS: try http:// instead of https://"
        return f"no TLS connection to {self.name}: {text[:200]}"

    def _transport_sentence(self, error: Exception) -> str:
        name = type(error).__name__
        if "Timeout" in name:
            return f"{self.name} did not answer in time"
        text = _whole_text(error)
        if "refused" in text:
            why = "nothing listens there (connection refused)"
        elif "resol" in text or "Name or service" in text or "getaddrinfo" in text:
            why = "the host's name cannot be resolved"
        elif "RemoteDisconnected" in text or "aborted" in text or "reset" in text:
            why = "the connection was closed: is it https:// rather than http://?"
        else:
            why = text[:200]
        return f"{self.name} cannot be reached: {why}"


def _whole_text(error: Exception) -> str:
    """The texts of a transport's error and of those that it was made of."""
    causes = (*getattr(error, "errors", ()), error.__cause__)
    return "; ".join([str(error), *(str(cause) for cause in causes if cause is not None)])


def error_of(answer: object) -> tuple[str, str]:
    """Type and reason of an error in an answer's body; empty where it has none.

    A value of the document that a reason shows is cut away: it is the app's.
    """
    if not isinstance(answer, dict):
        return "", answer[:200] if isinstance(answer, str) else ""
    error = cast("dict[str, object]", answer).get("error")
    if not isinstance(error, dict):
        return "", str(error or "")[:300]
    fields = cast("dict[str, object]", error)
    reason = str(fields.get("reason") or "").partition("Preview of field's value")[0].strip()
    return str(fields.get("type") or ""), reason[:500]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None
