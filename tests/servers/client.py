"""A minimal HTTP client for Elasticsearch, so that the tests' look at it shares no code with the package."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.servers.errors import ServerFailed
from tests.servers.wipe import wipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TIMEOUT_SECONDS = 60


class ElasticsearchClient:
    """Requests to one server as its superuser, or with an API key.

    `url` holds no credentials; `ca_path` is the file of the authority that signed the server's certificate, None for
    plain HTTP or a certificate the system trusts.
    """

    def __init__(self, url: str, user: str, password: str, *, ca_path: Path | None = None) -> None:
        self.url = url
        self.user = user
        self.password = password
        self.ca_path = ca_path
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host = parts.hostname
        self._port = parts.port
        self._prefix = parts.path.rstrip("/")
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context(cafile=str(ca_path) if ca_path else None)

    @property
    def store_url(self) -> str:
        """The URL with the superuser's credentials, as a store's URL may hold them."""
        return self.url.replace("://", f"://{self.user}:{self.password}@")

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        api_key: str | None = None,
        anonymous: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Send one request; returns the status and the answer, parsed if it is JSON, else as text.

        A dict or list is sent as JSON, bytes or str as they are (as NDJSON to a `_bulk` path). `api_key` is the
        key's `encoded` form and replaces the superuser; `anonymous` sends no credentials; `headers` win over those
        made here. Raises OSError or http.client.HTTPException when the server does not answer.
        """
        sent: dict[str, str] = {}
        if api_key is not None:
            sent["Authorization"] = f"ApiKey {api_key}"
        elif not anonymous:
            credentials = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            sent["Authorization"] = f"Basic {credentials}"
        if body is not None:
            raw = isinstance(body, bytes | str)
            bulk = path.partition("?")[0].endswith("_bulk")
            sent["Content-Type"] = "application/x-ndjson" if raw and bulk else "application/json"
            body = body if raw else json.dumps(body)
            body = body.encode() if isinstance(body, str) else body
        sent.update(headers or {})
        connection = self._connection()
        try:
            connection.request(
                method, f"{self._prefix}/{path.lstrip('/')}", body=body, headers=sent
            )
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            is_json = "json" in (answer.getheader("Content-Type") or "")
            return answer.status, json.loads(text) if is_json and text else text
        finally:
            connection.close()

    def expect(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request as the superuser and return the answer; raises `ServerFailed` on a status above 299."""
        status, answer = self.request(method, path, body)
        if status >= 300:
            message = f"{method} {path} was answered {status}: {answer}"
            raise ServerFailed(message)
        return answer

    def create_api_key(
        self, name: str, role_descriptors: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Make an API key limited to `role_descriptors` (all rights if empty or None).

        Returns its `id`, `api_key` and `encoded`, the form that `request` takes. Raises `ServerFailed` if refused.
        """
        body = {"name": name, "role_descriptors": dict(role_descriptors or {})}
        # The default waits for the next refresh, up to a second.
        return self.expect("POST", "/_security/api_key?refresh=true", body)

    def wipe(self) -> None:
        """Delete what tests have made (see `tests.servers.wipe`); raises `ServerFailed` if something stays."""
        wipe(self)

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=_TIMEOUT_SECONDS, context=self._tls
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
