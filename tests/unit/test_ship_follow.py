"""``ship --follow`` reads each record once, whatever becomes of the files, of itself and of its place."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import shutil
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openreplay_otel.errors import SettingsError
from tests.unit.following import Following, Killed, Stored

if TYPE_CHECKING:
    from collections.abc import Callable


def line(number: int) -> str:
    """A line with a time; a few are equal, some have no time, some a traceback."""
    if number % 7 == 3:
        return "done\n"
    if number % 11 == 4:
        return (
            f"2024-01-24 02:27:39,{number % 1000:03d} ERROR shop: {number}\n"
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'
            f"KeyError: {number}\n"
        )
    return f"2024-01-24 02:27:{number // 1000 % 60:02d},{number % 1000:03d} INFO shop: {number}\n"


def untimed(number: int) -> str:
    """A line without a time."""
    return "started\n" if number % 5 == 0 else f"INFO:shop:{number}\n"


def expected(lines: range, write: Callable[[int], str]) -> list[str]:
    """The messages of these lines, sorted."""
    found = [write(number).splitlines()[0] for number in lines]
    return sorted(text.rpartition("shop:")[2].strip() for text in found)


def add(path: Path, lines: range, write: Callable[[int], str] = line) -> None:
    """Write lines to a file's end."""
    with path.open("a") as file:
        file.writelines(write(number) for number in lines)


_ages = count()


def age(path: Path) -> None:
    """Make a file look as if it had been written an hour ago, after those that look so already."""
    then = time.time() - 3600 + next(_ages)
    if path.stat().st_mtime > then:
        os.utime(path, (then, then))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the log is."""
    (tmp_path / "log").mkdir()
    return tmp_path / "log" / "app.log"


def shift(log: Path) -> None:
    """Make room for the first rotated file."""
    last = 0
    while log.with_name(f"app.log.{last + 1}").exists():
        last += 1
    for number in range(last, 0, -1):
        log.with_name(f"app.log.{number}").rename(log.with_name(f"app.log.{number + 1}"))


def rename(log: Path) -> None:
    """As logrotate and RotatingFileHandler do."""
    shift(log)
    log.rename(log.with_name("app.log.1"))


def rename_and_make(log: Path) -> None:
    """The same, and the new file is there at once."""
    rename(log)
    log.touch()


def rename_by_time(log: Path) -> None:
    """As loguru does."""
    log.rename(log.with_name("app.2024-01-24_02-27-39_324000.log"))


def copy_and_cut(log: Path) -> None:
    """As logrotate's copytruncate does."""
    shift(log)
    shutil.copy2(log, log.with_name("app.log.1"))
    os.truncate(log, 0)


def pack(log: Path) -> None:
    """Renamed and packed at once."""
    rename(log)
    first = log.with_name("app.log.1")
    log.with_name("app.log.2.gz").write_bytes(gzip.compress(first.read_bytes()))
    age(log.with_name("app.log.2.gz"))
    first.unlink()


def move_away(log: Path) -> None:
    """Into another folder, where nobody looks."""
    old = log.parent.parent / "old"
    old.mkdir(exist_ok=True)
    log.rename(old / f"{time.time_ns()}")


ROTATIONS = (rename, rename_and_make, rename_by_time, copy_and_cut, pack, move_away)


@pytest.mark.parametrize("write", [line, untimed])
@pytest.mark.parametrize("rotate", ROTATIONS)
def test_a_rotated_log_is_read_once(
    rotate: Callable[[Path], None], write: Callable[[int], str], log: Path, tmp_path: Path
) -> None:
    """However it is rotated, with and without lines that were not read before."""
    stored = Stored()
    add(log, range(50), write)
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.look()
    add(log, range(50, 60), write)
    one.look()
    rotate(log)
    add(log, range(60, 70), write)
    one.look()
    add(log, range(70, 80), write)
    if rotate is not copy_and_cut:
        # What is cut away at once is in the copy only.
        one.look()
    add(log, range(80, 90), write)
    one.look()
    rotate(log)
    one.settle()
    assert sorted(stored.messages) == expected(range(90), write)
    assert stored.sent == 90
    one.end()


