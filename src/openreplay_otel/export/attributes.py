"""Fields of a document made of attributes; what belongs to a name is found once for each name. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .fields import NOT_LABELS, NUMBER_FIELDS, RECORD_FIELDS, RESOURCE_FIELDS
from .plain_values import (
    MAX_KEYWORD,
    MAX_LABEL,
    MAX_LABELS,
    MAX_TEXT,
    as_text,
    cut,
    label_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONG_TEXTS: Final = frozenset({"error.message", "error.stack_trace"})
_CACHE_LIMIT: Final = 2048
_MIN_LONG: Final = -(2**63)
_MAX_LONG: Final = 2**63 - 1


class _Plan(NamedTuple):
    """How an attribute of a certain name becomes a field."""

    field: str
    limit: int
    is_number: bool
    is_label: bool


def add_record_attributes(document: dict[str, Any], attributes: Mapping[str, Any]) -> bool:
    """Add the fields made of a record's attributes to a document.

    Returns:
        True where something had to be cut.
    """
    return _add(document, attributes, _record_plan)


def add_resource_attributes(document: dict[str, Any], attributes: Mapping[str, Any]) -> bool:
    """Add the fields made of a resource's attributes to a document.

    Returns:
        True where something had to be cut.
    """
    return _add(document, attributes, _resource_plan)


def _add(
    document: dict[str, Any],
    attributes: Mapping[str, Any],
    plan_of: Callable[[str], _Plan | None],
) -> bool:
    truncated = len(attributes) > MAX_LABELS
    if truncated:
        attributes = _with_fewer_labels(attributes, plan_of)
    for name, value in attributes.items():
        plan = plan_of(name)
        if plan is None or value is None:
            continue
        field, limit, is_number, _ = plan
        if is_number:
            if type(value) is int and _MIN_LONG <= value <= _MAX_LONG:
                document[field] = value
            continue
        text = value if type(value) is str else as_text(value)
        if len(text) > limit:
            text, truncated = cut(text, limit), True
        document[field] = text
    return truncated


def _with_fewer_labels(
    attributes: Mapping[str, Any], plan_of: Callable[[str], _Plan | None]
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    labels = 0
    for name, value in attributes.items():
        plan = plan_of(name)
        if plan is not None and plan.is_label:
            labels += 1
            if labels > MAX_LABELS:
                continue
        kept[name] = value
    return kept


def _plan(attribute: str, fields: Mapping[str, str]) -> _Plan | None:
    if attribute in NOT_LABELS:
        return None
    field = fields.get(attribute)
    if field is None:
        return _Plan(f"labels.{label_name(attribute)}", MAX_LABEL, is_number=False, is_label=True)
    limit = MAX_TEXT if field in _LONG_TEXTS else MAX_KEYWORD
    return _Plan(field, limit, is_number=field in NUMBER_FIELDS, is_label=False)


@lru_cache(maxsize=_CACHE_LIMIT)
def _record_plan(attribute: str) -> _Plan | None:
    return _plan(attribute, RECORD_FIELDS)


def _resource_plan(attribute: str) -> _Plan | None:
    return None if attribute.startswith("telemetry.") else _plan(attribute, RESOURCE_FIELDS)
