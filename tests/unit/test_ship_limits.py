"""No file costs more than its length: expressions, memory, links, and what a terminal sees."""

from __future__ import annotations

import gzip
import json
import os
import re
import tracemalloc
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import Settings, SettingsError
from openreplay_otel.ship.aside import Aside
from openreplay_otel.ship.counts import ShipCounts
from openreplay_otel.ship.files import UNPACKED_FREE, log_files
from openreplay_otel.ship.formats.table import FORMATS
from openreplay_otel.ship.shipping import NOT_A_FILE, TOO_MUCH_UNPACKED, ShipOptions, Shipper
from openreplay_otel.ship.splitter import TOO_LONG_IN_PARTS, Splitter
from openreplay_otel.ship.times import TimeReader

from .cli_harness import call, store_url
from .growth import MOST_GROWTH, growth
from .shipping import no_progress, ship_files, ship_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from openreplay_otel.ship.record import ParsedRecord
    from openreplay_otel.stores.base import Document

LENGTH = 8_000
PUMPS = (
    "a", "a.", "A", "1", " ", "\t", "-", "|", "[", "]", '"', "\\", ":", "=", "a=", 'a="', ",", "(", "a ", "1 ",
    " |", "[a]", " -", "[a] ", '""', "\\\\", "a:", "Aa", "╭─", "  | ", "<1>", "Jan 24 02:27:39 h a[1]: ",
    "[openReplaySession.id=", "[openReplaySession.id=7]", "openReplaySession", "\x1b[", "\x1b[1;", "\x1b[1m", "ERROR ",
    "2024-01-24 02:27:39,324 ", "Warning: ", ":7: ",
)  # fmt: skip


PREFIXES = sorted(
    {row.example.partition("boom")[0].partition("\n")[0][:120] for row in FORMATS} | {""}
)


def split(line: str) -> list[ParsedRecord]:
    """The records of one line."""
    found: list[ParsedRecord] = []
    times = TimeReader(timezone.utc, datetime.now(timezone.utc))
    splitter = Splitter(times, encoding="utf-8", emit=found.append, unread=lambda *_: None)
    splitter.feed(line.encode(), 1, 0)
    splitter.end()
    return found


@pytest.mark.parametrize("pump", PUMPS)
def test_a_line_costs_no_more_than_its_length(pump: str) -> None:
    """All of it, from the bytes to the record, whatever a line of any format is filled with."""
    for prefix in PREFIXES:

        def make(times: int, begin: str = prefix) -> Callable[[], object]:
            text = begin + pump * (LENGTH * times // len(pump))
            return lambda: split(text)

        assert growth(make) < MOST_GROWTH, prefix


@pytest.mark.parametrize(
    "line",
    [
        "Jan 24 02:27:39 h a[1]: " * 5000 + "end",
        "[openReplaySession.id=7]" * 5000 + " end",
        '{"error": ' + '{"a": ' * 1000 + '"end"' + "}" * 1001,
        '{"message": "end", "labels": ' + '{"a": ' * 900 + "1" + "}" * 901,
        '{"message": "end", "a": ' + "[" * 900 + "]" * 901,
        f"[2024-01-24 02:27:39 +0000] [{'1' * 5000}] [ERROR] end",
        f"ERROR 2024-01-24 02:27:39,324 m {'1' * 5000} {'1' * 5000} end",
        f"<11>Jan 24 02:27:39 web1 shop[{'1' * 5000}]: end",
        '{"message": "end", "time": 1e999}',
        f'{{"message": "end", "time": "{"1" * 5000}"}}',
        f'{{"message": "end", "levelno": {"9" * 400}}}',
    ],
    ids=lambda line: line[:30],
)  # fmt: skip
def test_nothing_nested_or_huge_stops_it(line: str, tmp_path: Path) -> None:
    """The lines before and behind it are stored, and it is stored or kept aside."""
    shipped = ship_text(tmp_path, f"ERROR:shop:before\n{line}\nERROR:shop:behind\n")
    assert [m for m in shipped.messages if m in ("before", "behind")] == ["before", "behind"]
    assert len(shipped.messages) + shipped.counts.unread >= 3


def peak(path: Path) -> tuple[float, ShipCounts]:
    """The most memory, in MB, that reading a file takes, with nothing kept of what was made."""
    counts = ShipCounts()

    def forget(batch: list[Document]) -> None:
        shipper.settled(batch)

    shipper = Shipper(
        Settings(),
        ShipOptions(zone=timezone.utc),
        counts=counts,
        aside=Aside(None, counts),
        send=forget,
    )
    (file,) = log_files([str(path)], with_rotated=False)
    tracemalloc.start()
    try:
        shipper.read(file, no_progress)
        shipper.flush()
        return tracemalloc.get_traced_memory()[1] / 1e6, counts
    finally:
        tracemalloc.stop()


def test_a_packed_file_unpacks_to_a_bounded_size(tmp_path: Path) -> None:
    """Half a megabyte that would become 400: reading ends, and says so."""
    path = tmp_path / "app.log"
    with gzip.open(path, "wb", 6) as file:
        for _ in range(400):
            file.write(b"a" * 1_000_000)
    memory, counts = peak(path)
    assert TOO_MUCH_UNPACKED in counts.problems
    assert UNPACKED_FREE < counts.bytes < 200_000_000
    assert memory < 60


def test_parts_that_never_end_take_bounded_memory(tmp_path: Path) -> None:
    """Of a container's line, empty parts too: they are kept aside, and the next line is read."""
    for part in ("x" * 100_000, ""):
        lines = [
            json.dumps({"log": part, "stream": "stdout", "time": "2024-01-24T02:27:39Z"})
        ] * 600
        if not part:
            lines *= 50
        lines.append(
            json.dumps({"log": "end\n", "stream": "stdout", "time": "2024-01-24T02:27:39Z"})
        )
        lines.append(
            json.dumps({"log": "next\n", "stream": "stdout", "time": "2024-01-24T02:27:39Z"})
        )
        path = tmp_path / "app.log"
        path.write_text("\n".join(lines))
        memory, counts = peak(path)
        assert memory < 40
        assert counts.problems[TOO_LONG_IN_PARTS].lines > 500
        assert counts.records == 1


def test_names_of_any_length_take_bounded_memory(tmp_path: Path) -> None:
    """Names in JSON, ids, times and whatever else is looked up again are not kept for ever."""
    path = tmp_path / "app.log"
    with path.open("w") as file:
        for number in range(60):
            long = f"{number}" + "n" * 1_000_000
            file.write(
                json.dumps({"message": "x", long: 1, "openreplay.session.id": long, "time": long})
                + "\n"
            )
    memory, counts = peak(path)
    assert counts.records == 60
    assert memory < 80


def test_blank_lines_take_no_memory(tmp_path: Path) -> None:
    """However many there are behind a record."""
    path = tmp_path / "app.log"
    path.write_bytes(b"ERROR:shop:boom\n" + b"\n" * 500_000 + b"ERROR:shop:next\n")
    memory, counts = peak(path)
    assert memory < 10
    assert (counts.records, counts.lines) == (2, 500_002)


def test_an_existing_file_is_never_written_to(tmp_path: Path) -> None:
    """Neither the target of a link, nor the lines that an earlier call kept; each call makes its own file."""
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    (tmp_path / "app.log.unread").symlink_to(victim)
    (tmp_path / "app.log").write_text('{"broken\n')
    url = store_url(tmp_path / "logs.db")
    for name in ("app.log.unread.2", "app.log.unread.3"):
        done = call("ship", "app.log", "--store", url, state=tmp_path, cwd=tmp_path)
        assert f"kept aside in {name}" in done.out
        assert (tmp_path / name).read_text() == '{"broken\n'
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "app.log").write_text('{"other\n')
    done = call("ship", "other/app.log", "--store", url, "--json", state=tmp_path, cwd=tmp_path)
    assert json.loads(done.out)["kept_aside"] == "app.log.unread.4"
    assert (tmp_path / "app.log.unread.2").read_text() == '{"broken\n'
    assert victim.read_text() == "precious\n"


