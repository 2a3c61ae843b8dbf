"""Who may see the page: by which names it is called, from which addresses, with which token. Pure."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from ..errors import SettingsError
from ..text.typed import comma_list

SHORTEST_TOKEN: Final = 16
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True)
class Access:
    """Who may see the page.

    Attributes:
        address: The address that the page is served at.
        names: Further names by which it may be called, in lower case.
        token: What has to be given, or None where everybody who can connect may see it.
        proxies: Where there are any, only these addresses may connect.
    """

    address: str
    names: frozenset[str] = frozenset()
    token: str | None = None
    proxies: frozenset[str] = frozenset()

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.address)

    def check(self) -> None:
        """Refuse what would show the logs to everybody.

        Raises:
            SettingsError: Another address than loopback with neither token nor proxy, or a short token.
        """
        if not self.is_loopback and self.token is None and not self.proxies:
            raise SettingsError("token: an address other than loopback needs a token or a proxy")
        if self.token is not None and len(self.token.strip()) < SHORTEST_TOKEN:
            raise SettingsError(f"token: expected {SHORTEST_TOKEN} characters or more")

    def knows_host(self, header: str | None) -> bool:
        """Whether a Host header is one of this page's own names.

        A page of somebody else could otherwise be given this address by its name (DNS rebinding) and read
        the answers. An address instead of a name cannot be given away so.
        """
        match = _HOST.fullmatch((header or "").lower())
        if match is None:
            return False
        name = match[1]
        if name in self.names or name.strip("[]") == self.address.lower():
            return True
        if self.is_loopback:
            return name in LOOPBACK_NAMES
        return _is_address(name.strip("[]"))

    def may_connect(self, peer: str | None, *, is_forwarded: bool) -> bool:
        """Whether a peer may ask at all.

        Without a token and without proxies the page trusts whoever is on this machine. A Host header proves nothing of
        that: a proxy, or whoever connects to an address that the page was not made for, may send any.

        Args:
            peer: The address that it connects from; None for a Unix socket.
            is_forwarded: Whether it says that it asks for somebody else.
        """
        if self.proxies:
            return peer is not None and self.is_proxy(peer)
        if self.token is not None:
            return True
        return not is_forwarded and (peer is None or is_loopback(_plain_address(peer)))

    def is_proxy(self, peer: str) -> bool:
        """Whether an address is one of the proxies that were named."""
        return _plain_address(peer) in self.proxies

    def is_token(self, given: str) -> bool:
        """Whether this is the token; takes as long for any answer."""
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())

    @property
    def cookie(self) -> str:
        """What a browser keeps once the token was given; the token cannot be read from it."""
        key = (self.token or "").encode()
        return hmac.new(key, b"openreplay-otel viewer", hashlib.sha256).hexdigest()

    def is_cookie(self, given: str) -> bool:
        """Whether a browser was given the token before."""
        return self.token is not None and hmac.compare_digest(given.encode(), self.cookie.encode())


def is_loopback(address: str) -> bool:
    """Whether an address, or ``localhost``, is reached from this machine only."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _plain_address(address: str) -> str:
    """An address as people write it: a socket for both families tells IPv4's as ``::ffff:127.0.0.1``."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def proxy_addresses(text: str) -> frozenset[str]:
    """The addresses of a comma list.

    Raises:
        SettingsError: One is no IP address.
    """
    found: set[str] = set()
    for part in comma_list(text):
        try:
            ipaddress.ip_address(part)
            found.add(_plain_address(part))
        except ValueError:
            message = (
                f"proxy: expected the IP address from which the proxy connects, got {part[:40]!r}"
            )
            raise SettingsError(message) from None
    if not found:
        raise SettingsError("proxy: expected the IP address from which the proxy connects")
    return frozenset(found)


def host_names(text: str) -> frozenset[str]:
    """The names of a comma list, as browsers send them.

    Raises:
        SettingsError: One is no host name.
    """
    found = frozenset(comma_list(text.lower()))
    for name in found:
        if re.fullmatch(r"[a-z0-9._-]+", name, re.ASCII) is None:
            raise SettingsError(f"allow_host: expected host names without port, got {name[:40]!r}")
    return found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
