"""All files of real programs in a store, shipped at once and followed: and what OpenReplay's readers find in it."""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.collector.reading import hits
from tests.openreplay_readers import read_as_v1_20, reader_key, search_as_v1_21
from tests.unit.cli_harness import call
from tests.unit.following import Following, Stored

from .judging import documents_of, judge, table
from .texts import SESSIONS, VICTIM
from .writing import NAMES, RealFile, write_all

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.elasticsearch import ElasticsearchServer

_LEAST = 25


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[RealFile]:
    """All files, written once."""
    return write_all(tmp_path_factory.mktemp("real"), NAMES)


def ship_into(url: str, files: list[RealFile], folder: Path) -> None:
    """Ship them with the command, twice: the second time nothing is new."""
    typed = ["ship", *(str(file.path) for file in files), "--store", url, "--json"]
    first = json.loads(call(*typed, state=folder, cwd=folder).out)
    again = json.loads(call(*typed, state=folder, cwd=folder).out)
    assert (first["stored"], first["known"], first["unread"]) == (first["records"], 0, 0)
    assert (again["stored"], again["known"]) == (0, first["records"])


@pytest.mark.integration
def test_elasticsearch_has_each_line_and_no_reader_finds_the_victim(
    files: list[RealFile], es: ElasticsearchServer, tmp_path: Path
) -> None:
    """The sessions are found whole; of the victim, whose tag was typed into most texts, there is nothing."""
    ship_into(es.store_url, files, tmp_path)
    sources = [hit["_source"] for hit in hits(es)]
    judged = [judge(file, documents_of(file, sources)) for file in files]
    assert len(judged) > _LEAST
    assert not any(one.faults for one in judged), table(judged)
    key = reader_key(es)
    assert search_as_v1_21(es, key, VICTIM) == []
    assert VICTIM not in read_as_v1_20(es, key, "logs", 0)
    for who, session in SESSIONS.items():
        assert len(search_as_v1_21(es, key, session)) == sum(one.records[who] for one in judged)


def test_sqlite_has_each_line(files: list[RealFile], tmp_path: Path) -> None:
    """The same in the embedded store, whose lookup finds nothing of the victim either."""
    url = f"sqlite:///{tmp_path / 'logs.db'}"
    ship_into(url, files, tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "logs.db")) as database:
        sources = [orjson.loads(row[0]) for row in database.execute("SELECT document FROM logs")]
    judged = [judge(file, documents_of(file, sources)) for file in files]
    assert not any(one.faults for one in judged), table(judged)
    assert not any(source.get("openreplay.session.id") == VICTIM for source in sources)


def test_followed_files_have_the_records_of_shipped_ones(
    files: list[RealFile], tmp_path: Path
) -> None:
    """Written in pieces that end anywhere, with a look after each: each line is there once."""
    chance = random.Random(7)
    stored = Stored()
    folder = tmp_path / "log"
    folder.mkdir()
    one = Following(folder, stored=stored, places=tmp_path / "places")
    left = {file.path.name: file.path.read_bytes() for file in files}
    while left:
        for name in list(left):
            size = chance.randrange(1, 4000)
            with (folder / name).open("ab") as log:
                log.write(left[name][:size])
            left[name] = left[name][size:]
            if not left[name]:
                del left[name]
        one.look()
    one.settle()
    one.end()
    sources = list(stored.by_id.values())
    judged = [judge(file, documents_of(file, sources)) for file in files]
    assert not any(found.faults for found in judged), table(judged)
