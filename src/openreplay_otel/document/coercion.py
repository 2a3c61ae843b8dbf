"""Turns any value that an app may log into plain text or JSON: cut, marked, never refused. Pure.

An app may log what it likes: a value whose ``__str__`` raises, one that holds itself, one of 10**9 members. What
cannot be read becomes a placeholder that names its type, and what is too much is cut.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from itertools import islice
from typing import Any, Final, cast

import orjson

from ..signals import is_from_signal

MAX_TEXT: Final = 256 * 1024
"""Characters of a message or a stack trace."""
MAX_KEYWORD: Final = 1024
"""Characters of a name: a service, a logger, an error's type."""
MAX_LABEL: Final = 8 * 1024
"""Characters of a label's value."""
MAX_LABELS: Final = 512
"""Labels of a document; the SDK's own limit of attributes is 128."""
_MAX_DEPTH: Final = 20
_MAX_ITEMS: Final = 100_000
_MAX_ITEMS_OF_ATTRIBUTE: Final = 1_000
"""Members of a value that is read in the log call itself, nested ones included."""
_CUT: Final = "… [cut]"
_PLAIN_FROM: Final = 1e-6
_PLAIN_BELOW: Final = 1e21
"""Numbers between these are written without an exponent."""
_EXACT: Final = 2**63
_AS_IT_IS: Final = frozenset({str, bool, float, bytes, type(None)})


def cut(text: str, limit: int) -> str:
    """A text of at most ``limit`` characters and a note of what is missing; the same object if it fits."""
    return text if len(text) <= limit else f"{text[:limit]}… [cut: {len(text)} characters]"


def plain(value: object) -> Any:
    """A value as JSON takes it; a lone surrogate, which is no Unicode text, becomes ``?``."""
    return _Plain().of(value)


def attribute_value(value: object) -> Any:
    """A value as OpenTelemetry takes it for an attribute: plain, bounded, and read now.

    Returns:
        None, a text, a number, bytes, or a list or dict of such; for what cannot be read, a placeholder.
    """
    kind = type(value)
    if kind in _AS_IT_IS or (kind is int and -_EXACT <= cast("int", value) < _EXACT):
        return value
    try:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(cast("bytes", value))
        return _Plain(_MAX_ITEMS_OF_ATTRIBUTE, for_attribute=True).of(value)
    except Exception as error:  # noqa: BLE001 - a foreign __class__ may do anything
        return _not_shown(cast("object", value), error)


def as_text(value: object) -> str:  # noqa: PLR0911 - one for each kind of value
    """Any value as a text: a text as it is, bytes in base64, a map or a list as JSON."""
    if type(value) is str:
        return value
    try:
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return _number(float(value))
        if isinstance(value, int):
            return _shown(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return base64.b64encode(cast("bytes", value)).decode()
        if isinstance(value, (Mapping, Sequence, AbstractSet)):
            # Sorted, as a Collector writes a map: both ways lead to the same document.
            return orjson.dumps(plain(cast("object", value)), option=orjson.OPT_SORT_KEYS).decode()
    except Exception as error:  # noqa: BLE001 - a foreign mapping may do anything, a foreign __class__ too
        return _not_shown(cast("object", value), error)
    return _shown(value)


def _number(value: float) -> str:
    """A number as a Collector writes it, by the rule of JavaScript: 2.0 is ``2``, 1e-05 is ``0.00001``."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    if "e" in text:
        if _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
            return format(Decimal(text), "f").removesuffix(".0")
        return text.replace("e-0", "e-")
    return text.removesuffix(".0")


def _shown(value: object) -> str:
    try:
        return str.__str__(str(value))
    except Exception as error:  # noqa: BLE001 - a foreign __str__ may do anything
        # Python itself refuses integers of more than 4,300 digits.
        return hex(value) if type(value) is int else _not_shown(value, error)


def _not_shown(value: object, error: Exception) -> str:
    if is_from_signal(error):
        raise error
    return f"({type(value).__name__} that cannot be shown: {type(error).__name__})"


def label_name(name: str) -> str:
    """An attribute's name as Elasticsearch takes it in a path: no empty part, not too long."""
    name = name[:MAX_KEYWORD].strip()
    if name and "." not in name:
        return name
    return ".".join(part.strip() or "_" for part in name.split("."))


class _Plain:
    """Makes a nested value plain within a bound of depth and items: a value may hold itself.

    Args:
        items: How many members are read, nested ones included.
        for_attribute: Whether no key may be empty, as the SDK wants it.
    """

    def __init__(self, items: int = _MAX_ITEMS, *, for_attribute: bool = False) -> None:
        self._items_left = items
        self._empty_key = "_" if for_attribute else ""

    def of(self, value: object, depth: int = _MAX_DEPTH) -> Any:  # noqa: PLR0911 - one for each kind of value
        self._items_left -= 1
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return _unicode(value)
        if isinstance(value, int):
            # JSON has no bound, but Elasticsearch and orjson read 64 bits.
            return int(value) if -_EXACT <= value < _EXACT else _shown(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                return _number(float(value))
            # As a plain number: orjson refuses subclasses, such as those of numpy; 2.0 is 2, as above.
            return int(value) if value.is_integer() and abs(value) < _EXACT else float(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return base64.b64encode(cast("bytes", value)).decode()
        if depth == 0 or self._items_left < 0:
            return _CUT
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            first = islice(items, self._items_left)
            shown = {self._key(k): self._member(v, depth - 1) for k, v in first}
            return shown if len(shown) == len(items) else {**shown, "…": _CUT}
        if isinstance(value, (Sequence, AbstractSet)):
            members = cast("Sequence[object]", value)
            first = islice(members, self._items_left)
            listed = [self._member(member, depth - 1) for member in first]
            return listed if len(listed) == len(members) else [*listed, _CUT]
        return _unicode(_shown(value))

    def _member(self, value: object, depth: int) -> Any:
        try:
            return self.of(value, depth)
        except Exception as error:  # noqa: BLE001 - one member must not cost the others
            return _not_shown(value, error)

    def _key(self, key: object) -> str:
        return _unicode(as_text(key)) or self._empty_key


def _unicode(text: str) -> str:
    return str.encode(text, "utf-8", "replace").decode("utf-8")
