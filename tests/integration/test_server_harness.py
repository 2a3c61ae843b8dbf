"""The harness itself: what the other tests rely on when they use a real Elasticsearch."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.errors import ServerFailed
from tests.servers.wipe import Made, made_by_users

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).parents[2]
_DEADLINE_SECONDS = 20

# An owner that is to be killed, with a forked child that keeps its end of the supervisor's pipe open.
_OWNER = """
import os, sys, tempfile, time
from pathlib import Path
from tests.servers.process import SupervisedProcess
folder = Path(tempfile.mkdtemp())
command = SupervisedProcess(folder)
command.start(["sh", "-c", "trap '' TERM; sleep 300 & echo $$ $!; wait"], dict(os.environ))
while len(command.output().split()) < 2:
    time.sleep(0.01)
holder = os.fork()
if holder:
    print(folder, holder, command.output(), flush=True)
time.sleep(300)
"""


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true before the deadline."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_gone(process: int) -> bool:
    """Whether no process has that id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def started_here(server: ElasticsearchServer) -> ElasticsearchServer:
    """The server, or a skip when it is not ours to kill."""
    if server.folder is None:
        pytest.skip("the server in ELASTICSEARCH_URL was not started here")
    return server


def test_is_secured(es: ElasticsearchServer) -> None:
    """Who gives no credentials is refused, the superuser is let in."""
    assert es.request("GET", "/", anonymous=True)[0] == 401
    status, answer = es.request("GET", "/")
    assert status == 200
    assert answer["version"]["number"].startswith(f"{es.major}.")


def test_a_key_has_the_rights_of_its_roles_only(es: ElasticsearchServer) -> None:
    """An API key reads the index it was made for and no other."""
    for index in ("mine", "other"):
        es.expect("PUT", f"/{index}")
    role = {"indices": [{"names": ["mine"], "privileges": ["read"]}]}
    key = es.create_api_key("reader", {"reader": role})["encoded"]
    assert es.request("GET", "/mine/_search", api_key=key)[0] == 200
    assert es.request("GET", "/other/_search", api_key=key)[0] == 403


def test_bulk_lines_are_sent_as_they_are(es: ElasticsearchServer) -> None:
    """Text for a bulk request arrives as its lines say."""
    lines = '{"create": {"_id": "1"}}\n{"text": "caf\u00e9"}\n'
    status, answer = es.request("POST", "/bulk/_bulk?refresh=true", lines)
    assert (status, answer["errors"]) == (200, False)
    assert es.expect("GET", "/bulk/_source/1") == {"text": "caf\u00e9"}


def test_wipe_leaves_nothing(es: ElasticsearchServer) -> None:
    """Indexes, aliases, data streams, templates and pipelines are gone after a wipe, also many of them."""
    es.expect("PUT", "/_component_template/part", {"template": {}})
    stream = {"index_patterns": ["streams-*"], "data_stream": {}, "composed_of": ["part"]}
    es.expect("PUT", "/_index_template/streams", stream)
    es.expect("PUT", "/_template/old", {"index_patterns": ["old-*"]})
    es.expect("PUT", "/_ingest/pipeline/nothing", {"processors": []})
    document = {"@timestamp": "2026-01-01T00:00:00Z"}
    for name in ("streams-a", "streams-b"):
        es.expect("POST", f"/{name}/_doc", document)
    es.expect("POST", "/streams-b/_rollover")
    es.expect("PUT", "/with-alias", {"aliases": {"the-alias": {}}})
    for number in range(14):
        es.expect("PUT", f"/{number}{'x' * 240}", {"settings": {"number_of_replicas": 0}})
    made = made_by_users(es)
    assert made.data_streams == ["streams-a", "streams-b"]
    assert len(made.indexes) == 15

    es.wipe()

    assert made_by_users(es) == Made([], [], [], [], [], [])
    assert es.request("GET", "/_alias/the-alias")[0] == 404
    # A data stream's name is free again for an index.
    es.expect("PUT", "/streams-a")


def test_a_killed_server_comes_back_with_its_data(es: ElasticsearchServer) -> None:
    """What was acknowledged before a kill is there when the server has started again, at the same address."""
    started_here(es)
    es.expect("POST", "/kept/_doc/1", {"text": "before"})
    key = es.create_api_key("before the kill")["encoded"]

    es.kill()

    with pytest.raises(OSError, match="refused"):
        es.request("GET", "/")
    es.start_again()
    assert es.request("GET", "/kept/_source/1", api_key=key) == (200, {"text": "before"})


def test_a_server_ends_with_its_killed_owner(elasticsearch: ElasticsearchServer) -> None:
    """The Java process and the folder are gone soon after a `kill -9` of the process that had started it."""
    major = started_here(elasticsearch).major
    command = [sys.executable, "-m", "tests.servers.elasticsearch", str(major)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        seen = json.loads(owner.stdout.readline())
        assert not is_gone(seen["java_process"])
        owner.kill()
    assert eventually(lambda: is_gone(seen["java_process"]))
    assert eventually(lambda: not Path(seen["folder"]).exists())


def test_no_forked_child_keeps_a_command_alive() -> None:
    """A command and its own children end with their owner even while a child of the owner holds the pipe."""
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder, *processes = owner.stdout.readline().split()
        holder, leader, child = map(int, processes)
        owner.kill()
        try:
            assert eventually(lambda: is_gone(leader) and is_gone(child))
            assert eventually(lambda: not Path(folder).exists())
            assert not is_gone(holder)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder, signal.SIGKILL)


def test_a_server_not_started_here_is_not_killed(es: ElasticsearchServer) -> None:
    """A server given by its URL is used, and refused when asked to be killed."""
    address = es.store_url
    if es.ca_path is not None:
        pytest.skip("only plain HTTP needs no authority")
    other = type(es).at(address)
    assert (other.url, other.major) == (es.url, es.major)
    for forbidden in (other.kill, other.start_again):
        with pytest.raises(ServerFailed, match="not started by these tests"):
            forbidden()
    other.stop()
    assert es.request("GET", "/")[0] == 200


def test_a_server_that_holds_data_is_refused(
    es: ElasticsearchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests wipe their server, so one with somebody's data on it is not taken unless told so."""
    es.expect("PUT", "/somebodys-index")
    address = es.store_url
    monkeypatch.delenv("OPENREPLAY_TEST_ES_WIPE", raising=False)
    with pytest.raises(ServerFailed, match="somebodys-index"):
        type(es).at(address)
    monkeypatch.setenv("OPENREPLAY_TEST_ES_WIPE", "1")
    assert type(es).at(address).version == es.version
