"""The spool's folder: names, locks, and whose segments may be taken over."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from openreplay_otel.spool import Spool
from openreplay_otel.spool import folder as folder_module
from openreplay_otel.spool.folder import SpoolFolder, default_spool_dir, make_private
from openreplay_otel.spool.segment import HEADER_SIZE, header

from .processes import Fork, forking
from .spooled import MEBIBYTE, adopted_from, append, lines, names_in, spool_in, taken_from

FOREIGN = [
    "README",
    "x.ndjson",
    "1-2-3.sessions.ndjson",
    "logs.db",
    ".hidden",
    "a.dead-letters.jsonl",
]
NAME = "1700000000000-99999-1700000000000-000001.sessions.ndjson"


def test_a_segment_has_a_private_file_named_by_its_maker(tmp_path: Path) -> None:
    """Process, time and kind stand in the name; nobody else may read it."""
    folder = SpoolFolder(tmp_path / "a" / "spool")
    segments = [folder.make_segment(has_sessions=one) for one in (True, False)]
    with_session, without = segments
    pattern = rf"\d{{13}}-{os.getpid()}-\d{{13}}-00000%d\.%s\.ndjson"
    assert re.fullmatch(pattern % (1, "sessions"), with_session.name)
    assert re.fullmatch(pattern % (2, "other"), without.name)
    assert {with_session.name, without.name} == set(names_in(folder.path))
    assert 0o700 == stat.S_IMODE(folder.path.stat().st_mode)
    for segment in segments:
        assert 0o600 == stat.S_IMODE((folder.path / segment.name).stat().st_mode)
        segment.medium.release()
    assert {folder.owner} == {file.owner for file in folder.files()}


def test_files_come_in_the_order_in_which_they_are_given_up(tmp_path: Path) -> None:
    """Those without sessions first, then the oldest."""
    for made, kind in ((3, "sessions"), (1, "sessions"), (4, "other"), (2, "other")):
        (tmp_path / f"{made:013d}-1-{0:013d}-000001.{kind}.ndjson").write_bytes(header(HEADER_SIZE))
    assert [2, 4, 1, 3] == [file.made_ms for file in SpoolFolder(tmp_path).files()]
    assert [] == SpoolFolder(tmp_path / "not there").files()


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    """What is not named as a segment is none, and is still there afterwards."""
    for name in FOREIGN:
        (tmp_path / name).write_bytes(lines(1))
    (tmp_path / "folder").mkdir()
    folder = SpoolFolder(tmp_path)
    assert [] == folder.files()
    folder.clear_unfinished()
    assert {*FOREIGN, "folder"} == set(names_in(tmp_path))


def test_a_link_or_folder_named_as_a_segment_is_not_taken_over(tmp_path: Path) -> None:
    """An error that names it, and what it points to stays as it was."""
    (tmp_path / "target").write_bytes(b"precious")
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / NAME).symlink_to(tmp_path / "target")
    (spool / NAME.replace("99999", "99998")).mkdir()
    folder = SpoolFolder(spool)
    for file in folder.files():
        with pytest.raises(OSError, match=re.escape(file.path.name)):
            folder.adopt(file)
    assert b"precious" == (tmp_path / "target").read_bytes()


@forking
def test_segments_of_a_living_process_are_its_own(tmp_path: Path) -> None:
    """As long as it lives nobody else gets them; once it was killed, anybody may."""

    def other(pause: Any) -> None:
        spool = spool_in(tmp_path)
        append(spool, 1, 2)
        append(spool, 3, has_session=False)
        pause()
        os.kill(os.getpid(), 9)

    child = Fork(other)
    child.until_paused()
    folder = SpoolFolder(tmp_path)
    files = folder.files()
    assert [True, True] == [folder.is_locked(file) for file in files]
    assert [None, None] == [folder.adopt(file) for file in files]
    child.go_on()
    child.wait_for_end()
    assert [False, False] == [folder.is_locked(file) for file in files]
    assert [3, 1, 2] == adopted_from(tmp_path)


@forking
def test_one_of_several_takes_a_dead_processes_segment(tmp_path: Path) -> None:
    """Who has locked it has it; the others find it taken."""
    (tmp_path / NAME).write_bytes(header(HEADER_SIZE) + lines(1, 2))

    def adopt(pause: Any) -> bool:
        folder = SpoolFolder(tmp_path)
        (file,) = folder.files()
        pause()
        found = folder.adopt(file)
        pause()
        return found is not None

    children = [Fork(adopt) for _ in range(4)]
    for _ in range(2):
        for child in children:
            child.until_paused()
        for child in children:
            child.go_on()
    assert [False, False, False, True] == sorted(child.result() for child in children)
    assert [1, 2] == adopted_from(tmp_path)


def test_two_spools_of_a_process_do_not_take_each_others(tmp_path: Path) -> None:
    """They are two owners, though of one process."""
    first, second = spool_in(tmp_path), spool_in(tmp_path)
    append(first, 1)
    append(second, 2)
    assert 2 == len({file.owner for file in first.folder.files()})
    assert [None, None] == [second.folder.adopt(file) for file in second.folder.files()]
    first.close()
    assert [1] == adopted_from(tmp_path)
    second.close()


def test_a_segment_removed_meanwhile_is_none(tmp_path: Path) -> None:
    """Another process may have sent it between the look and the try."""
    (tmp_path / NAME).write_bytes(header(HEADER_SIZE) + lines(1))
    folder = SpoolFolder(tmp_path)
    (file,) = folder.files()
    file.path.unlink()
    assert (None, False) == (folder.adopt(file), folder.is_locked(file))


def test_what_was_begun_by_a_dead_process_is_cleared(tmp_path: Path) -> None:
    """Not what another one may be about to lock."""
    old, young = tmp_path / f"{NAME}.new", tmp_path / f"{NAME.replace('000001', '000002')}.new"
    for path in (old, young):
        path.write_bytes(b"")
    os.utime(old, (1.0, 1.0))
    SpoolFolder(tmp_path).clear_unfinished()
    assert [young.name] == names_in(tmp_path)


def test_a_segment_that_is_being_made_is_not_locked_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its maker would find it locked, and keep records in memory, which are lost with the process."""
    (tmp_path / f"{NAME}.new").write_bytes(b"")
    locked: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", lambda fd, _how: locked.append(fd))
        SpoolFolder(tmp_path).clear_unfinished()
    assert [] == locked


