"""The configurator: sets up the SDK, with the stamp first and the exporter of this package durable."""

from __future__ import annotations

import logging
import os
from typing import Any

from opentelemetry.instrumentation.environment_variables import OTEL_PYTHON_CONFIGURATOR
from opentelemetry.sdk._configuration import (
    _OTelSDKConfigurator,  # pyright: ignore[reportPrivateUsage] - the base for distros
)

from ..errors import SettingsError
from ..settings import Settings
from ..stamp import OpenReplayLogRecordProcessor
from .exporting import exporting_processor
from .other_distros import other_of

_logger = logging.getLogger(__name__)

OTEL_CONFIG_FILE = "OTEL_CONFIG_FILE"


class OpenReplayConfigurator(_OTelSDKConfigurator):
    """``openreplay`` in ``OTEL_PYTHON_CONFIGURATOR``: OpenTelemetry's own set-up with this package's parts.

    Where another configurator is installed and none was chosen, it defers to that one; then, as
    with ``OTEL_CONFIG_FILE``, the instrumentor adds what is missing.
    """

    def _configure(self, **kwargs: Any) -> None:
        other = other_of("opentelemetry_configurator", OTEL_PYTHON_CONFIGURATOR)
        if other is not None:
            other().configure(**kwargs)
            return
        if not os.environ.get(OTEL_CONFIG_FILE):
            # With a file the SDK takes no arguments, and warns of them.
            stamp = OpenReplayLogRecordProcessor(Settings.load())
            own = kwargs.get("log_record_processors") or ()
            kwargs["log_record_processors"] = [stamp, *own]
            kwargs.setdefault("export_log_record_processor", exporting_processor)
            kwargs.setdefault("setup_logging_handler", False)
        else:
            kwargs.clear()
        try:
            super()._configure(**kwargs)  # pyright: ignore[reportUnknownMemberType] - untyped there
        except SettingsError as error:
            # A store that cannot be used. The app runs on without telemetry, and is told why.
            _logger.error("OpenTelemetry was not set up: %s", error)  # noqa: TRY400 - one sentence says it
