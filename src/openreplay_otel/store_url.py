"""Reads the URL of a store, and the credentials for it. Pure."""

from __future__ import annotations

import base64
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from .errors import SettingsError
from .text.typed import comma_list

_SQLITE: Final = "sqlite:///"
_EXPECTED: Final = (
    "store: expected sqlite:///path/to/file.db or http(s)://[user:password@]host:port"
    " (several hosts of one cluster: a comma list)"
)


class ElasticsearchHost(NamedTuple):
    """One host of a cluster.

    Attributes:
        scheme: ``http`` or ``https``.
        host: Name or address.
        port: Its port.
        path_prefix: Path before that of every request; empty for none.
        user: User name, or None.
        password: Password, or None.
    """

    scheme: str
    host: str
    port: int
    path_prefix: str
    user: str | None
    password: str | None

    @property
    def shown(self) -> str:
        """Its URL without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path_prefix}"


def sqlite_path_of(url: str) -> str | None:
    """The file that a URL ``sqlite:///path`` names; None for a URL of another kind.

    Raises:
        SettingsError: It names no file.
    """
    if not url.startswith(_SQLITE):
        return None
    text = url.removeprefix(_SQLITE)
    try:
        path = unquote(text, errors="strict")
        path.encode()
    except UnicodeError:
        raise SettingsError("store: the path behind sqlite:/// is no UTF-8") from None
    if not path or path.endswith("/") or "\0" in path:
        raise SettingsError("store: sqlite:/// names no file; expected sqlite:///path/to/file.db")
    if "?" in text:
        # Others take options there: without a word it would be a file of another name.
        raise SettingsError(
            "store: a URL of SQLite ends with its path; a ? of the path is written %3F"
        )
    return path


def sqlite_url_of(path: str) -> str:
    """The URL that names a file."""
    return f"{_SQLITE}{path.replace('%', '%25').replace('?', '%3F')}"


def elasticsearch_hosts_of(url: str) -> list[ElasticsearchHost]:
    """The hosts of a URL ``http(s)://[user:password@]host:port[/prefix]``, or of a comma list of such.

    Raises:
        SettingsError: It is no such URL. The message never holds credentials.
    """
    hosts = [_host(part) for part in comma_list(url)]
    if not hosts:
        raise SettingsError(_EXPECTED)
    return hosts


def authorization_of(hosts: list[ElasticsearchHost], api_key: str | None) -> str | None:
    """The ``Authorization`` header: by the key where there is one, else by the first host's user.

    Args:
        hosts: The hosts.
        api_key: Encoded, or as ``id:key``; None for none.

    Raises:
        SettingsError: ``api_key`` has neither form.
    """
    if api_key is not None:
        # "id:key" has a colon, which base64 has not.
        encoded = base64.b64encode(api_key.encode()).decode() if ":" in api_key else api_key
        if not encoded.isascii() or any(c.isspace() for c in encoded):
            raise SettingsError("api_key: expected an API key, encoded (one word) or as id:key")
        return f"ApiKey {encoded}"
    for host in hosts:
        if host.user is not None:
            pair = f"{host.user}:{host.password or ''}"
            return f"Basic {base64.b64encode(pair.encode()).decode()}"
    return None


def _host(url: str) -> ElasticsearchHost:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsError(_EXPECTED) from None
    # Blanks may stand in a password. Line ends and tabs would be skipped without a word.
    place = parts.netloc.rpartition("@")[2] + parts.path
    is_odd = " " in place or not url.isprintable()
    if parts.scheme not in {"http", "https"} or not parts.hostname or is_odd:
        raise SettingsError(_EXPECTED)
    if not port:
        message = (
            f"store: the address {parts.scheme}://{parts.hostname} names no port;"
            " Elasticsearch listens on :9200 by default, Elastic Cloud on :443"
        )
        raise SettingsError(message)
    if parts.query or parts.fragment:
        raise SettingsError("store: a URL of Elasticsearch ends with its path, without ? or #")
    return ElasticsearchHost(
        parts.scheme,
        parts.hostname,
        port,
        parts.path.rstrip("/"),
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
    )
