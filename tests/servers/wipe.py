"""Takes an Elasticsearch back to empty between tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.servers.errors import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.servers.client import ElasticsearchClient

# Elasticsearch reads no first line of a request over 4,096 bytes.
_NAMES_BYTES = 3000
# A full distribution keeps its own things under these names.
_STACK_PREFIXES = (".", "ilm-history-")
_STATE = (
    "/_cluster/state/metadata?expand_wildcards=all&filter_path="
    "metadata.indices.*.system,metadata.data_stream.data_stream.*.indices.index_name,"
    "metadata.index_template.index_template.*.index_patterns,"
    "metadata.index_template.index_template.*._meta.managed,"
    "metadata.component_template.component_template.*.template,"
    "metadata.component_template.component_template.*._meta.managed,"
    "metadata.templates.*.index_patterns,"
    "metadata.ingest.pipeline.id,metadata.ingest.pipeline.config._meta.managed"
)


@dataclass(frozen=True)
class Made:
    """Names of what users made on a server; `indexes` leaves out those of data streams."""

    data_streams: list[str]
    indexes: list[str]
    index_templates: list[str]
    component_templates: list[str]
    old_templates: list[str]
    pipelines: list[str]


def made_by_users(client: ElasticsearchClient) -> Made:
    """What is on the server and neither the system's own nor managed by the stack. Raises `ServerFailed` if refused."""
    metadata = client.expect("GET", _STATE).get("metadata", {})
    streams: dict[str, Any] = metadata.get("data_stream", {}).get("data_stream", {})
    backing = {index["index_name"] for stream in streams.values() for index in stream["indices"]}
    indexes = {name for name, index in metadata.get("indices", {}).items() if not index["system"]}
    pipelines = {
        entry["id"]: entry.get("config", {})
        for entry in metadata.get("ingest", {}).get("pipeline", [])
    }
    return Made(
        data_streams=_own(streams),
        indexes=_own(indexes - backing),
        index_templates=_unmanaged(metadata.get("index_template", {}).get("index_template", {})),
        component_templates=_unmanaged(
            metadata.get("component_template", {}).get("component_template", {})
        ),
        old_templates=_own(metadata.get("templates", {})),
        pipelines=_unmanaged(pipelines),
    )


def wipe(client: ElasticsearchClient) -> None:
    """Delete all data streams, indexes with their aliases, templates of both kinds and ingest pipelines users made.

    API keys, roles, snapshots and cluster settings stay. Takes some 10 ms where nothing is to be done. Raises
    `ServerFailed` if something cannot be deleted.
    """
    made = made_by_users(client)
    if made.data_streams:
        _delete_data_streams(client, made.data_streams)
    for part in _parts(made.indexes):
        client.expect("DELETE", f"/{part}?ignore_unavailable=true")
    for path, names in (
        ("/_index_template", made.index_templates),
        # After the index templates, which may be composed of them.
        ("/_component_template", made.component_templates),
    ):
        for part in _parts(names):
            client.expect("DELETE", f"{path}/{part}")
    # These two take a pattern, not a list.
    for path, names in (("/_template", made.old_templates), ("/_ingest/pipeline", made.pipelines)):
        for name in names:
            client.expect("DELETE", f"{path}/{quote(name, safe='')}")


def _delete_data_streams(client: ElasticsearchClient, names: Iterable[str]) -> None:
    for part in _parts(names):
        path = f"/_data_stream/{part}"
        status, answer = client.request("DELETE", path)
        if status in {400, 405}:
            # No such API: the server of the harness lacks it, and has our plugin instead.
            client.expect("DELETE", "/_openreplay_tests/data_streams")
            return
        if status != 200:
            message = f"DELETE {path} was answered {status}: {answer}"
            raise ServerFailed(message)


def _own(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith(_STACK_PREFIXES))


def _unmanaged(found: dict[str, Any]) -> list[str]:
    return _own(name for name, entry in found.items() if not entry.get("_meta", {}).get("managed"))


def _parts(names: Iterable[str]) -> Iterator[str]:
    """The names, quoted, as comma lists that fit into one request each."""
    part = ""
    for name in names:
        quoted = quote(name, safe="")
        if part and len(part) + len(quoted) > _NAMES_BYTES:
            yield part
            part = ""
        part = f"{part},{quoted}" if part else quoted
    if part:
        yield part
