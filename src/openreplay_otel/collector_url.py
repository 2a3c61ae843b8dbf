"""Reads the address of an OpenTelemetry Collector. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from .errors import SettingsError

FORMS: Final = "http://host:4318 (OTLP over HTTP) or grpc://host:4317 (OTLP over gRPC); with TLS https:// or grpcs://"
LOGS_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
_LOGS_PATH: Final = "/v1/logs"
_HTTP_PORT: Final = 4318
_GRPC_PORT: Final = 4317
_PORTS: Final = {"http": _HTTP_PORT, "https": _HTTP_PORT, "grpc": _GRPC_PORT, "grpcs": _GRPC_PORT}


class CollectorAddress(NamedTuple):
    """Where and how a Collector takes records.

    Attributes:
        shown: The address as it was given, in the form that errors and settings show.
        endpoint: What OpenTelemetry's OTLP exporter takes: for HTTP with the path, for gRPC as
            ``http(s)://host:port``.
        host: Name or address.
        port: Its port.
        is_grpc: Whether it is OTLP over gRPC; over HTTP otherwise.
        is_secure: Whether it is over TLS.
    """

    shown: str
    endpoint: str
    host: str
    port: int
    is_grpc: bool
    is_secure: bool

    @property
    def variables(self) -> dict[str, str]:
        """OpenTelemetry's own variables that send logs there."""
        values = {
            "OTEL_LOGS_EXPORTER": "otlp",
            LOGS_ENDPOINT: self.endpoint,
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc" if self.is_grpc else "http/protobuf",
        }
        if self.is_grpc:
            # OTEL_EXPORTER_OTLP_INSECURE, meant for another endpoint, would otherwise decide.
            values["OTEL_EXPORTER_OTLP_LOGS_INSECURE"] = "false" if self.is_secure else "true"
        return values

    @property
    def other_protocol(self) -> str:
        """The address of the other protocol at its usual port, where the port is that one's; else empty."""
        usual = _HTTP_PORT if self.is_grpc else _GRPC_PORT
        if self.port != usual:
            return ""
        scheme = ("http" if self.is_grpc else "grpc") + ("s" if self.is_secure else "")
        return f"{scheme}://{_in_url(self.host)}:{self.port}"


def collector_address(url: str) -> CollectorAddress:
    """The address that a URL names.

    Args:
        url: ``http(s)://host:4318[/path]``: without a path ``/v1/logs`` is meant, one that is given is
            taken as it is. Or ``grpc(s)://host:4317``.

    Raises:
        SettingsError: It is no such URL. The message never holds credentials.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise SettingsError(f"collector: expected {FORMS}") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        raise SettingsError(f"collector: expected {FORMS}{_meant(url.strip(), parts)}")
    if parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(
            "collector: an address has neither user and password nor ? and #; headers, also with"
            " credentials, stand in OTEL_EXPORTER_OTLP_HEADERS"
        )
    is_grpc = scheme.startswith("grpc")
    path = parts.path.rstrip("/")
    if is_grpc and path:
        raise SettingsError("collector: OTLP over gRPC has no path; expected grpc://host:4317")
    if port is None and scheme == "https":
        port = 443
    if port is None:
        raise SettingsError(
            f"collector: the address {scheme}://{_in_url(parts.hostname)} names no port; a Collector"
            f" listens on :{_PORTS[scheme]} by default"
        )
    netloc = f"{_in_url(parts.hostname)}:{port}"
    is_secure = scheme in {"https", "grpcs"}
    return CollectorAddress(
        shown=f"{scheme}://{netloc}{path}",
        endpoint=f"http{'s' if is_secure else ''}://{netloc}"
        + ("" if is_grpc else path or _LOGS_PATH),
        host=parts.hostname,
        port=port,
        is_grpc=is_grpc,
        is_secure=is_secure,
    )


def _meant(url: str, parts: SplitResult) -> str:
    """For a bare ``host:port``: what it should be."""
    host, _, port = url.rpartition(":")
    is_bare = "://" not in url and "@" not in url and "/" not in url and port.isdecimal() and host
    if not is_bare or parts.hostname:
        return ""
    scheme = "grpc" if port == str(_GRPC_PORT) else "http"
    return f"; is {scheme}://{url} meant?"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
