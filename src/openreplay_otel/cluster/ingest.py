"""An ingest pipeline for those who write to Elasticsearch without this package: Filebeat, Logstash, EDOT. Pure.

It makes of a document with a tag of any generation one as this package would have written: text, time,
level, tags, ids and ECS fields in their places, in the index of the session's day. It reads plain ECS
(Filebeat, ecs-logging, the Collector's ``ecs`` mapping) and the Collector's ``otel`` mapping. A document
that names no session keeps its index.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from ..message_tag import END_2021_PATTERN, ENDS_PATTERN, STEM_2021_PATTERN, STEM_PATTERN
from ..names import DEFAULT_SESSION_INDEX

PIPELINE_VERSION: Final = 1
_MANAGED_BY: Final = "openreplay-otel"


def pipeline_name(prefix: str = DEFAULT_SESSION_INDEX) -> str:
    """Name of the pipeline for a prefix."""
    return prefix


def pipeline(prefix: str, *, tags: tuple[str, ...]) -> dict[str, Any]:
    """The pipeline's definition, for ``PUT /_ingest/pipeline/<name>``.

    Args:
        prefix: Prefix of the session indexes.
        tags: The tags that stand before a message, as in the setting ``tags``.
    """
    return {
        "description": "Logs of OpenReplay sessions, from documents that openreplay-otel did not write",
        "version": PIPELINE_VERSION,
        "_meta": {"managed_by": _MANAGED_BY},
        "processors": [
            {
                "script": {
                    "lang": "painless",
                    "description": "tag, time, level and index of a session's record",
                    "params": {"prefix": prefix, "tags": list(tags), "levels": _LEVELS},
                    "source": _source(),
                }
            }
        ],
        # A document that is not understood is stored as it came, without its tags, and says so.
        "on_failure": [
            *(_without_tags(name, pattern) for name in _TEXTS for pattern in _NAMES),
            {
                "set": {
                    "field": "error.pipeline",
                    "value": "{{{_ingest.on_failure_message}}}",
                }
            },
        ],
    }


def _source() -> str:
    source = files(__name__.rpartition(".")[0]).joinpath("pipeline.painless").read_text("utf-8")
    for name, pattern in _PATTERNS.items():
        source = source.replace(f"@{name}@", pattern)
    return source


def _without_tags(field: str, pattern: str) -> dict[str, Any]:
    return {
        "gsub": {
            "field": field,
            "pattern": pattern,
            "replacement": "$1_",
            "ignore_missing": True,
            # A field that is no text holds nothing that a reader could find.
            "ignore_failure": True,
        }
    }


_PATTERNS: Final = {
    "STEM": STEM_PATTERN,
    "ENDS": ENDS_PATTERN,
    "STEM_2021": STEM_2021_PATTERN,
    "END_2021": END_2021_PATTERN,
}
_TEXTS: Final = ("message", "body.text")
"""Where the readers look, directly or by an alias of the ``otel`` mapping."""
_NAMES: Final = (
    rf"(?i)({STEM_PATTERN})(?={ENDS_PATTERN})\.?",
    rf"(?i)({STEM_2021_PATTERN})(?={END_2021_PATTERN})",
)
_LEVELS: Final = {
    "emerg": "error", "emergency": "error", "alert": "error", "crit": "error", "critical": "error",
    "fatal": "error", "panic": "error", "severe": "error", "error": "error", "err": "error",
    "exception": "error", "warn": "warning", "warning": "warning",
    "notice": "info", "info": "info", "information": "info", "informational": "info", "success": "info",
    "debug": "debug", "trace": "debug", "verbose": "debug", "fine": "debug",
}  # fmt: skip
