"""Turns any value that an app may log into JSON that Elasticsearch takes: cut, marked, never refused. Pure."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence, Set
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
_MAX_ITEMS: Final = 10_000


def cut(text: str, limit: int) -> str:
    """A text of at most ``limit`` characters and a note of what is missing; the same object if it fits."""
    return text if len(text) <= limit else f"{text[:limit]}… [cut: {len(text)} characters]"


def json_bytes(text: str) -> bytes:
    """A text as a JSON string; a lone surrogate, which is no Unicode text, becomes ``?``."""
    try:
        return orjson.dumps(text)
    except TypeError:
        return orjson.dumps(_unicode(text))


def as_text(value: object) -> str:
    """Any value as a text: a text as it is, bytes in base64, a map or a list as JSON."""
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, (Mapping, Sequence, Set)):
        return orjson.dumps(_Plain().of(cast("object", value))).decode()
    return str(value)


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

    def of(self, value: object, depth: int = _MAX_DEPTH) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return _unicode(value)
        if isinstance(value, int):
            # JSON has no bound, but Elasticsearch and orjson read 64 bits.
            return value if -(2**63) <= value < 2**63 else str(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return base64.b64encode(value).decode()
        self._items_left -= 1
        if depth == 0 or self._items_left < 0:
            return "… [cut]"
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            return {_unicode(as_text(k)): self.of(v, depth - 1) for k, v in items}
        if isinstance(value, (Sequence, Set)):
            return [self.of(item, depth - 1) for item in cast("Sequence[object]", value)]
        return _unicode(str(value))


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
