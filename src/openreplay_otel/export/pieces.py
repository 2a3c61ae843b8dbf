"""Pieces of a document's JSON made of attributes; what belongs to a name is found once for each name. Pure."""

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
    json_bytes,
    label_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Pieces = dict[bytes, bytes]
"""JSON by key: ``,"name":`` → the value. A dict, since Elasticsearch refuses a name that stands twice."""

_LONG_TEXTS: Final = frozenset({"error.message", "error.stack_trace"})
_CACHE_LIMIT: Final = 2048
_MIN_LONG: Final = -(2**63)
_MAX_LONG: Final = 2**63 - 1


class _Plan(NamedTuple):
    """How an attribute of a certain name becomes a field."""

    key: bytes
    limit: int
    is_number: bool = False
    is_label: bool = False


def key_of(field: str) -> bytes:
    """The JSON before a field's value: ``,"name":``."""
    return b",%b:" % json_bytes(field)


ERROR_KEYS: Final = frozenset(
    key_of(field) for field in ("error.type", "error.message", "error.stack_trace")
)


def pieces_of_record(attributes: Mapping[str, Any]) -> tuple[Pieces, bool]:
    """The fields made of a record's attributes, and whether something had to be cut."""
    return _pieces(attributes, _record_plan)


def pieces_of_resource(attributes: Mapping[str, Any]) -> tuple[Pieces, bool]:
    """The fields made of a resource's attributes, and whether something had to be cut."""
    return _pieces(attributes, _resource_plan)


def _pieces(
    attributes: Mapping[str, Any], plan_of: Callable[[str], _Plan | None]
) -> tuple[Pieces, bool]:
    pieces: Pieces = {}
    truncated = False
    for name, value in attributes.items():
        plan = plan_of(name)
        if plan is None or value is None:
            continue
        key, limit, is_number, is_label = plan
        if is_number:
            if type(value) is int and _MIN_LONG <= value <= _MAX_LONG:
                pieces[key] = b"%d" % value
            continue
        if is_label and len(pieces) >= MAX_LABELS:
            truncated = True
            continue
        text = value if type(value) is str else as_text(value)
        if len(text) > limit:
            text, truncated = cut(text, limit), True
        pieces[key] = json_bytes(text)
    return pieces, truncated


def _plan(attribute: str, fields: Mapping[str, str]) -> _Plan | None:
    if attribute in NOT_LABELS:
        return None
    field = fields.get(attribute)
    if field is None:
        return _Plan(key_of(f"labels.{label_name(attribute)}"), MAX_LABEL, is_label=True)
    limit = MAX_TEXT if field in _LONG_TEXTS else MAX_KEYWORD
    return _Plan(key_of(field), limit, is_number=field in NUMBER_FIELDS)


@lru_cache(maxsize=_CACHE_LIMIT)
def _record_plan(attribute: str) -> _Plan | None:
    return _plan(attribute, RECORD_FIELDS)


def _resource_plan(attribute: str) -> _Plan | None:
    return None if attribute.startswith("telemetry.") else _plan(attribute, RESOURCE_FIELDS)
