"""Why a Collector does not take records: asked by a connection, and taken from what OpenTelemetry's exporter logs."""

from __future__ import annotations

import contextlib
import logging
import socket
import urllib.request
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from ..collector_url import CollectorAddress

_SECONDS: Final = 2.0
_SHOWN: Final = 200
_GIVEN_UP: Final = "due to timeout"
_SILENT: Final = "it answers nothing within the exporter's time (OTEL_EXPORTER_OTLP_TIMEOUT)"
_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.http._common",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
)

_said: ContextVar[list[str] | None] = ContextVar("openreplay_otel_collector_said", default=None)


class _Listener(logging.Filter):
    """Keeps the exporter's lines about our batches, and lets nobody else see them."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = _said.get()
        if said is None:
            return True
        if record.levelno >= logging.WARNING:
            said.append(record.getMessage())
        return False


_LISTENER: Final = _Listener()


@contextlib.contextmanager
def reasons() -> Generator[list[str]]:
    """Collect what OpenTelemetry's OTLP exporters log inside, instead of showing it."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_LISTENER)
    said: list[str] = []
    token = _said.set(said)
    try:
        yield said
    finally:
        _said.reset(token)


class Reach:
    """Tells in a sentence what hinders, and what to do about it.

    Args:
        address: The Collector.
    """

    def __init__(self, address: CollectorAddress) -> None:
        self._address = address
        # The resolver's codec is imported here: in another thread the import could be cut by a fork.
        "localhost".encode("idna")

    def hindrance_beforehand(self) -> str:
        """What hinders for certain, before anything was sent; empty where nothing is known."""
        if urllib.request.getproxies():
            # The exporters may go by a proxy then, and a connection of ours says nothing.
            return ""
        return self._connection_fault()

    def hindrance(self, said: Sequence[str]) -> str:
        """What hinders, after a batch was not taken.

        Args:
            said: What the exporter logged about it.
        """
        fault = self.hindrance_beforehand()
        if fault:
            return fault
        telling = [line for line in said if _GIVEN_UP not in line]
        protocol = "OTLP over gRPC" if self._address.is_grpc else "OTLP over HTTP"
        reason = telling[-1][:_SHOWN].rstrip(".") if telling else _SILENT
        text = f"something listens there, but takes no {protocol} ({reason})"
        other = self._address.other_protocol
        return f"{text}; is {other} meant?" if other else f"{text}; look at its own log"

    def _connection_fault(self) -> str:
        port = self._address.port
        expected = f"expected an OpenTelemetry Collector with an otlp receiver on port {port}"
        try:
            socket.create_connection((self._address.host, port), timeout=_SECONDS).close()
        except ConnectionRefusedError:
            return f"nothing listens there (connection refused); {expected}: start it, or mend the address"
        except socket.gaierror:
            return f"the host's name cannot be resolved; {expected}: mend the address"
        except TimeoutError:
            return f"the host does not answer; {expected}: is a firewall in between?"
        except OSError as error:
            return f"it cannot be reached ({error.strerror or error}); {expected}"
        return ""
