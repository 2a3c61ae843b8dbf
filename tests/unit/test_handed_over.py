"""What is handed over for a store: clients are known by their kind, and anything else is told what was expected."""

from __future__ import annotations

import asyncio
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch

from openreplay_otel import (
    AsyncSessionLogs,
    DurableLogRecordProcessor,
    OpenReplayLogExporter,
    SessionLogs,
    SettingsError,
    configure,
    open_store,
)

from .faults import FaultyStore
from .processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "http://127.0.0.1:9"


def class_of(package: str, name: str, **members: object) -> Any:
    """An instance of a class as a package that is not installed here has it."""
    made = types.new_class(name, exec_body=lambda body: body.update(members))
    made.__module__ = f"{package}.client"
    return made()


SYNCHRONOUS: dict[str, Callable[[Any], object]] = {
    "SessionLogs": SessionLogs,
    "open_store": open_store,
    "configure": configure,
    "DurableLogRecordProcessor": DurableLogRecordProcessor,
    "OpenReplayLogExporter": OpenReplayLogExporter,
}
WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "an OpenSearch client": (
        lambda: class_of("opensearchpy", "OpenSearch", search=print, write=print, sessions=print),
        "client of OpenSearch, which is not supported",
    ),
    "an asynchronous OpenSearch client": (
        lambda: class_of("opensearchpy", "AsyncOpenSearch"),
        "client of OpenSearch",
    ),
    "a client of version 7": (
        lambda: class_of("elasticsearch", "Elasticsearch", transport=object()),
        "too old; expected one of version 8 or 9",
    ),
    "a client without headers": (
        lambda: class_of(
            "elasticsearch9",
            "Elasticsearch",
            transport=types.SimpleNamespace(node_pool=types.SimpleNamespace(all=list)),
        ),
        "of a version that is not known here",
    ),
    "a client's class": (lambda: Elasticsearch, "got the class Elasticsearch itself"),
    "a part of a client": (lambda: Elasticsearch(URL).indices, "got a value of type IndicesClient"),
    "a path": (lambda: Path("logs.db"), "got a value of type PosixPath"),
    "a number": (lambda: 9200, "got a value of type int"),
    "bytes": (lambda: b"http://127.0.0.1:9200", "got a value of type bytes"),
    "a list of hosts": (lambda: [URL], "got a value of type list"),
    "a lookup": (lambda: SessionLogs(FaultyStore()), "got a value of type SessionLogs"),
    "text that is no URL": (lambda: "localhost:9200", "expected sqlite:///"),
}


@pytest.mark.parametrize("use", SYNCHRONOUS)
@pytest.mark.parametrize("wrong", WRONG)
def test_anything_else_is_told_what_was_expected(use: str, wrong: str) -> None:
    """In the words of whoever calls: what was expected, and what it was instead."""
    make, expected = WRONG[wrong]
    with pytest.raises(SettingsError, match=expected):
        SYNCHRONOUS[use](make())


@pytest.mark.parametrize("wrong", WRONG)
def test_the_same_holds_with_asyncio(wrong: str) -> None:
    """An asynchronous lookup refuses the same things."""
    make, expected = WRONG[wrong]
    with pytest.raises(SettingsError, match=expected):
        AsyncSessionLogs(make())  # pyright: ignore[reportArgumentType] - that is the fault


@pytest.mark.parametrize("use", SYNCHRONOUS)
def test_an_asynchronous_client_is_for_the_asynchronous_lookup(use: str) -> None:
    """Nowhere else; the sentence says where."""

    async def hand_over() -> None:
        async with AsyncElasticsearch(URL) as client:
            assert AsyncSessionLogs(client).store.name == URL
            with pytest.raises(SettingsError, match="can be read by AsyncSessionLogs only"):
                SYNCHRONOUS[use](client)

    asyncio.run(hand_over())


def test_a_client_names_the_store_as_its_url_does() -> None:
    """With prefix and several hosts, in any order, without credentials: the spool is the same one."""
    hosts = ["https://b.example:9243/es", "http://[::1]:9200", "http://a.example:9200"]
    names = {
        open_store(Elasticsearch(hosts, basic_auth=("elastic", "secret"))).name for _ in range(20)
    }
    assert names == {"http://[::1]:9200,http://a.example:9200,https://b.example:9243/es"}
    assert open_store(Elasticsearch(hosts[0])).name == open_store(hosts[0]).name
    assert "secret" not in repr(open_store(Elasticsearch(hosts, api_key="secret")))


def test_nothing_is_imported_to_tell_a_client() -> None:
    """An app that hands over a URL or a store of its own does not pay for Elastic's client."""
    script = """
import sys
import openreplay_otel
openreplay_otel.SessionLogs("http://127.0.0.1:9").close()
try:
    openreplay_otel.open_store(7)
except openreplay_otel.SettingsError:
    print("elasticsearch" in sys.modules)
"""
    assert "False\n" == run_python(script).stdout
