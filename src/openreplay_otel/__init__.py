"""Links backend logs and exceptions with the OpenReplay recording of the user's session."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from .version import __version__

if TYPE_CHECKING:
    from .context import OpenReplayPropagator
    from .entries import ExceptionInfo, LogEntry, SessionSummary
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
    from .lookup import AsyncSessionLogs, SessionLogs
    from .pipeline import Pipeline, configure
    from .session import Session, SessionToken
    from .settings import Settings
    from .stamp import OpenReplayLogRecordProcessor, add_first
    from .stores import Store, open_store

_HOMES: Final = {
    "AsyncSessionLogs": "lookup",
    "DurableLogRecordProcessor": "export",
    "ExceptionInfo": "entries",
    "InvalidSessionError": "errors",
    "LogEntry": "entries",
    "OpenReplayError": "errors",
    "OpenReplayLogExporter": "export",
    "OpenReplayLogRecordProcessor": "stamp",
    "OpenReplayPropagator": "context",
    "Pipeline": "pipeline",
    "Session": "session",
    "SessionLogs": "lookup",
    "SessionSummary": "entries",
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
    "open_store": "stores",
}

__all__ = [
    "AsyncSessionLogs",
    "DurableLogRecordProcessor",
    "ExceptionInfo",
    "InvalidSessionError",
    "LogEntry",
    "OpenReplayError",
    "OpenReplayLogExporter",
    "OpenReplayLogRecordProcessor",
    "OpenReplayPropagator",
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
    "open_store",
]


def __getattr__(name: str) -> Any:
    # Imported when asked for: an app pays only for the parts that it uses.
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
