"""The embedded store: each thing that can be wrong with the file gives one clear sentence."""

from __future__ import annotations

import os
import re
import resource
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import StoreAccessError, StoreError, StoreLayoutError, StoreUnavailableError
from openreplay_otel.stores.base import SessionQuery, WriteResult
from openreplay_otel.stores.sqlite.store import SqliteStore

from .processes import Fork, forking
from .stored import document, numbers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534


def write(store: SqliteStore) -> Any:
    """Store one document."""
    return store.write([document(1)])


def search(store: SqliteStore) -> Any:
    """Look one session up."""
    return numbers_of(store)


def sessions(store: SqliteStore) -> Any:
    """Look all sessions up."""
    return list(store.sessions(SessionQuery()))


def prepare(store: SqliteStore) -> Any:
    """Make the file."""
    return store.prepare()


READS = [search, sessions]
USES = [write, prepare, *READS]


def refusal(use: Callable[[SqliteStore], Any], path: Path, kind: type[StoreError]) -> str:
    """The sentence that a use of a store ends with; the same again the second time."""
    store = SqliteStore(path)
    messages = []
    for _ in range(2):
        with pytest.raises(kind) as caught:
            use(store)
        assert type(caught.value) is kind
        messages.append(str(caught.value))
    store.close()
    assert messages[0] == messages[1]
    assert str(path) in messages[0]
    assert re.fullmatch(r"[^\n]{20,300}", messages[0])
    assert "Traceback" not in messages[0]
    return messages[0]


@pytest.mark.parametrize("use", READS)
def test_a_file_that_is_not_there_cannot_be_read(use: Any, tmp_path: Path) -> None:
    """Reading makes no file, and says that nothing was logged yet."""
    message = refusal(use, tmp_path / "logs.db", StoreLayoutError)
    assert (
        f"there is no store at sqlite:///{tmp_path}/logs.db; nothing was logged to it yet"
        == message
    )
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("use", READS)
def test_an_empty_file_cannot_be_read_but_written(use: Any, tmp_path: Path) -> None:
    """As one that is not there: somebody made the file beforehand."""
    path = tmp_path / "logs.db"
    path.touch()
    assert "nothing was logged to it yet" in refusal(use, path, StoreLayoutError)
    store = SqliteStore(path)
    assert write(store) == WriteResult(accepted=1)
    store.close()


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "table", ["other (a)", "logs (a)", "logs (id, document, session_id, timestamp)"]
)
def test_a_file_of_another_program_is_left_alone(use: Any, table: str, tmp_path: Path) -> None:
    """Whatever its tables are called, it is neither read nor changed."""
    path = tmp_path / "theirs.db"
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE {table}")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    message = refusal(use, path, StoreLayoutError)
    assert f"{path} is an SQLite file of another program; name another file" == message
    assert before == path.read_bytes()
    assert ["theirs.db"] == [one.name for one in tmp_path.iterdir()]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "content",
    [b"garbage" * 1000, b"\0" * 5000, b"SQLite format 3\0" + b"x" * 5000],
    ids=["text", "zeros", "header"],
)
def test_a_file_that_is_no_database_is_left_alone(use: Any, content: bytes, tmp_path: Path) -> None:
    """Neither read nor changed."""
    path = tmp_path / "logs.db"
    path.write_bytes(content)
    assert "is not a store of openreplay-otel" in refusal(use, path, StoreLayoutError)
    assert content == path.read_bytes()


@pytest.mark.parametrize("use", USES)
def test_a_file_of_a_newer_version_is_left_alone(use: Any, tmp_path: Path) -> None:
    """It may be laid out in another way: neither read nor written."""
    path = tmp_path / "logs.db"
    store = SqliteStore(path)
    store.write([document(7)])
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    message = refusal(use, path, StoreLayoutError)
    assert f"{path} was made by a newer openreplay-otel; update this one" == message


@pytest.mark.parametrize("use", USES)
def test_a_folder_is_no_file(use: Any, tmp_path: Path) -> None:
    """A path that names a folder."""
    assert "cannot be opened" in refusal(use, tmp_path, StoreAccessError)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """A path that leads through a file."""
    (tmp_path / "file").touch()
    assert "cannot be opened" in refusal(write, tmp_path / "file" / "logs.db", StoreAccessError)
    assert "there is no store" in refusal(search, tmp_path / "file" / "logs.db", StoreLayoutError)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can get to, unlike pytest's."""
    path = Path(tempfile.mkdtemp(prefix="openreplay-otel-"))
    path.chmod(0o755)
    yield path
    for folder in (path, *filter(Path.is_dir, path.iterdir())):
        folder.chmod(0o755)  # an account other than root cannot remove it otherwise
    shutil.rmtree(path)


