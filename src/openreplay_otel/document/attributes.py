"""Fields of a document made of attributes; what belongs to a name is found once for each name. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from .coercion import MAX_KEYWORD, MAX_LABEL, MAX_LABELS, MAX_TEXT, as_text, cut, label_name
from .fields import NOT_LABELS, NUMBER_FIELDS, RECORD_FIELDS, RESOURCE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONG_TEXTS: Final = frozenset({"error.message", "error.stack_trace"})
_CACHE_LIMIT: Final = 2048
_MIN_LONG: Final = -(2**63)
_MAX_LONG: Final = 2**63 - 1


_Plan = tuple[str, int, bool, bool]
"""How an attribute becomes a field: its name, the characters kept of a text, whether it is a number,
whether it is a label. A plain tuple, since a named one is unpacked by an iterator."""


class _Plans(dict[str, "_Plan | None"]):
    """The plans by attribute, each made when it is first asked for; None for what is no field."""

    def __init__(self, fields: Mapping[str, str], *, left_out: str | None = None) -> None:
        super().__init__()
        self._fields = fields
        self._left_out = left_out

    def __missing__(self, attribute: str) -> _Plan | None:
        is_left_out = self._left_out is not None and attribute.startswith(self._left_out)
        plan = None if is_left_out else _make_plan(attribute, self._fields)
        # Names come from the app, and some make them of data.
        if len(self) < _CACHE_LIMIT:
            self[attribute] = plan
        return plan


def code_part(attributes: Mapping[str, Any]) -> tuple[bytes, _Plans]:
    """Where in the code a record was made, as a part (see ``parts``): all records of a line share it.

    Returns:
        The part, empty where the attributes are not as the SDK's handler sets them, and the plans for
        the other attributes.
    """
    path, line = attributes.get("code.file.path"), attributes.get("code.line.number")
    function = attributes.get("code.function.name")
    if type(path) is str and type(line) is int and type(function) is str:
        part = _code_part(path, line, function)
        if part:
            return part, _PLANS_WITHOUT_CODE
    return b"", RECORD_PLANS


@lru_cache(maxsize=_CACHE_LIMIT)
def _code_part(path: str, line: int, function: str) -> bytes:
    fields: dict[str, Any] = {}
    code = {"code.file.path": path, "code.line.number": line, "code.function.name": function}
    is_cut = add_attributes(fields, code, RECORD_PLANS)
    is_whole = len(fields) == len(code) and not is_cut
    try:
        return b"," + orjson.dumps(fields)[1:-1] if is_whole else b""
    except TypeError:
        return b""


def add_attributes(
    document: dict[str, Any],
    attributes: Mapping[str, Any],
    plans: _Plans,
) -> bool:
    """Add the fields made of attributes to a document.

    Args:
        document: The fields so far.
        attributes: By their names.
        plans: For a record's or a resource's attributes.

    Returns:
        True where something had to be cut.
    """
    truncated = len(attributes) > MAX_LABELS
    if truncated:
        attributes = _with_fewer_labels(attributes, plans)
    for name, value in attributes.items():
        plan = plans[name]
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


def _with_fewer_labels(attributes: Mapping[str, Any], plans: _Plans) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    labels = 0
    for name, value in attributes.items():
        plan = plans[name]
        if plan is not None and plan[3]:
            labels += 1
            if labels > MAX_LABELS:
                continue
        kept[name] = value
    return kept


def _make_plan(attribute: str, fields: Mapping[str, str]) -> _Plan | None:
    if attribute in NOT_LABELS:
        return None
    field = fields.get(attribute)
    if field is None:
        return f"labels.{label_name(attribute)}", MAX_LABEL, False, True
    limit = MAX_TEXT if field in _LONG_TEXTS else MAX_KEYWORD
    return field, limit, field in NUMBER_FIELDS, False


RECORD_PLANS: Final = _Plans(RECORD_FIELDS)
_PLANS_WITHOUT_CODE: Final = _Plans(RECORD_FIELDS)
_PLANS_WITHOUT_CODE.update({name: None for name in RECORD_FIELDS if name.startswith("code.")})
RESOURCE_PLANS: Final = _Plans(RESOURCE_FIELDS, left_out="telemetry.")
