"""Tells a request that was passed on for somebody else, and what its proxy says of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMES: Final = frozenset(
    {
        "cdn-loop", "client-ip", "forwarded", "max-forwards", "proxy-connection", "remote-addr",
        "true-client-ip", "via", "x-client-ip", "x-cluster-client-ip", "x-host", "x-real-ip", "x-real-port",
        "x-remote-addr", "x-remote-ip", "x-request-start", "x-rewrite-url", "x-scheme",
    }
)  # fmt: skip
_BEGINNINGS: Final = (
    "akamai-", "ali-cdn-", "cf-", "cloudfront-", "fastly-", "fly-", "proxy-", "wl-proxy-", "x-accel-", "x-akamai-",
    "x-amz", "x-appengine-", "x-arr-", "x-azure-", "x-cdn", "x-cloud-", "x-envoy-", "x-forwarded", "x-fd-",
    "x-haproxy-", "x-ms-forwarded-", "x-original-", "x-proxy", "x-traefik-", "x-vercel-", "x-varnish",
)  # fmt: skip
_PROXIES_VERSION: Final = "1.0"
"""What nginx speaks to the server behind it unless told otherwise, with no header that tells of it; browsers have not
spoken it for decades."""


def is_forwarded(names: Iterable[str], version: str) -> bool:
    """Whether a request was passed on by a proxy, a load balancer or a CDN, as far as it shows.

    Args:
        names: Names of its headers, in lower case.
        version: Its version of HTTP, ``1.1``.
    """
    return version == _PROXIES_VERSION or any(
        name in _NAMES or name.startswith(_BEGINNINGS) for name in names
    )


def was_https(values: Iterable[str]) -> bool:
    """Whether a trusted proxy says that the browser came by TLS.

    Args:
        values: Its headers ``X-Forwarded-Proto``. Of several proxies in a row, the first one wrote first.
    """
    schemes = [part.strip().lower() for value in values for part in value.split(",")]
    return schemes[:1] == ["https"]
