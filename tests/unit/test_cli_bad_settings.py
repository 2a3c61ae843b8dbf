"""A command acts on what was named, or it does not act: never on something else instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import SessionLogs, Settings, SettingsError
from openreplay_otel.settings import default_store_url, variable
from openreplay_otel.store_url import sqlite_path_of

from .cli_harness import Done, call, call_here, fill_shop, store_url
from .contract import EXAMPLE_ID

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = {
    "api-key": ["api-key", "list"],
    "doctor": ["doctor"],
    "logs": ["logs", EXAMPLE_ID],
    "openreplay-form": ["openreplay-form"],
    "prune": ["prune", "--retention", "1d", "--yes"],
    "serve": ["serve", "--port", "0"],
    "sessions": ["sessions", "--json"],
    "setup": ["setup"],
    "setup, printed": ["setup", "--print", "console"],
    "ship": ["ship", "app.log"],
    "ship, dry run": ["ship", "app.log", "--dry-run"],
    "spool": ["spool"],
    "spool, cleared": ["spool", "--clear", "--yes"],
    "spool, delivered": ["spool", "--deliver"],
    "teardown": ["teardown", "--yes"],
}
STORES = [
    "nonsense", "es.example:9200", "/var/lib/logs.db", "file:///logs.db", "postgres://h:5432/x", "sqlite:///",
    "sqlite://logs.db", "sqlite:////var/lib/", "sqlite:///a%00b.db", "sqlite:///%FF.db", "sqlite:///logs.db?mode=ro",
    "http://es.example", "http://:9200", "http://es.example:0", "http://es.example:99999", "http://es example:9200",
    "http://es.exa\tmple:9200", "http://es\x1b[2J:9200", "http://es\u202e:9200", "http://[::1:9200",
    "http://es.example:9200?x=1", "http://es.example:9200,sqlite:///x.db", "https://user:hunter2@es.example",
]  # fmt: skip
OTHERS = {
    "COLLECTOR": ["nonsense", "http://", "ftp://h:1"],
    "API_KEY": ["hunter2 hunter2"],
    "CA_CERTS": ["/no/such/file.pem"],
    "VERIFY_CERTS": ["maybe"],
    "INDEX": ["Logs", "logs", "a,b", "../x"],
    "TAGS": ["session", "openReplaySession.id;openReplaySessionToken"],
    "SESSIONLESS": ["maybe"],
    "APP_URL": ["nonsense"],
    "PROJECT_ID": ["twelve"],
    "SPOOL_MAX_BYTES": ["little"],
}  # fmt: skip


def tried(words: list[str], state: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Done:
    """A command in a folder with a log file, by an account whose local store has records."""
    monkeypatch.chdir(state)
    state.joinpath("app.log").write_text("2026-07-21 12:00:00,000 INFO shop: hello\n", "utf-8")
    return call_here(*words, state=state, **variables)


def check_refused(done: Done, name: str, value: str) -> None:
    """Status 2, one sentence that names the variable, nothing else; no password."""
    assert done.code == 2, done
    assert not done.out
    assert done.err.startswith(f"openreplay-otel: OPENREPLAY_OTEL_{name}: ")
    assert "cannot be used; expected " in done.err
    assert len(done.err.splitlines()) == 1
    assert "hunter2" not in done.err
    assert value not in done.err or value.isprintable()


@pytest.mark.parametrize("value", STORES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_cannot_be_read_is_an_error(
    command: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read from the local file, deleted from it, or made, instead."""
    done = tried(COMMANDS[command], tmp_path, monkeypatch, OPENREPLAY_OTEL_STORE=value)
    check_refused(done, "STORE", value)
    assert [path.name for path in tmp_path.iterdir()] == ["app.log"]


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in OTHERS.items() for v in values]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_other_variable_gives_way_to_its_default(
    command: str, name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another index, key or account than was named is never used either."""
    done = tried(COMMANDS[command], tmp_path, monkeypatch, **{variable(name.lower()): value})
    check_refused(done, name, value)
    assert [path.name for path in tmp_path.iterdir()] == ["app.log"]


def test_prune_touches_no_store_but_the_named_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local file keeps its records where a cluster was named with a slip."""
    file = tmp_path / "openreplay-otel" / "logs.db"
    file.parent.mkdir()
    fill_shop(store_url(file))
    done = tried(
        COMMANDS["prune"], tmp_path, monkeypatch, OPENREPLAY_OTEL_STORE="https://es.example.com"
    )
    assert done.code == 2
    with SessionLogs(store_url(file)) as lookup:
        assert sum(one.records for one in lookup.sessions()) == 5


@pytest.mark.parametrize("name", ["STORE", "COLLECTOR", "INDEX"])
def test_an_option_takes_the_place_of_a_wrong_variable(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was typed is what is used; the variable does not count then. A store stands for a Collector too."""
    url = store_url(tmp_path / "own.db")
    fill_shop(url)
    for words in (["sessions"], ["prune", "--retention", "1d", "--dry-run"], ["doctor"]):
        typed = [*words, "--store", url, "--index", "own"]
        done = tried(typed, tmp_path, monkeypatch, **{variable(name.lower()): "Not/Good"})
        assert done.code == 0, done.err


def test_the_demo_uses_no_store_of_the_environment(tmp_path: Path) -> None:
    """So a wrong one does not matter to it."""
    assert call("demo", "--json", state=tmp_path, OPENREPLAY_OTEL_STORE="nonsense").code == 0


@pytest.mark.parametrize(
    "words", [["spool"], ["spool", "--deliver"], ["spool", "--clear", "--yes"]]
)
def test_a_spool_folder_that_is_none_is_an_error(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in its place is told of; nothing is said to be empty or delivered."""
    tmp_path.joinpath("spool").write_text("no folder", "utf-8")
    done = tried(words, tmp_path, monkeypatch, OPENREPLAY_OTEL_SPOOL_DIR=str(tmp_path / "spool"))
    assert done.code == 1, done
    assert str(tmp_path / "spool") in done.err


@pytest.mark.parametrize("value", STORES)
def test_an_app_goes_on_with_one_warning(
    value: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app is not stopped by its logs' settings."""
    monkeypatch.setenv("OPENREPLAY_OTEL_STORE", value)
    assert Settings.load().store is None
    assert Settings.load().store is None
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


@pytest.mark.parametrize("value", STORES)
def test_in_code_it_is_an_error_too(value: str) -> None:
    """What is given as an argument raises, in an app as well."""
    with pytest.raises(SettingsError):
        Settings.load({}, store=value)


@pytest.mark.parametrize("folder", ["plain", "per%cent", "que?ry", "sp ace", "\u8336"])
def test_the_default_store_is_one_that_can_be_read(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the state folder is called, its URL names the file in it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / folder))
    wanted = str(tmp_path / folder / "openreplay-otel" / "logs.db")
    assert sqlite_path_of(default_store_url()) == wanted
    document = json.loads(call_here("spool", "--json", state=tmp_path / folder).out)
    assert sqlite_path_of(document["store"]) == wanted