def as_nobody(use: Callable[[], Any]) -> Any:
    """The result of a function that runs without root's powers."""

    def run(_: Callable[[], None]) -> Any:
        if os.getuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        return use()

    return Fork(run).result()


@forking
@pytest.mark.parametrize("use", [write, prepare])
@pytest.mark.parametrize("path", ["logs.db", "new/logs.db"])
def test_a_folder_that_may_not_be_written_is_said_to_be_so(
    use: Any, path: str, open_folder: Path
) -> None:
    """No file can be made: an access error that names the file."""
    open_folder.chmod(0o555)
    message = as_nobody(lambda: refusal(use, open_folder / path, StoreAccessError))
    assert "cannot be opened" in message


@forking
@pytest.mark.parametrize("use", USES)
def test_a_folder_that_may_not_be_entered_is_said_to_be_so(use: Any, open_folder: Path) -> None:
    """Nothing can be known about the file: an access error, not 'nothing was logged yet'."""
    inner = open_folder / "inner"
    inner.mkdir()
    inner.chmod(0o000)
    assert "cannot be opened" in as_nobody(
        lambda: refusal(use, inner / "logs.db", StoreAccessError)
    )


@forking
@pytest.mark.parametrize("use", USES)
def test_a_file_that_may_not_be_written_is_said_to_be_so(use: Any, open_folder: Path) -> None:
    """For reading too: readers of an SQLite file in WAL mode have to write beside it."""
    path = open_folder / "logs.db"
    store = SqliteStore(path)
    store.write([document(7)])
    store.close()
    path.chmod(0o444)
    open_folder.chmod(0o555)
    assert "cannot be opened or written" in as_nobody(lambda: refusal(use, path, StoreAccessError))


def test_a_file_locked_by_another_program_is_worth_another_try(tmp_path: Path) -> None:
    """Writing waits as long as it may and is then worth another try; reading goes on meanwhile."""
    store = SqliteStore(tmp_path / "logs.db")
    store.write([document(1)])
    other = sqlite3.connect(tmp_path / "logs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match=r"logs\.db is locked by another process"):
        store.write([document(2)], timeout=0.05)
    assert [1] == numbers_of(store)
    other.execute("ROLLBACK")
    other.close()
    assert WriteResult(accepted=1) == store.write([document(2)], timeout=0.05)
    store.close()


@forking
def test_a_full_disk_is_worth_another_try_and_loses_nothing(tmp_path: Path) -> None:
    """The sentence names the disk; nothing of the request is half stored; with room again all goes on."""
    path = tmp_path / "logs.db"

    def run(_: Callable[[], None]) -> Any:
        store = SqliteStore(path)
        store.write([document(1)])
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        batch = [document(n, "x" * 5000) for n in range(2, 200)]
        messages: list[str] = []
        while len(messages) < 3:
            with pytest.raises(StoreUnavailableError) as caught:
                store.write(batch)
            messages.append(str(caught.value))
        assert [1] == numbers_of(store)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert WriteResult(accepted=198) == store.write(batch)
        assert numbers_of(store) == list(range(1, 200))
        store.close()
        return messages

    messages = Fork(run).result()
    assert 1 == len(set(messages))
    assert re.search(
        r"logs\.db cannot be written: (disk I/O error|database or disk is full)$", messages[0]
    )


def test_a_full_file_is_said_to_be_full(tmp_path: Path) -> None:
    """Where SQLite itself ends the transaction, the reason still comes through, and nothing is stuck."""

    class Small(SqliteStore):
        def _open(self, uri: str, busy_seconds: float) -> sqlite3.Connection:
            connection = super()._open(uri, busy_seconds)
            connection.execute("PRAGMA max_page_count = 30")
            return connection

    store = Small(tmp_path / "logs.db")
    store.write([document(1)])
    batch = [document(n, "x" * 5000) for n in range(2, 99)]
    for _ in range(3):
        with pytest.raises(
            StoreUnavailableError, match=r"cannot be written: database or disk is full$"
        ):
            store.write(batch)
    assert WriteResult(accepted=1) == store.write([document(2)])
    assert [1, 2] == numbers_of(store)
    store.close()


def test_an_interrupted_request_leaves_nothing_half_done(tmp_path: Path) -> None:
    """A KeyboardInterrupt in the middle of a request: none of it is stored, and the store goes on."""
    store = SqliteStore(tmp_path / "logs.db")

    class Interrupting(list[Any]):
        def __iter__(self) -> Any:
            yield document(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(Interrupting())
    assert WriteResult(accepted=1) == store.write([document(2)])
    assert [2] == numbers_of(store)
    store.close()
