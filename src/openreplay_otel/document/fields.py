"""Which attribute of OpenTelemetry becomes which field of ECS. Pure data.

Sources: OpenTelemetry's semantic conventions 1.4x and the Elastic Common Schema 8.17.
"""

from __future__ import annotations

from typing import Final

ECS_VERSION: Final = "8.17.0"

RECORD_FIELDS: Final[dict[str, str]] = {
    "exception.type": "error.type",
    "exception.message": "error.message",
    "exception.stacktrace": "error.stack_trace",
    "code.file.path": "log.origin.file.name",
    "code.filepath": "log.origin.file.name",
    "code.line.number": "log.origin.file.line",
    "code.lineno": "log.origin.file.line",
    "code.function.name": "log.origin.function",
    "code.function": "log.origin.function",
    "thread.id": "process.thread.id",
    "thread.name": "process.thread.name",
    "session.id": "session.id",
}
"""Attributes of a record with a field of their own; the others become ``labels.<name>``."""

RESOURCE_FIELDS: Final[dict[str, str]] = {
    "service.name": "service.name",
    "service.version": "service.version",
    "deployment.environment.name": "service.environment",
    "deployment.environment": "service.environment",
    "service.instance.id": "service.node.name",
    "host.name": "host.name",
    "host.id": "host.id",
    "host.arch": "host.architecture",
    "host.type": "host.type",
    "process.pid": "process.pid",
    "process.parent_pid": "process.parent.pid",
    "process.executable.name": "process.name",
    "process.executable.path": "process.executable",
    "process.command_line": "process.command_line",
    "container.id": "container.id",
    "container.name": "container.name",
}
"""Attributes of a resource with a field of their own; the others become ``labels.<name>``."""

NUMBER_FIELDS: Final[frozenset[str]] = frozenset(
    {"log.origin.file.line", "process.pid", "process.parent.pid", "process.thread.id"}
)
"""Fields that ECS maps as a number: a value that is none is left out, not sent as text."""

NOT_LABELS: Final[frozenset[str]] = frozenset(
    {
        "openreplay.session.id",
        "tags",
        "elasticsearch.document_id",
        "elasticsearch.index",
        "exception.escaped",
        "openreplay.truncated",
    }
)
"""Attributes that steer this package or the Collector and are no labels."""


def level_of(severity_number: int) -> str:
    """The ``level`` that OpenReplay's panel understands: error, warning, info or debug.

    Args:
        severity_number: OpenTelemetry's 1 to 24; 0 where none is given, which counts as info.
    """
    if severity_number >= 17:
        return "error"
    if severity_number >= 13:
        return "warning"
    return "info" if severity_number >= 9 or severity_number <= 0 else "debug"