@pytest.mark.parametrize("write", [line, untimed])
@pytest.mark.parametrize("rotate", [rename_and_make, copy_and_cut, pack])
def test_what_was_not_read_before_a_rotation_is_read_from_the_rotated_file(
    rotate: Callable[[Path], None], write: Callable[[int], str], log: Path, tmp_path: Path
) -> None:
    """While it runs, and while it does not."""
    for runs in (True, False):
        stored = Stored()
        for path in log.parent.iterdir():
            path.unlink()
        add(log, range(50), write)
        places = tmp_path / f"places-{runs}"
        one = Following(log, stored=stored, places=places)
        one.look()
        if not runs:
            one.end()
        add(log, range(50, 60), write)
        rotate(log)
        age(next(path for path in log.parent.iterdir() if path != log))
        add(log, range(60, 70), write)
        if not runs:
            one = Following(log, stored=stored, places=places)
        one.settle()
        assert sorted(stored.messages) == expected(range(70), write)
        one.end()


def test_two_rotations_between_two_looks(log: Path, tmp_path: Path) -> None:
    """The file that was the log in between is found among the rotated ones; old ones are left alone."""
    add(log.with_name("app.log.3"), range(900, 910))
    stored = Stored()
    add(log, range(10))
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.look()
    rename(log)
    add(log, range(10, 30))
    rename(log)
    add(log, range(30, 50))
    one.settle()
    assert sorted(stored.messages) == expected(range(50), line)
    one.end()


def test_rotated_files_are_read_where_that_is_asked_for(log: Path, tmp_path: Path) -> None:
    """The oldest first, packed or not; once."""
    add(log.with_name("app.log.1"), range(10, 20))
    age(log.with_name("app.log.1"))
    packed = log.with_name("app.log.2.gz")
    packed.write_bytes(gzip.compress("".join(map(line, range(10))).encode()))
    os.utime(packed, (1, 1))
    add(log, range(20, 30))
    stored = Stored()
    for _ in range(2):
        one = Following(log, stored=stored, places=tmp_path / "places", with_rotated=True)
        one.settle()
        one.end()
    assert sorted(stored.messages) == expected(range(30), line)
    assert stored.sent == 30


def test_a_log_that_comes_later_and_goes(log: Path, tmp_path: Path) -> None:
    """Its folder may be missing too; it is told once."""
    stored = Stored()
    log.parent.rmdir()
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.look()
    one.look()
    assert [text for text in one.told if "waiting for it" in text] == one.told
    assert len(one.told) == 1
    log.parent.mkdir()
    add(log, range(10))
    one.look()
    log.unlink()
    one.look()
    add(log, range(10, 20))
    one.settle()
    assert sorted(stored.messages) == expected(range(20), line)
    one.end()


@pytest.mark.parametrize("name", ["{}", "{}/*.log", "{}/*.log*", "{}/*"])
def test_a_folder_s_or_pattern_s_new_files_are_followed(
    name: str, log: Path, tmp_path: Path
) -> None:
    """Files that come later too; rotated ones belong to their log."""
    stored = Stored()
    add(log, range(10))
    one = Following(name.format(log.parent), stored=stored, places=tmp_path / "places")
    one.look()
    add(log.with_name("other.log"), range(10, 20))
    one.look(10)
    rename(log)
    add(log, range(20, 30))
    one.settle()
    assert sorted(stored.messages) == expected(range(30), line)
    one.end()


def test_an_unfinished_record_waits_for_its_rest(log: Path, tmp_path: Path) -> None:
    """A traceback in pieces is one record where they come in time; half a line waits for its other half."""
    stored = Stored()
    one = Following(log, stored=stored, places=tmp_path / "places")
    pieces = ["2024-01-24 02:27:39,324 ERROR shop: fai", "led\nTraceback (most recent call la", "st):\n",
              '  File "a.py", line 1, in f\n', "KeyError: 7\n"]  # fmt: skip
    for piece in pieces:
        with log.open("a") as file:
            file.write(piece)
        one.look()
    assert stored.messages == []
    one.look(5)
    (source,) = stored.by_id.values()
    assert (source["message"], source["error.type"]) == ("failed", "KeyError")
    with log.open("a") as file:
        file.write("2024-01-24 02:27:40,324 INFO shop: half")
    one.look(5)
    one.look(5)
    assert len(stored.by_id) == 1
    with log.open("a") as file:
        file.write(" a line\n")
    one.look()
    one.look(5)
    assert stored.messages == ["failed", "half a line"]
    one.end()


