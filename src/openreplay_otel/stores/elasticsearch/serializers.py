"""How bodies pass the transport: ready bytes untouched, JSON by orjson."""

from __future__ import annotations

from typing import Any, Final

import orjson
from elastic_transport import JsonSerializer, Serializer


class _OrjsonSerializer(JsonSerializer):
    def json_dumps(self, data: Any) -> bytes:
        return orjson.dumps(data)

    def json_loads(self, data: bytes) -> Any:
        return orjson.loads(data)


class _ReadyNdjsonSerializer(Serializer):
    """The transport's own serializer copies a body twice; ours is complete already."""

    mimetype = "application/x-ndjson"

    def dumps(self, data: Any) -> bytes:
        return data

    def loads(self, data: bytes) -> Any:
        return data


class _AnyTextSerializer(Serializer):
    """Pages of proxies: kept as text for the error message."""

    def loads(self, data: bytes) -> Any:
        return data.decode("utf-8", "replace")

    def dumps(self, data: Any) -> bytes:
        return data


SERIALIZERS: Final[dict[str, Serializer]] = {
    "application/json": _OrjsonSerializer(),
    "application/x-ndjson": _ReadyNdjsonSerializer(),
    "text/*": _AnyTextSerializer(),
}
