"""The instrumentor: brings this package into a set-up that somebody else made."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import get_logger_provider
from opentelemetry.environment_variables import OTEL_PROPAGATORS
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.logging.environment_variables import (  # pyright: ignore[reportMissingTypeStubs] - no py.typed
    OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED

from ..capture import LoggingCapture
from ..context.global_propagator import AddedPropagator
from ..errors import SettingsError
from ..hooks import install_hooks
from ..settings import Settings
from ..stamp import OpenReplayLogRecordProcessor, add_first
from ..stamp.order import has_stamp, remove
from .exporting import missing_way
from .settings_log import settings_line

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..hooks import Hooks

_logger = logging.getLogger(__name__)


class OpenReplayInstrumentor(BaseInstrumentor):
    """Adds the session to an OpenTelemetry set-up that is there; ``openreplay`` among the instrumentors.

    It puts the stamp before the processors that the logger provider has, the propagator behind those in
    force, and hooks where a session would be lost: servers' own log lines, threads, uncaught exceptions.
    It adds no exporter: with the default distro or Elastic's, records go, stamped, where that one sends
    them; name ``openreplay`` in ``OTEL_LOGS_EXPORTER`` for the store of this package.

    :meth:`instrument` takes settings by name, and ``logger_provider``.
    """

    _hooks: Hooks | None = None
    _stamp: OpenReplayLogRecordProcessor | None = None
    _provider: LoggerProvider | None = None
    _propagator: AddedPropagator | None = None
    _capture: LoggingCapture | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """None: it is of use to any app."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        if os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true":
            return
        try:
            self._bring_in(**kwargs)
        except SettingsError:
            raise  # Of an argument: whoever gave it has to know.
        except Exception:
            # What is raised here ends the set-up of all instrumentations that come after.
            _logger.exception("openreplay-otel is not in force")

    def _bring_in(self, **kwargs: Any) -> None:
        provider = kwargs.pop("logger_provider", None) or get_logger_provider()
        settings = Settings.load(**kwargs)
        if isinstance(provider, LoggerProvider):
            self._provider = provider
            if not has_stamp(provider):
                self._stamp = OpenReplayLogRecordProcessor(settings)
                add_first(provider, self._stamp)
            missing = missing_way(settings)
            if missing:
                _logger.warning("%s", missing)
            if _takes_logging():
                self._capture = LoggingCapture(provider, settings.excluded_loggers)
                self._capture.start()
        if os.environ.get(OTEL_PROPAGATORS, "").strip().lower() != "none":
            self._propagator = AddedPropagator.add(settings)
        self._hooks = install_hooks(settings)
        _logger.info("%s", settings_line(settings))

    def _uninstrument(self, **kwargs: Any) -> None:
        if self._hooks is not None:
            self._hooks.remove()
        if self._propagator is not None:
            self._propagator.remove()
        if self._provider is not None and self._stamp is not None:
            remove(self._provider, self._stamp)
        if self._capture is not None:
            self._capture.stop()
        self._hooks = self._propagator = self._stamp = self._provider = self._capture = None


def _takes_logging() -> bool:
    # "false" is the user's word that lines of ``logging`` are no records.
    return os.environ.get(OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION, "").strip().lower() != "false"
