"""Compares an index template that is there with one that is wanted, part by part. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN: Final = ("index_patterns", "priority", "composed_of", "ignore_missing_component_templates")
_PARTS: Final = {"mappings": "field", "settings": "setting", "aliases": "alias"}
_MOST_NAMED: Final = 3


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """What a template lacks or says otherwise, in a few words each; more than what is wanted may stand there.

    Args:
        found: An index template as Elasticsearch gives it back: every setting a text, defaults added.
        wanted: One as it would be sent.
    """
    return list(dict.fromkeys(_differences(found, wanted)))


def named(parts: list[str]) -> str:
    """Differences as part of a sentence."""
    rest = len(parts) - _MOST_NAMED
    return ", ".join(parts[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def beyond(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Settings and fields of a template that one of ours does not name: somebody chose them.

    Args:
        found: An index template as Elasticsearch gives it back.
        wanted: One as it would be sent.

    Returns:
        The part ``template`` of a component template; empty where there is nothing.
    """
    before, due = found.get("template", {}), wanted["template"]
    chosen: dict[str, Any] = {}
    settings = _without(_without_lifecycle(before), due.get("settings", {}))
    if settings:
        chosen["settings"] = settings
    fields = _fields_without(before.get("mappings", {}), due.get("mappings", {}))
    if fields:
        chosen["mappings"] = fields
    return chosen


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Two nested parts as one; the second one counts."""
    made = dict(first)
    for name, value in second.items():
        before = made.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            made[name] = merged(cast("dict[str, Any]", before), cast("dict[str, Any]", value))
        else:
            made[name] = value
    return made


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    if found.get("version") != wanted["version"]:
        yield f"version {found.get('version')} in place of {wanted['version']}"
    for name in _PLAIN:
        if _leaves(found.get(name)) != _leaves(wanted.get(name)):
            yield name
    if found.get("_meta", {}).get("left_out") != wanted["_meta"].get("left_out"):
        yield "settings that the cluster refused"
    # Elasticsearch adds its defaults to it.
    if ("data_stream" in found) != ("data_stream" in wanted):
        yield "data_stream"
    before, due = found.get("template", {}), wanted["template"]
    for part, word in _PARTS.items():
        there = _leaves(before.get(part, {}))
        for path, value in _leaves(due.get(part, {})).items():
            if path and there.get(path) != value:
                yield f"{word} {_shown(path)}"
    if _lifecycle(before) != _lifecycle(due):
        yield "retention"


def _lifecycle(part: dict[str, Any]) -> tuple[Any, Any]:
    """What deletes old logs, of indexes and of a data stream: none is a choice too."""
    policy = part.get("settings", {}).get("index", {}).get("lifecycle", {}).get("name")
    return policy, part.get("lifecycle", {}).get("data_retention")


def _without_lifecycle(part: dict[str, Any]) -> dict[str, Any]:
    """The settings without the lifecycle policy, which the set-up itself keeps or takes back."""
    settings = dict(part.get("settings", {}))
    index = {k: v for k, v in settings.pop("index", {}).items() if k != "lifecycle"}
    return {**settings, "index": index} if index else settings


def _shown(path: str) -> str:
    return path.replace("properties.", "").removeprefix("index.")


def _leaves(value: Any, path: str = "") -> dict[str, str]:
    """Values by their paths, as texts: Elasticsearch gives every setting back as one."""
    if isinstance(value, dict) and value:
        leaves: dict[str, str] = {}
        for name, inner in cast("dict[str, Any]", value).items():
            leaves.update(_leaves(inner, f"{path}.{name}" if path else name))
        return leaves
    if isinstance(value, (dict, list)):
        return {path: orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()}
    return {path: str(value).lower() if isinstance(value, (bool, int)) else str(value)}


def _without(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for name, value in found.items():
        if name not in wanted:
            left[name] = value
        elif isinstance(value, dict) and isinstance(wanted[name], dict):
            inner = _without(cast("dict[str, Any]", value), cast("dict[str, Any]", wanted[name]))
            if inner:
                left[name] = inner
    return left


def _fields_without(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields that only the first one has; of a field that both have, only fields inside it."""
    due: dict[str, Any] = wanted.get("properties", {})
    left: dict[str, Any] = {}
    for name, field in cast("dict[str, Any]", found.get("properties", {})).items():
        if name not in due:
            left[name] = field
        elif "properties" in due[name] and (inner := _fields_without(field, due[name])):
            left[name] = inner
    return {"properties": left} if left else {}
