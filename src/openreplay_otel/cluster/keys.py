"""What each API key may do: the least that its work needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..names import DEFAULT_SESSION_INDEX, READER_ALIAS

if TYPE_CHECKING:
    from collections.abc import Sequence

MANAGED_BY: Final = "openreplay-otel"
READER, WRITER, LOOKUP = "reader", "writer", "lookup"
KINDS: Final = {
    READER: "for OpenReplay: reads the name that it asks for, and nothing else",
    WRITER: "for apps and Collectors: adds records, reads and changes none",
    LOOKUP: "for `openreplay-otel logs`, `sessions` and the page: reads the session indexes",
}
"""The kinds of keys, and what each is for."""
SEARCH_PREFIXES: Final = ("logs-openreplay-*",)


@dataclass(frozen=True, kw_only=True)
class KeyRequest:
    """An API key to make.

    Attributes:
        kind: One of :data:`KINDS`.
        name: Its name in Kibana.
        indexes: Names and patterns that it is for.
        expiration: As Elasticsearch writes times (``90d``); None for never.
        for_old_form: Whether OpenReplay's settings form up to v1.20 has to accept it, which asks for the
            server itself.
    """

    kind: str
    name: str
    indexes: tuple[str, ...]
    expiration: str | None = None
    for_old_form: bool = False

    def body(self) -> dict[str, Any]:
        """The request's body, for ``POST /_security/api_key``."""
        privileges = ["create_doc", "auto_configure"] if self.kind == WRITER else ["read"]
        role = {
            "cluster": ["monitor"] if self.for_old_form else [],
            "indices": [{"names": list(self.indexes), "privileges": privileges}],
        }
        body: dict[str, Any] = {
            "name": self.name,
            "role_descriptors": {self.kind: role},
            "metadata": {"managed_by": MANAGED_BY, "kind": self.kind},
        }
        if self.expiration is not None:
            body["expiration"] = self.expiration
        return body


def default_indexes(
    kind: str, prefixes: Sequence[str] = (DEFAULT_SESSION_INDEX,)
) -> tuple[str, ...]:
    """The names that a key of a kind is for.

    Args:
        kind: One of :data:`KINDS`.
        prefixes: Prefixes of the session indexes.
    """
    patterns = tuple(f"{prefix}-*" for prefix in prefixes)
    if kind == READER:
        return (READER_ALIAS,)
    return patterns if kind == LOOKUP else (*patterns, *SEARCH_PREFIXES)


def default_name(kind: str) -> str:
    """The name of a key of a kind."""
    return "openreplay" if kind == READER else f"openreplay-otel-{kind}"
