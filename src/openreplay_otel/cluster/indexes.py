"""Looks at the indexes that are there: whether OpenReplay's readers find what they look for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from ..stores.elasticsearch import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..stores.elasticsearch import Connection

_DAY: Final = re.compile(r"-(\d{4})\.(\d\d)\.(\d\d)(-.+)?")
_LOSES_DIGITS: Final = frozenset({"simple", "stop"})
_NOT_FOUND: Final = 404


@dataclass(frozen=True)
class IndexFault:
    """Something by which an index does not suit OpenReplay.

    Attributes:
        index: Which one.
        kind: ``analyzer``, ``message``, ``field``, ``order`` or ``blocked``.
        reason: A sentence for a person.
    """

    index: str
    kind: str
    reason: str


@dataclass(frozen=True)
class IndexState:
    """An index as it is.

    Attributes:
        name: Its name.
        aliases: Its aliases.
        mappings: Its fields.
        settings: Its settings, nested.
        data_stream: The data stream that it stands behind, or None.
    """

    name: str
    aliases: frozenset[str]
    mappings: dict[str, Any]
    settings: dict[str, Any]
    data_stream: str | None


def read_indexes(connection: Connection, target: str) -> list[IndexState]:
    """The indexes of a pattern, alias or data stream; none where there is no such.

    Raises:
        StoreError: The cluster cannot be reached, or refuses.
    """
    path = f"/{target}?ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open,hidden"
    answer = connection.request("GET", path, expected=(_NOT_FOUND,))
    if answer.status == _NOT_FOUND:
        return []
    return [
        IndexState(
            name=name,
            aliases=frozenset(entry.get("aliases", {})),
            mappings=entry.get("mappings", {}),
            settings=entry.get("settings", {}).get("index", {}),
            data_stream=entry.get("data_stream"),
        )
        for name, entry in sorted(cast("dict[str, Any]", answer.body).items())
    ]


def is_session_index(index: IndexState, prefix: str) -> bool:
    """Whether an index was made by our template: it has the name of a day, and our order."""
    match = _match(index.name, prefix)
    return match is not None and match[4] is None and is_in_order(index)


def is_left_over(index: IndexState, prefix: str) -> bool:
    """Whether an index has records of a day, but is none of our template's.

    An app made it before the set-up, or somebody copied one to a name with something behind the day.
    """
    is_ours = is_session_index(index, prefix)
    if is_ours or index.data_stream is not None or _match(index.name, prefix) is None:
        return False
    fields: dict[str, Any] = index.mappings.get("properties", {})
    return _nested(fields, "openreplay", "session", "id") is not None


def is_in_order(index: IndexState) -> bool:
    """Whether an index keeps its documents in the order that our template asks for."""
    return "openreplay.session.id" in index.settings.get("sort", {}).get("field", [])


def day_of(index: str, prefix: str) -> tuple[int, int, int] | None:
    """Year, month and day in an index's name, whatever stands behind it; None for any other name."""
    match = _match(index, prefix)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))


def index_of_day(index: str, prefix: str) -> str | None:
    """Name of the index of the same day; None where an index's name has no day."""
    match = _match(index, prefix)
    return None if match is None else schema.session_index(prefix, ".".join(match.group(1, 2, 3)))


def _match(index: str, prefix: str) -> re.Match[str] | None:
    return _DAY.fullmatch(index[len(prefix) :]) if index.startswith(prefix) else None


def faults_of(index: IndexState) -> Iterator[IndexFault]:
    """What is wrong with an index whose documents OpenReplay shall find."""
    fields: dict[str, Any] = index.mappings.get("properties", {})
    yield from _message_faults(index, fields.get("message"))
    for name, kinds, what in (
        ("@timestamp", ("date", "date_nanos"), "the panel's order and `openreplay-otel logs`"),
        ("utc_time", ("date", "date_nanos"), "OpenReplay up to v1.20"),
        ("tags", ("keyword",), "OpenReplay up to v1.20, and --errors"),
        ("level", ("keyword",), "--level"),
    ):
        found = fields.get(name)
        if found is not None and found.get("type") not in kinds:
            yield IndexFault(
                index.name, "field",
                f"maps {name} as {found.get('type', 'object')}, where {what} needs {kinds[0]}",
            )  # fmt: skip
    session = _nested(fields, "openreplay", "session", "id")
    if session is not None and session.get("type") != "keyword":
        yield IndexFault(
            index.name, "field",
            f"maps openreplay.session.id as {session.get('type', 'object')}, where the lookup needs keyword",
        )  # fmt: skip
    disorder = _disorder(index, fields)
    if disorder is not None:
        yield IndexFault(index.name, "order", disorder)
    for name in ("write", "read_only", "read_only_allow_delete"):
        if str(index.settings.get("blocks", {}).get(name, "false")).lower() == "true":
            yield IndexFault(index.name, "blocked", _BLOCKS[name])


def _disorder(index: IndexState, fields: dict[str, Any]) -> str | None:
    """By what the hits of an index come in another order than that of time."""
    timestamp, message = fields.get("@timestamp", {}), fields.get("message", {})
    if (
        timestamp.get("type") in {"date", "date_nanos"}
        and timestamp.get("index", True) is not False
    ):
        return (
            "has @timestamp indexed: Elasticsearch then reads the newest part first, and the panel shows"
            " the records back to front in blocks"
        )
    if not is_in_order(index):
        return "is not sorted by session and time: the panel shows late records where they came"
    if int(index.settings.get("number_of_shards", 1)) > 1:
        return "has several shards: the panel shows the records shard by shard"
    if message and message.get("similarity") != "boolean":
        return "scores hits by their length: the panel shows short records first"
    return None


def _message_faults(index: IndexState, message: dict[str, Any] | None) -> Iterator[IndexFault]:
    if message is None:
        return
    kind = message.get("type")
    if kind not in {"text", "match_only_text"}:
        yield IndexFault(
            index.name, "message",
            f"maps message as {kind}, in which no words are found: OpenReplay finds no record of any session",
        )  # fmt: skip
        return
    name = message.get("analyzer") or _default_analyzer(index)
    if name in _LOSES_DIGITS or _tokenizer(index, name) in {"letter", "lowercase"}:
        yield IndexFault(
            index.name, "analyzer",
            f"analyzes message by {name!r}, which drops the digits of an id: every session shows the"
            " records of every session",
        )  # fmt: skip


def _default_analyzer(index: IndexState) -> str:
    analyzers = index.settings.get("analysis", {}).get("analyzer", {})
    if "default" in analyzers:
        return str(analyzers["default"].get("type", "default"))
    return "standard"


def _tokenizer(index: IndexState, analyzer: str) -> str | None:
    own = index.settings.get("analysis", {}).get("analyzer", {}).get(analyzer, {})
    return own.get("tokenizer")


def _nested(fields: dict[str, Any], *path: str) -> dict[str, Any] | None:
    found: Any = {"properties": fields}
    for name in path:
        found = found.get("properties", {}).get(name)
        if found is None:
            return None
    return found


_BLOCKS: Final = {
    "write": "refuses new records (index.blocks.write)",
    "read_only": "refuses new records (index.blocks.read_only)",
    "read_only_allow_delete": (
        "refuses new records (index.blocks.read_only_allow_delete, which Elasticsearch sets where the disk"
        " is full)"
    ),
}


def session_indexes(connection: Connection, prefix: str) -> list[IndexState]:
    """The indexes of a prefix, whoever made them."""
    return read_indexes(connection, schema.session_pattern(prefix))
