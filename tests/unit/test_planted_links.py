"""What somebody puts in the place of a file of ours, where he may write: never written to, waited for or read."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import StoreAccessError, open_store
from openreplay_otel.private_files import open_anew, open_own, put_in_place, read_existing
from openreplay_otel.spool import folder as folder_module
from openreplay_otel.spool.counts import DeliveryCounts
from openreplay_otel.spool.dead_letters import DeadLetters, dead_letters_in
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.spool.process_status import statuses_in, write_status
from openreplay_otel.spool.segment import HEADER_SIZE, header
from openreplay_otel.stores.base import Document, RefusedDocument

from .cli_harness import call_here, store_url
from .spooled import MEBIBYTE, line, numbers_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = b"the target of the link\n"
NOW_MS = 1_784_000_000_000


def keep_letter(folder: SpoolFolder) -> bool:
    """A dead letter is kept."""
    letter = RefusedDocument(Document("index", "id", b'{"message":"x"}'), 400, "no")
    assert DeadLetters(folder, MEBIBYTE).keep([letter]) == 1
    return [len(letters) for _, letters in dead_letters_in(folder.path)] == [1]


def tell(folder: SpoolFolder) -> bool:
    """Counts are told."""
    write_status(folder, DeliveryCounts(accepted=1))
    return folder.owner in statuses_in(folder.path)


def make_segment(folder: SpoolFolder) -> bool:
    """A segment is made, and found."""
    segment = folder.make_segment(has_sessions=True)
    segment.medium.release()
    return [file.path.name for file in folder.files()] == [segment.name]


def recover(folder: SpoolFolder) -> bool:
    """A segment with damage is written anew."""
    path = folder.path / f"{NOW_MS}-7-{NOW_MS}-000001.sessions.ndjson"
    path.write_bytes(header(HEADER_SIZE) + b"damage\n" + line(7))
    (file,) = folder.files()
    found = folder.adopt(file)
    assert found is not None
    taken = found.segment.take(MEBIBYTE)
    assert taken is not None
    found.segment.medium.release()
    return numbers_in(taken.lines) == [7] and found.damaged == b"damage\n"


def note_hosts(folder: SpoolFolder) -> bool:
    """The store's address is noted."""
    folder.make_segment(has_sessions=True).medium.release()
    return b"http://a:9200" in read_existing(folder.path / "hosts")


PLACES: dict[str, tuple[str, Callable[[SpoolFolder], bool]]] = {
    "dead letters": ("{owner}.dead-letters.jsonl", keep_letter),
    "counts": ("{owner}.status.json", tell),
    "counts being written": ("{owner}.status.unfinished", tell),
    "a segment": (f"{NOW_MS}-{{owner}}-000001.sessions.ndjson", make_segment),
    "a segment being made": (f"{NOW_MS}-{{owner}}-000001.sessions.ndjson.new", make_segment),
    "a segment being mended": (f"{NOW_MS}-7-{NOW_MS}-000001.sessions.ndjson.new", recover),
    "the store's addresses": ("hosts", note_hosts),
}


def plant(path: Path, target: Path, kind: str) -> None:
    """Put something in a file's place."""
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(target if kind == "link" else target.with_name("nowhere"))


