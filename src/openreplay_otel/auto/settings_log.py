"""The settings in force as one line of the log; only what is known to be no secret is shown."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from ..setting_values import as_written
from ..settings import Settings, default_store_url, table
from ..store_url import elasticsearch_hosts_of, sqlite_path_of
from ..version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN_VARIABLES: Final = frozenset(
    {
        "OTEL_CONFIG_FILE",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
        "OTEL_LOGS_EXPORTER",
        "OTEL_METRICS_EXPORTER",
        "OTEL_PROPAGATORS",
        "OTEL_PYTHON_CONFIGURATOR",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        "OTEL_PYTHON_DISTRO",
        "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION",
        "OTEL_PYTHON_LOG_CODE_ATTRIBUTES",
        "OTEL_SERVICE_NAME",
        "OTEL_TRACES_EXPORTER",
    }
)
"""What of OpenTelemetry's variables is shown. Of the others, headers for instance, a value may be a secret."""
_MASK: Final = "(set, not shown)"


def settings_line(settings: Settings, environ: Mapping[str, str] | None = None) -> str:
    """All settings in force, and OpenTelemetry's variables, in one line.

    Args:
        settings: The settings.
        environ: The variables; ``os.environ`` where None.
    """
    environ = os.environ if environ is None else environ
    rows = table()
    parts: list[str] = []
    for field in fields(Settings):
        value = getattr(settings, field.name)
        if field.name == "store":
            shown = "none" if value is None and settings.collector else _store(value)
        elif rows[field.name].secret:
            shown = "none" if value is None else _MASK
        else:
            # Commas part the settings themselves in this line.
            shown = as_written(value, "+")
        parts.append(f"{field.name}={shown}")
    parts.extend(
        f"{name}={environ[name] if name in _SHOWN_VARIABLES else _MASK}"
        for name in sorted(environ)
        if name.startswith("OTEL_")
    )
    return f"openreplay-otel {__version__}: {', '.join(parts)}"


def _store(url: str | None) -> str:
    """The store without a password."""
    if url is None:
        return default_store_url()
    if sqlite_path_of(url) is not None:
        return url
    return "+".join(host.shown for host in elasticsearch_hosts_of(url))
