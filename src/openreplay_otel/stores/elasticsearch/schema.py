"""The index template of the session indexes, and that of the data stream beside it. Pure.

Why each setting stands here is told in ``docs/elasticsearch.md``; the order of hits that OpenReplay
shows hangs on them.
"""

from __future__ import annotations

from typing import Any, Final

from ...names import DEFAULT_SESSION_INDEX, READER_ALIAS, SESSIONLESS_DATA_STREAM

TEMPLATE_VERSION: Final = 1
_MANAGED_BY: Final = "openreplay-otel"
_PRIORITY: Final = 500
_DATA_STREAM_PRIORITY: Final = 150
"""Above Elastic's own ``logs`` template (100), below what an administrator would write on purpose."""


def session_template_name(prefix: str) -> str:
    """Name of the index template of the session indexes."""
    return prefix


def sessionless_template_name() -> str:
    """Name of the index template for a cluster without Elastic's own templates.

    One for all prefixes, as there is one such data stream: Elasticsearch refuses a second template of
    the same priority for it.
    """
    return f"{DEFAULT_SESSION_INDEX}-sessionless"


def session_pattern(prefix: str) -> str:
    """Pattern that covers all session indexes."""
    return f"{prefix}-*"


def session_index(prefix: str, day: str) -> str:
    """Name of the index of the sessions that began on a day (``yyyy.mm.dd``, UTC)."""
    return f"{prefix}-{day}"


def session_template(prefix: str, *, with_alias: bool = True) -> dict[str, Any]:
    """The index template of the session indexes.

    Args:
        prefix: The indexes' prefix.
        with_alias: False where the name ``logs`` belongs to somebody else.
    """
    template: dict[str, Any] = {
        "settings": {
            "index": {
                "number_of_shards": 1,
                "auto_expand_replicas": "0-1",
                "sort": {"field": ["openreplay.session.id", "@timestamp"], "order": ["asc", "asc"]},
                "merge": {"policy": {"type": "time_based"}},
                "mapping": {
                    "ignore_malformed": True,
                    "total_fields": {"limit": 1000, "ignore_dynamic_beyond_limit": True},
                },
            }
        },
        "mappings": _mappings(),
    }
    if with_alias:
        template["aliases"] = {READER_ALIAS: {}}
    return {
        "index_patterns": [session_pattern(prefix)],
        "priority": _PRIORITY,
        "version": TEMPLATE_VERSION,
        "_meta": {
            "managed_by": _MANAGED_BY,
            "description": "Logs of OpenReplay sessions, by the day on which the session began",
        },
        "template": template,
    }


def sessionless_template() -> dict[str, Any]:
    """A template that makes ``logs-openreplay-default`` a data stream where Elastic's own is missing."""
    mappings = _mappings()
    # In a data stream nobody reads by OpenReplay's order, and time ranges want the index.
    mappings["properties"]["@timestamp"] = {"type": "date"}
    return {
        "index_patterns": [SESSIONLESS_DATA_STREAM],
        "priority": _DATA_STREAM_PRIORITY,
        "version": TEMPLATE_VERSION,
        "_meta": {"managed_by": _MANAGED_BY, "description": "Logs without an OpenReplay session"},
        "data_stream": {},
        "template": {
            "settings": {
                "index": {
                    "auto_expand_replicas": "0-1",
                    "mapping": {
                        "ignore_malformed": True,
                        "total_fields": {"limit": 1000, "ignore_dynamic_beyond_limit": True},
                    },
                }
            },
            "mappings": mappings,
        },
    }


def is_managed(template: dict[str, Any]) -> bool:
    """Tell whether a template, as Elasticsearch gives it back, was made by this package."""
    meta: dict[str, Any] = template.get("_meta") or {}
    return meta.get("managed_by") == _MANAGED_BY


def _mappings() -> dict[str, Any]:
    keyword = {"type": "keyword", "ignore_above": 1024}
    text = {"type": "text", "norms": False}
    return {
        "date_detection": False,
        "dynamic_templates": [
            {"strings": {"match_mapping_type": "string", "mapping": keyword}},
        ],
        "properties": {
            # index: false, or Elasticsearch reads the newest segment first; doc values serve ranges.
            "@timestamp": {"type": "date", "index": False},
            "utc_time": {"type": "date"},
            # One score for all hits: OpenReplay asks for no order and shows them by score.
            "message": {**text, "analyzer": "standard", "similarity": "boolean"},
            "level": keyword,
            "tags": keyword,
            "ecs": {"properties": {"version": keyword}},
            "openreplay": {
                "properties": {
                    "session": {"properties": {"id": keyword, "url": {**keyword, "index": False}}},
                    "truncated": {"type": "boolean"},
                }
            },
            "session": {"properties": {"id": keyword}},
            "error": {
                "properties": {"type": keyword, "message": text, "stack_trace": text},
            },
            "trace": {"properties": {"id": keyword}},
            "span": {"properties": {"id": keyword}},
            "log": {
                "properties": {
                    "level": keyword,
                    "logger": keyword,
                    "origin": {
                        "properties": {
                            "file": {"properties": {"name": keyword, "line": {"type": "long"}}},
                            "function": keyword,
                        }
                    },
                }
            },
            "process": {
                "properties": {
                    "pid": {"type": "long"},
                    "parent": {"properties": {"pid": {"type": "long"}}},
                    "thread": {"properties": {"id": {"type": "long"}, "name": keyword}},
                }
            },
            # Without subobjects the labels a and a.b can stand beside each other.
            "labels": {"type": "object", "subobjects": False},
        },
    }