@pytest.mark.parametrize("kind", ["link", "link to nowhere", "pipe"])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_planted_is_taken_away(
    place: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is done, nothing is lost, and a link's target is as it was."""
    monkeypatch.setattr(folder_module.time, "time_ns", lambda: NOW_MS * 1_000_000)
    name, work = PLACES[place]
    target = tmp_path / "target"
    target.write_bytes(SECRET)
    folder = SpoolFolder(tmp_path / "spool", ("http://a:9200",))
    folder.path.mkdir()
    planted = folder.path / name.format(owner=folder.owner)
    plant(planted, target, kind)
    assert work(folder)
    assert target.read_bytes() == SECRET
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spool", "target"]
    for path in folder.path.iterdir():
        assert stat.S_ISREG(path.lstat().st_mode), path


WAYS: dict[str, Callable[[Path], object]] = {
    "open_own": lambda path: os.close(open_own(path, os.O_WRONLY | os.O_APPEND)),
    "open_anew": lambda path: os.close(open_anew(path)),
    "put_in_place": lambda path: put_in_place(path.with_name("other"), path, b""),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_cannot_be_taken_away_is_an_error(way: str, tmp_path: Path) -> None:
    """A folder in the file's place, for instance; an error of the system, which callers tell."""
    tmp_path.joinpath("file", "inner").mkdir(parents=True)
    with pytest.raises(OSError, match="file"):
        WAYS[way](tmp_path / "file")
    assert tmp_path.joinpath("file", "inner").is_dir()


def test_it_is_told_where_something_was_taken_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning, with the path."""
    path = tmp_path / "letters"
    plant(path, tmp_path / "target", "link")
    os.close(open_own(path, os.O_WRONLY))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(path) in caplog.text


@pytest.mark.parametrize("words", [["spool", "--dead"], ["spool", "--retry"], ["spool", "--json"]])
def test_the_command_reads_through_no_link(words: list[str], tmp_path: Path) -> None:
    """What another file holds is neither shown nor sent; the command names the link."""
    target = tmp_path / "target"
    target.write_bytes(
        b'{"status":1,"reason":"shown","index":"i","id":"x","source":{"message":"shown"}}\n'
    )
    url = store_url(tmp_path / "logs.db")
    folder = SpoolFolder.of(str(tmp_path / "openreplay-otel" / "spool"), url)
    folder.path.mkdir(parents=True)
    folder.path.joinpath(f"7-{NOW_MS}.dead-letters.jsonl").symlink_to(target)
    done = call_here(*words, "--store", url, state=tmp_path)
    assert done.code == 1
    assert "shown" not in done.out + done.err
    assert "is a link, or no file" in done.err
    assert target.exists()


def foreign_link(path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that another account made, as far as this account can tell."""
    path.symlink_to(target)
    if os.geteuid():
        own = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    else:
        os.lchown(path, 12345, -1)


@pytest.mark.parametrize("at", ["logs.db", "folder"])
@pytest.mark.parametrize("is_public", [True, False])
def test_sqlite_follows_no_link_of_another_account_where_everybody_writes(
    at: str, is_public: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in /tmp; a deployer's link, in a folder where only he and root write, is followed as ever."""
    public, target = tmp_path / "public", tmp_path / "target"
    public.mkdir()
    public.chmod(0o1777 if is_public else 0o755)
    target.mkdir()
    if at == "folder":
        foreign_link(public / at, target, monkeypatch)
        store = open_store(store_url(public / at / "logs.db"))
    else:
        foreign_link(public / at, target / "real.db", monkeypatch)
        store = open_store(store_url(public / at))
    if is_public:
        with pytest.raises(StoreAccessError, match="link that another account made"):
            store.prepare()
        assert not list(target.iterdir())
    else:
        store.prepare()
        assert list(target.iterdir())
    store.close()


def test_a_spool_lies_behind_no_link_of_another_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder for temporary files is everybody's: what is there may lead to another folder of ours."""
    public, target = tmp_path / "public", tmp_path / "target"
    public.mkdir()
    public.chmod(0o1777)
    target.mkdir()
    foreign_link(public / "spool", target, monkeypatch)
    with pytest.raises(PermissionError, match="link that another account made"):
        SpoolFolder(public / "spool" / "store").make_segment(has_sessions=True)
    assert not list(target.iterdir())


def test_own_links_are_followed(tmp_path: Path) -> None:
    """A store on another disk, a state folder that is a link: the account's own decisions."""
    tmp_path.joinpath("disk").mkdir()
    tmp_path.joinpath("state").symlink_to(tmp_path / "disk")
    tmp_path.joinpath("logs.db").symlink_to(tmp_path / "disk" / "logs.db")
    store = open_store(store_url(tmp_path / "logs.db"))
    store.prepare()
    store.close()
    SpoolFolder(tmp_path / "state" / "spool").make_segment(has_sessions=True).medium.release()
    assert sorted(path.name for path in (tmp_path / "disk").iterdir())[-2:] == ["logs.db", "spool"]
