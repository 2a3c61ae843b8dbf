"""Turns any value that an app may log into JSON that Elasticsearch takes: cut, marked, never refused. Pure."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from itertools import islice
from typing import Any, Final, cast

import orjson

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
_CUT: Final = "… [cut]"
_PLAIN_FROM: Final = 1e-6
_PLAIN_BELOW: Final = 1e21
"""Numbers between these are written without an exponent."""
_EXACT: Final = 2**63


def cut(text: str, limit: int) -> str:
    """A text of at most ``limit`` characters and a note of what is missing; the same object if it fits."""
    return text if len(text) <= limit else f"{text[:limit]}… [cut: {len(text)} characters]"


def plain(value: object) -> Any:
    """A value as JSON takes it; a lone surrogate, which is no Unicode text, becomes ``?``."""
    return _Plain().of(value)


def as_text(value: object) -> str:  # noqa: PLR0911 - one for each kind of value
    """Any value as a text: a text as it is, bytes in base64, a map or a list as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, int):
        return _shown(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(cast("bytes", value)).decode()
    if isinstance(value, (Mapping, Sequence, AbstractSet)):
        try:
            # Sorted, as a Collector writes a map: both ways lead to the same document.
            return orjson.dumps(plain(cast("object", value)), option=orjson.OPT_SORT_KEYS).decode()
        except Exception as error:  # noqa: BLE001 - a foreign mapping may do anything
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
        return str(value)
    except Exception as error:  # noqa: BLE001 - a foreign __str__ may do anything
        # Python itself refuses integers of more than 4,300 digits.
        return hex(value) if isinstance(value, int) else _not_shown(value, error)


def _not_shown(value: object, error: Exception) -> str:
    return f"({type(value).__name__} that cannot be shown: {type(error).__name__})"


def label_name(name: str) -> str:
    """An attribute's name as Elasticsearch takes it in a path: no empty part, not too long."""
    name = name[:MAX_KEYWORD].strip()
    if name and "." not in name:
        return name
    return ".".join(part.strip() or "_" for part in name.split("."))


class _Plain:
    """Makes a nested value plain within a bound of depth and items: a value may hold itself."""

    def __init__(self) -> None:
        self._items_left = _MAX_ITEMS

    def of(self, value: object, depth: int = _MAX_DEPTH) -> Any:  # noqa: PLR0911 - one for each kind of value
        self._items_left -= 1
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return _unicode(value)
        if isinstance(value, int):
            # JSON has no bound, but Elasticsearch and orjson read 64 bits.
            return int(value) if -(2**63) <= value < 2**63 else _shown(value)
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
            shown = {_unicode(as_text(k)): self.of(v, depth - 1) for k, v in first}
            return shown if len(shown) == len(items) else {**shown, "…": _CUT}
        if isinstance(value, (Sequence, AbstractSet)):
            members = cast("Sequence[object]", value)
            listed = [self.of(member, depth - 1) for member in islice(members, self._items_left)]
            return listed if len(listed) == len(members) else [*listed, _CUT]
        return _unicode(_shown(value))


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
