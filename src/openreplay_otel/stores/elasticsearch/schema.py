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


def custom_name(template: str) -> str:
    """Name of the component template with what an administrator chooses, by Elastic's convention."""
    return f"{template}@custom"


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
                "sort": {"field": ["openreplay.session.id", "@timestamp"], "order": ["asc", "asc"]},
                "merge": {"policy": {"type": "time_based"}},
                "mapping": {
                    "ignore_malformed": True,
                    "total_fields": {"ignore_dynamic_beyond_limit": True},
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
        **_composed_of(session_template_name(prefix)),
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
        **_composed_of(sessionless_template_name()),
        "version": TEMPLATE_VERSION,
        "_meta": {"managed_by": _MANAGED_BY, "description": "Logs without an OpenReplay session"},
        "data_stream": {},
        "template": {
            "settings": {
                "index": {
                    "mapping": {
                        "ignore_malformed": True,
                        "total_fields": {"ignore_dynamic_beyond_limit": True},
                    },
                }
            },
            "mappings": mappings,
        },
    }


def custom_component(template: str) -> dict[str, Any]:
    """The component template of an administrator's choices, as it is first made; then it is his.

    An index template's own settings count more than those of its components. So what the order of hits
    hangs on stands in the template, and what anybody may change stands here.

    Args:
        template: Name of the index template.
    """
    return {
        "version": TEMPLATE_VERSION,
        "_meta": {
            "managed_by": _MANAGED_BY,
            "description": f"Your own settings and fields for {template}; openreplay-otel keeps them",
        },
        "template": {"settings": {"index": {"auto_expand_replicas": "0-1"}}},
    }


def is_managed(template: dict[str, Any]) -> bool:
    """Tell whether a template, as Elasticsearch gives it back, was made by this package."""
    meta: dict[str, Any] = template.get("_meta") or {}
    return meta.get("managed_by") == _MANAGED_BY


def _composed_of(template: str) -> dict[str, Any]:
    components = [custom_name(template)]
    return {"composed_of": components, "ignore_missing_component_templates": components}


def _mappings() -> dict[str, Any]:
    keyword = {"type": "keyword", "ignore_above": 1024}
    text = {"type": "text", "norms": False}
    number = {"type": "long"}
    return {
        "date_detection": False,
        "dynamic_templates": [
            {"strings": {"match_mapping_type": "string", "mapping": keyword}},
        ],
        # Every field that we write. Otherwise the first document of a day decides what a field is, and
        # another program's host: "web1" would have each of ours refused until the next day.
        "properties": {
            # index: false, or Elasticsearch reads the newest segment first; doc values serve ranges.
            "@timestamp": {"type": "date", "index": False},
            "utc_time": {"type": "date"},
            # One score for all hits: OpenReplay asks for no order and shows them by score.
            "message": {**text, "analyzer": "standard", "similarity": "boolean"},
            "level": keyword,
            "tags": keyword,
            "ecs": _fields(version=keyword),
            "openreplay": _fields(
                session=_fields(id=keyword, url={**keyword, "index": False}),
                truncated={"type": "boolean"},
                assumed=keyword,
            ),
            "session": _fields(id=keyword),
            "error": _fields(type=keyword, message=text, stack_trace=text),
            "event": _fields(action=keyword),
            "trace": _fields(id=keyword),
            "span": _fields(id=keyword),
            "log": _fields(
                level=keyword,
                logger=keyword,
                origin=_fields(file=_fields(name=keyword, line=number), function=keyword),
            ),
            "service": _fields(
                name=keyword, version=keyword, environment=keyword, node=_fields(name=keyword)
            ),
            "host": _fields(name=keyword, id=keyword, architecture=keyword, type=keyword),
            "container": _fields(id=keyword, name=keyword),
            "process": _fields(
                pid=number,
                parent=_fields(pid=number),
                thread=_fields(id=number, name=keyword),
                name=keyword,
                executable=keyword,
                command_line=keyword,
            ),
            # Without subobjects the labels a and a.b can stand beside each other.
            "labels": {"type": "object", "subobjects": False},
        },
    }


def _fields(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"properties": fields}