def test_a_file_with_a_hole_at_its_beginning(log: Path, tmp_path: Path) -> None:
    """What copytruncate leaves of a program that does not append: the zeros are no text."""
    stored = Stored()
    with log.open("wb") as file:
        file.seek(5_000_000)
        file.write(b"2024-01-24 02:27:39,324 INFO shop: after the hole\n")
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.settle()
    assert stored.messages == ["after the hole"]
    assert one.counts.unread == 0
    one.end()


def test_another_file_with_the_inode_of_the_old_one(log: Path, tmp_path: Path) -> None:
    """The place of a file that is gone is not taken for that of the one that has its number now."""
    stored = Stored()
    add(log, range(10))
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.settle()
    one.end()
    number = log.stat().st_ino
    content = "".join(map(line, range(100, 150)))
    # The same inode, as if it had been used again.
    log.write_text(content)
    assert log.stat().st_ino == number
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.settle()
    assert sorted(stored.messages) == sorted(
        expected(range(10), line) + expected(range(100, 150), line)
    )
    one.end()


def test_the_same_file_with_another_inode(log: Path, tmp_path: Path) -> None:
    """As on a network disk, or after a copy: it goes on where it was."""
    stored = Stored()
    add(log, range(100), untimed)
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.settle()
    one.end()
    content = log.read_text()
    log.rename(log.with_name("moved"))
    log.write_text(content)
    add(log, range(100, 120), untimed)
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.settle()
    assert stored.sent == 120
    assert sorted(stored.messages) == expected(range(120), untimed)
    one.end()


def test_a_busy_log_without_times_is_stored_at_once(log: Path, tmp_path: Path) -> None:
    """No record waits for the first time in the file longer than for a moment."""
    stored = Stored()
    one = Following(log, stored=stored, places=tmp_path / "places")
    for number in range(20):
        add(log, range(number, number + 1), untimed)
        one.look()
        assert number < 5 or len(stored.messages) > number - 5
    one.end()


@pytest.mark.parametrize("write", [line, untimed])
@pytest.mark.parametrize("seed", range(12))
def test_kills_and_rotations_at_any_moment(
    seed: int, write: Callable[[int], str], log: Path, tmp_path: Path
) -> None:
    """Killed between any two records, before and after its place was kept: each record is there once."""
    chance = random.Random(seed)
    stored = Stored()
    number = 0
    one: Following | None = None
    rotate = chance.choice([rename_and_make, rename, copy_and_cut])
    for _ in range(30):
        more = chance.randrange(8)
        add(log, range(number, number + more), write)
        number += more
        if one is None:
            kill_at = stored.sent + chance.randrange(25)
            one = Following(log, stored=stored, places=tmp_path / "places", kill_at=kill_at)
        try:
            one.look(chance.choice([0.5, 3.0, 700.0]))
        except Killed:
            one.leave()
            one = None
        if chance.random() < 0.3 and log.exists():
            rotate(log)
            for path in log.parent.iterdir():
                if path != log:
                    age(path)
    if one is not None:
        one.leave()
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.settle()
    assert sorted(stored.messages) == expected(range(number), write)
    one.end()


def test_streams_of_a_container_survive_a_kill(log: Path, tmp_path: Path) -> None:
    """A traceback on stderr, with lines of stdout between its own, over a kill at each of its lines."""
    trace = [
        "ERROR:shop:failed",
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in f',
        "KeyError: 7",
    ]
    written: list[str] = []
    for number, text in enumerate(trace * 3):
        moment = f"2024-01-24T02:27:39.{number:09d}Z"
        written += [f"{moment} stderr F {text}\n", f"{moment} stdout F printed {number}\n"]
    stored = Stored()
    for at, one_line in enumerate(written):
        with log.open("a") as file:
            file.write(one_line)
        one = Following(
            log, stored=stored, places=tmp_path / "places", kill_at=stored.sent + at % 3
        )
        with contextlib.suppress(Killed):
            one.look()
        one.leave()
    one = Following(log, stored=stored, places=tmp_path / "places")
    one.settle()
    one.end()
    assert sorted(stored.messages) == sorted(
        [*(f"printed {number}" for number in range(12)), "failed", "failed", "failed"]
    )
    assert [s["error.type"] for s in stored.by_id.values() if s["message"] == "failed"] == [
        "KeyError"
    ] * 3