def test_rotated_links_and_pipes_are_told_and_not_read(tmp_path: Path) -> None:
    """Who may write into the folder cannot have other files shipped, or the reader wait for ever."""
    (tmp_path / "secret").write_text("ERROR:shop:secret\n")
    (tmp_path / "app.log").write_text("ERROR:shop:mine\n")
    (tmp_path / "app.log.1").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "app.log.2")
    shipped = ship_files(tmp_path / "app.log", rotated=True)
    assert shipped.messages == ["mine"]
    assert shipped.counts.problems[NOT_A_FILE].lines == 2
    # A link that was named was meant.
    assert ship_files(tmp_path / "app.log.1").messages == ["secret"]


def test_a_pipe_or_a_device_is_refused(tmp_path: Path) -> None:
    """At once, with what to do; also one that took the file's place after it was looked at."""
    os.mkfifo(tmp_path / "pipe")
    for name in (str(tmp_path / "pipe"), "/dev/zero"):
        with pytest.raises(SettingsError, match=r"is no ordinary file .* openreplay-otel ship -"):
            log_files([name], with_rotated=False)
    path = tmp_path / "app.log"
    path.write_text("ERROR:shop:mine\n")
    files = log_files([str(path)], with_rotated=False)
    path.unlink()
    os.mkfifo(path)
    counts = ShipCounts()
    shipper = Shipper(
        Settings(),
        ShipOptions(zone=timezone.utc),
        counts=counts,
        aside=Aside(None, counts),
        send=lambda _: None,
    )
    shipper.read(files[0], no_progress)
    assert NOT_A_FILE in counts.problems


ACTING = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e\u2066\u2028\x08"


def test_nothing_acts_on_a_terminal(tmp_path: Path) -> None:
    """Texts, names of files and of levels are shown with what they hold, by --dry-run, counts and errors."""
    name = "app\x1b[2J\u202e.log"
    lines = [
        json.dumps({"message": ACTING, "level": ACTING, "label": ACTING, "logger": ACTING}, ensure_ascii=False),
        f"ERROR:shop:{ACTING}", ACTING, '{"broken',
    ]  # fmt: skip
    (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    url = store_url(tmp_path / "logs.db")
    for arguments in (
        (name, "--dry-run"), (name, "--dry-run", "--json"), (name, "--store", url),
        (name + ".missing",), (name, "--timezone", ACTING), (name, "--encoding", ACTING),
    ):  # fmt: skip
        done = call("ship", *arguments, state=tmp_path, cwd=tmp_path)
        shown = done.out + done.err
        assert shown
        found = re.findall(
            "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", shown
        )
        assert not found, arguments


def test_lines_of_utf_16_end_with_line_feeds_only(tmp_path: Path) -> None:
    """As in any other encoding: a line separator in a text begins no line."""
    shipped = ship_text(
        tmp_path, "ERROR:shop:one\u2028two\x0bthree\nERROR:shop:next\n".encode("utf-16")
    )
    assert shipped.messages == ["one\u2028two\x0bthree", "next"]
