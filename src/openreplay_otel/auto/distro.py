"""The distro: defaults for OpenTelemetry's own variables."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_PROPAGATORS
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.instrumentation.environment_variables import OTEL_PYTHON_DISTRO
from opentelemetry.instrumentation.logging.environment_variables import (  # pyright: ignore[reportMissingTypeStubs] - no py.typed
    OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION,
)

from ..names import ENTRY_POINT
from .exporting import collector_variables
from .greenlets import patch_for_greenlets
from .other_distros import other_of

_DEFAULTS = {
    OTEL_PROPAGATORS: f"tracecontext,baggage,{ENTRY_POINT}",
    OTEL_LOGS_EXPORTER: ENTRY_POINT,
    # Anything but "true" keeps OpenTelemetry's handler off the root logger, where it would change what the app
    # prints; this word says, also to child processes, who takes the lines in its place.
    OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION: ENTRY_POINT,
}


class OpenReplayDistro(BaseDistro):
    """``openreplay`` in ``OTEL_PYTHON_DISTRO``: sets what the environment leaves open, and nothing else.

    Logs go to the store, with the session of the request. Traces and metrics are not exported unless
    ``OTEL_TRACES_EXPORTER`` and ``OTEL_METRICS_EXPORTER`` are set. If another distro is installed and none was
    chosen, it defers to that one.
    """

    _other: Any = None

    def _configure(self, **kwargs: Any) -> None:
        patch_for_greenlets()
        other = other_of("opentelemetry_distro", OTEL_PYTHON_DISTRO)
        if other is not None:
            self._other = other()
            self._other.configure(**kwargs)
            return
        for name, value in {**_DEFAULTS, **collector_variables()}.items():
            os.environ.setdefault(name, value)

    def load_instrumentor(self, entry_point: Any, **kwargs: Any) -> None:
        """Load one instrumentation, the way the other distro does where there is one."""
        if self._other is not None:
            self._other.load_instrumentor(entry_point, **kwargs)
            return
        super().load_instrumentor(entry_point, **kwargs)  # pyright: ignore[reportUnknownMemberType] - untyped there