def test_the_same_files_are_followed_once(log: Path, tmp_path: Path) -> None:
    """A second process for them is refused; one for others is not."""
    stored = Stored()
    one = Following(log, stored=stored, places=tmp_path / "places")
    with pytest.raises(SettingsError, match=r"follows .*app.log into this store already"):
        Following(log, stored=stored, places=tmp_path / "places")
    other = Following(log.with_name("b.log"), stored=stored, places=tmp_path / "places")
    one.end()
    other.end()
    again = Following(log, stored=stored, places=tmp_path / "places")
    again.end()


@pytest.mark.parametrize("name", ["app.log.gz", "fifo"])
def test_what_does_not_grow_line_by_line_is_refused(name: str, log: Path, tmp_path: Path) -> None:
    """A packed file, a pipe."""
    if name == "fifo":
        os.mkfifo(log.parent / "fifo")
    else:
        (log.parent / name).write_bytes(gzip.compress(b"x\n"))
    with pytest.raises(SettingsError):
        Following(log.parent / name, stored=Stored(), places=None)


def test_a_long_line_that_comes_in_small_pieces_costs_no_more_than_it_is_long(
    log: Path, tmp_path: Path
) -> None:
    """It is read once, and kept aside as in any file."""
    stored = Stored()
    one = Following(log, stored=stored, places=tmp_path / "places")
    with log.open("ab", buffering=0) as file:
        for _ in range(100):
            file.write(b"x" * 50_000)
            one.look()
        file.write(b"\n")
    add(log, range(1))
    one.settle()
    assert stored.messages == ["0"]
    assert one.counts.lines == 2
    one.end()


def test_logs_with_a_new_name_each_day_leave_nothing(log: Path, tmp_path: Path) -> None:
    """What is kept of a log goes with it, while it is followed and while it is not."""
    stored = Stored()
    places = tmp_path / "places"
    one = Following(log.parent, stored=stored, places=places)
    for day in range(5):
        path = log.with_name(f"shop-{day}.log")
        add(path, range(day * 10, day * 10 + 10))
        one.look(10)
        one.look(40)
        if day:
            log.with_name(f"shop-{day - 1}.log").unlink()
            one.look(10)
            one.look(40)
            one.look(40)
            assert len(list(places.glob("*.json"))) == 1
    one.end()
    log.with_name("shop-4.log").unlink()
    (kept,) = places.glob("*.json")
    Following(log.parent, stored=stored, places=places).leave()
    assert kept.exists()
    os.utime(kept, (1, 1))
    Following(log.parent, stored=stored, places=places).leave()
    assert not kept.exists()
    assert sorted(stored.messages) == expected(range(50), line)


def test_nothing_grows_over_the_days(log: Path, tmp_path: Path) -> None:
    """After hundreds of rotations it keeps no more files, places and names than after the first ones."""
    stored = Stored()
    one = Following(log, stored=stored, places=tmp_path / "places")
    sizes: list[int] = []
    open_files: list[int] = []
    for number in range(300):
        add(log, range(number * 10, number * 10 + 10))
        one.look()
        rename(log)
        log.with_name("app.log.4").unlink(missing_ok=True)
        one.look(40)
        one.look(40)
        sizes.append(sum(path.stat().st_size for path in (tmp_path / "places").iterdir()))
        open_files.append(len(list(Path("/proc/self/fd").iterdir())))
    assert stored.sent == 3000
    assert max(open_files[150:]) <= max(open_files[:20])
    # Two digests for each of the first lines are kept, up to a limit.
    assert max(sizes[250:]) < 60_000
    one.end()