def test_a_segment_that_cannot_be_finished_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is an error; no file and no descriptor is left behind."""
    before = _descriptors()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda _fd, _data: 3)
        with pytest.raises(OSError, match="full"):
            SpoolFolder(tmp_path).make_segment(has_sessions=True)
    assert ([], before) == (names_in(tmp_path), _descriptors())


def test_without_file_locks_there_is_no_segment_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spool stays in memory on such systems: without locks two processes would send the same."""
    monkeypatch.setattr(folder_module, "fcntl", None)
    with pytest.raises(OSError, match="no file locks"):
        SpoolFolder(tmp_path).make_segment(has_sessions=True)


def test_a_folder_of_someone_else_is_not_used(tmp_path: Path) -> None:
    """In a folder for temporary files anybody may have made it before: it is refused by name."""
    if os.geteuid():
        theirs = Path("/etc/ssl")
        assert theirs.stat().st_uid == 0  # root's own folders are fine
        return
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 12345, -1)
    with pytest.raises(PermissionError, match=r"theirs belongs to another account"):
        make_private(tmp_path / "theirs")


@pytest.mark.parametrize("obstacle", ["file", "below a file"])
def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, obstacle: str) -> None:
    """The spool goes on in memory then."""
    (tmp_path / "x").write_bytes(b"")
    path = tmp_path / "x" if obstacle == "file" else tmp_path / "x" / "y"
    with pytest.raises(OSError, match="x"):
        SpoolFolder(path).make_segment(has_sessions=True)


@forking
def test_a_forked_child_is_another_owner(tmp_path: Path) -> None:
    """Its segments carry its own process id and begin at number one."""
    folder = SpoolFolder(tmp_path)
    folder.make_segment(has_sessions=True).medium.release()

    def child(_: Any) -> list[str]:
        folder.begin_process()
        segment = folder.make_segment(has_sessions=True)
        return [folder.owner, segment.name]

    forked = Fork(child)
    owner, name = forked.result()
    assert owner.startswith(f"{forked.pid}-")
    assert owner != folder.owner
    assert f"-{owner}-000001." in name


A, B, C, D = (f"https://es-{letter}.example:9200" for letter in "abcd")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ([f"{A},{B}"], f"{B},{A}"),
        ([A], f"{A},{B}"),
        ([f"{A},{B},{C}"], C),
        ([f"{A},{B}", f"{B},{C}"], f"{C},{D}"),
        ([A, B], f"{A},{B}"),
        ([A, B, C], f"{C},{B},{A},{D}"),
    ],
)
def test_a_cluster_has_one_spool_however_its_hosts_are_named(
    tmp_path: Path, before: list[str], now: str
) -> None:
    """What was left under another list that shares a host is found and delivered."""
    for number, name in enumerate(before):
        spool = Spool(SpoolFolder.of(str(tmp_path), name), max_bytes=MEBIBYTE, max_age=3600)
        append(spool, number)
        spool.close()
    folder = SpoolFolder.of(str(tmp_path), now)
    spool = Spool(folder, max_bytes=MEBIBYTE, max_age=3600)
    for file in folder.files():
        recovered = folder.adopt(file)
        assert recovered is not None
        spool.adopt(recovered)
    assert list(range(len(before))) == taken_from(spool)
    spool.close()


@pytest.mark.parametrize("other", [C, f"{C},{D}", A.replace("https", "http"), A + "0", "logs.db"])
def test_a_store_that_shares_no_host_has_a_spool_of_its_own(tmp_path: Path, other: str) -> None:
    """Nothing of one cluster is sent to another one."""
    spool = Spool(SpoolFolder.of(str(tmp_path), f"{A},{B}"), max_bytes=MEBIBYTE, max_age=3600)
    append(spool, 1)
    spool.close()
    assert [] == SpoolFolder.of(str(tmp_path), other).files()


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("https://es.example:9200", "es.example-9200-"),
        ("/var/lib/logs.db", "var-lib-logs.db-"),
        ("../../etc", "etc-"),
        ("\u00e4\u00f6 \x00/", "-"),
    ],
)
def test_each_store_has_a_folder_of_its_own(tmp_path: Path, name: str, readable: str) -> None:
    """Its name tells which one, cannot lead elsewhere, and is the same each time."""
    made = SpoolFolder.of(str(tmp_path), name).path
    assert tmp_path == made.parent
    assert made.name.startswith(readable)
    assert (made, 1) == (SpoolFolder.of(str(tmp_path), name).path, len({made, *tmp_path.glob("*")}))
    assert made != SpoolFolder.of(str(tmp_path), name + "x").path
    made.mkdir()


def test_the_default_folder_is_the_users_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XDG_STATE_HOME counts; where it cannot be written, the folder for temporary files."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert tmp_path / "state" / "openreplay-otel" / "spool" == default_spool_dir()
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    assert f"openreplay-otel-{os.geteuid()}" == default_spool_dir().parent.name


def _descriptors() -> list[str]:
    return [
        name for name in names_in(Path("/proc/self/fd")) if Path("/proc/self/fd", name).exists()
    ]
