"""Links backend logs and exceptions with the OpenReplay recording of the user's session."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from .version import __version__

if TYPE_CHECKING:
    from .auto import OpenReplayConfigurator, OpenReplayDistro, OpenReplayInstrumentor
    from .context import OpenReplayPropagator
    from .context.current import current_session, no_session, use_session
    from .context.middleware import OpenReplayASGIMiddleware, OpenReplayWSGIMiddleware
    from .errors import (
        InvalidSessionError,
        OpenReplayError,
        SettingsError,
        StoreAccessError,
        StoreError,
        StoreLayoutError,
        StoreUnavailableError,
    )
    from .export import DurableLogRecordProcessor, OpenReplayLogExporter
    from .lookup.entries import ExceptionInfo, LogEntry, SessionSummary
    from .lookup.session_logs import AsyncSessionLogs, SessionLogs
    from .pipeline import Pipeline, configure
    from .session import Session, SessionToken
    from .settings import Settings
    from .stamp import OpenReplayLogRecordProcessor, add_first
    from .stamp.plain_logging import loguru_patcher, structlog_processor
    from .stores import Store, open_store

_HOMES: Final = {
    "AsyncSessionLogs": "lookup.session_logs",
    "DurableLogRecordProcessor": "export",
    "ExceptionInfo": "lookup.entries",
    "InvalidSessionError": "errors",
    "LogEntry": "lookup.entries",
    "OpenReplayASGIMiddleware": "context.middleware",
    "OpenReplayConfigurator": "auto",
    "OpenReplayDistro": "auto",
    "OpenReplayError": "errors",
    "OpenReplayInstrumentor": "auto",
    "OpenReplayLogExporter": "export",
    "OpenReplayLogRecordProcessor": "stamp",
    "OpenReplayPropagator": "context",
    "OpenReplayWSGIMiddleware": "context.middleware",
    "Pipeline": "pipeline",
    "Session": "session",
    "SessionLogs": "lookup.session_logs",
    "SessionSummary": "lookup.entries",
    "SessionToken": "session",
    "Settings": "settings",
    "SettingsError": "errors",
    "Store": "stores",
    "StoreAccessError": "errors",
    "StoreError": "errors",
    "StoreLayoutError": "errors",
    "StoreUnavailableError": "errors",
    "add_first": "stamp",
    "configure": "pipeline",
    "current_session": "context.current",
    "loguru_patcher": "stamp.plain_logging",
    "open_store": "stores",
    "structlog_processor": "stamp.plain_logging",
    "no_session": "context.current",
    "use_session": "context.current",
}

__all__ = [
    "AsyncSessionLogs",
    "DurableLogRecordProcessor",
    "ExceptionInfo",
    "InvalidSessionError",
    "LogEntry",
    "OpenReplayASGIMiddleware",
    "OpenReplayConfigurator",
    "OpenReplayDistro",
    "OpenReplayError",
    "OpenReplayInstrumentor",
    "OpenReplayLogExporter",
    "OpenReplayLogRecordProcessor",
    "OpenReplayPropagator",
    "OpenReplayWSGIMiddleware",
    "Pipeline",
    "Session",
    "SessionLogs",
    "SessionSummary",
    "SessionToken",
    "Settings",
    "SettingsError",
    "Store",
    "StoreAccessError",
    "StoreError",
    "StoreLayoutError",
    "StoreUnavailableError",
    "__version__",
    "add_first",
    "configure",
    "current_session",
    "loguru_patcher",
    "no_session",
    "open_store",
    "structlog_processor",
    "use_session",
]


def __getattr__(name: str) -> Any:
    # Imported when asked for: an app pays only for the parts that it uses.
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
