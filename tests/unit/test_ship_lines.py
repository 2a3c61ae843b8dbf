"""Lines become records: continuations, context, ids, and what is kept aside."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel import Settings, SettingsError
from openreplay_otel.ship.files import LONGEST_LINE, log_files
from openreplay_otel.ship.joining import MOST_CHARACTERS, TOO_MUCH
from openreplay_otel.ship.times import TimeReader

from .contract import EXAMPLE_ID, PROPERTY
from .shipping import ship_files, ship_text

if TYPE_CHECKING:
    from collections.abc import Callable

_TRACE = """Traceback (most recent call last):
  File "/srv/shop/bank.py", line 3, in ask
    connect()
ConnectionError: refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/pay.py", line 88, in charge
    bank.ask()
shop.errors.PaymentError: nothing was charged
"""


def test_a_traceback_belongs_to_the_line_before_it(tmp_path: Path) -> None:
    """Its type, its text and the whole trace are in error.*, the message alone in message."""
    head = "2024-01-24 02:27:39,324 - shop - ERROR - order failed\n"
    shipped = ship_text(tmp_path, f"{head}{_TRACE}\n2024-01-24 02:27:40,000 - shop - INFO - next\n")
    first, second = shipped.sources
    assert first["message"] == "order failed"
    assert first["error.type"] == "shop.errors.PaymentError"
    assert first["error.message"] == "nothing was charged"
    assert first["error.stack_trace"] == _TRACE.rstrip("\n")
    assert second["message"] == "next"
    assert (shipped.counts.lines, shipped.counts.records) == (14, 2)


def test_a_traceback_alone_is_an_error(tmp_path: Path) -> None:
    """What a crash writes to stderr, between lines without any head, is one record of level error."""
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    f()\nKeyError: 1\n'
    shipped = ship_text(tmp_path, f"started\n{trace}stopped\nagain\n")
    assert shipped.messages == ["started", "stopped", "again"]
    first = shipped.sources[0]
    assert (first["level"], first["error.type"], first["error.message"]) == (
        "error",
        "KeyError",
        "1",
    )


def test_what_has_no_time_gets_that_of_its_neighbours(tmp_path: Path) -> None:
    """Before the first time the first one, behind it the last one, in a file without any its own; marked."""
    text = "WARNING:shop:early\n2024-01-24 02:27:39,324 INFO shop: timed\nWARNING:shop:late\n"
    early, timed, late = ship_text(tmp_path, text).sources
    assert {early["@timestamp"], timed["@timestamp"], late["@timestamp"]} == {
        "2024-01-24T02:27:39.324000Z"
    }
    assert early["openreplay.assumed"] == late["openreplay.assumed"] == ["time"]
    assert "openreplay.assumed" not in timed

    path = tmp_path / "app.log"
    path.write_text("just a text\n")
    os.utime(path, (1_706_063_259, 1_706_063_259))
    (source,) = ship_files(path).sources
    assert source["@timestamp"] == "2024-01-24T02:27:39.000000Z"
    assert source["openreplay.assumed"] == ["time", "level"]


def test_shipping_again_gives_the_same_ids(tmp_path: Path) -> None:
    """Of a file that was packed, renamed and has grown since; equal lines of one time differ by number."""
    line = "2024-01-24 02:27:39,324 INFO shop: same\n"
    path = tmp_path / "app.log"
    path.write_text(line * 3 + "no time, no level\n" + line)
    first = ship_files(path)
    assert len(set(first.ids)) == 5
    path.write_text(line * 3 + "no time, no level\n" + line * 3)
    assert ship_files(path).ids[:5] == first.ids
    packed = tmp_path / "app.log.1.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert ship_files(packed).ids[:5] == first.ids
    assert not set(ship_files(path, service="other").ids) & set(first.ids)


def test_lines_without_any_time_are_told_apart_by_their_place(tmp_path: Path) -> None:
    """Equal lines of a file without times have ids of their own, which stay when it grows and ages."""
    path = tmp_path / "app.log"
    path.write_text("started\nworking\nworking\n")
    first = ship_files(path).ids
    path.write_text("started\nworking\nworking\nworking\n")
    os.utime(path, (1, 1))
    again = ship_files(path).ids
    assert again[:3] == first
    assert len(set(again)) == 4


def test_what_cannot_be_read_is_counted_by_kind(tmp_path: Path) -> None:
    """Broken JSON, JSON without a text, and bytes that are no text are accounted for, each with its place."""
    lines = [b'{"broken": ', b'{"order": 7}', b"\xff\xfe\xfa!", b"nul\0byte", b"ERROR:shop:fine"]
    shipped = ship_text(tmp_path, b"\n".join(lines) + b"\n")
    assert shipped.messages == ["fine"]
    path = tmp_path / "app.log"
    found = {kind: (p.lines, p.first) for kind, p in shipped.counts.problems.items()}
    assert found == {
        "broken JSON": (1, f"{path}:1"),
        "JSON without a message": (1, f"{path}:2"),
        "not text in utf-8": (1, f"{path}:3"),
        "not text": (1, f"{path}:4"),
    }
    assert shipped.counts.unread == 4


def test_a_line_without_end_is_kept_aside_in_bounded_memory(tmp_path: Path) -> None:
    """One of more than 4 MiB is no record; the next line is read all the same."""
    long = b"x" * (LONGEST_LINE * 2 + 5)
    shipped = ship_text(tmp_path, long + b"\nERROR:shop:fine\n")
    assert shipped.messages == ["fine"]
    assert shipped.counts.problems["lines longer than 4 MiB"].lines >= 1


def test_a_huge_record_is_cut_and_marked(tmp_path: Path) -> None:
    """A record of megabytes becomes a document that Elasticsearch takes; the lines beyond are kept aside."""
    trace = "Traceback (most recent call last):\n" + '  File "a.py", line 1, in f\n' * 100_000
    many = f"2024-01-24 02:27:39,324 ERROR shop: begin\n{trace}KeyError: 7\n"
    shipped = ship_text(tmp_path, many)
    (source,) = shipped.sources
    assert source["openreplay.truncated"] is True
    assert len(source["error.stack_trace"]) < 263_000
    joined = source["message"] + trace[:MOST_CHARACTERS]
    kept = shipped.counts.problems[TOO_MUCH].lines
    assert abs(kept - (100_000 - joined.count("\n"))) < 5


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files_are_unpacked(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Whatever their names say."""
    shipped = ship_text(tmp_path, pack(b"ERROR:shop:packed\n" * 1000))
    assert shipped.messages == ["packed"] * 1000


def test_a_damaged_archive_gives_what_it_holds(tmp_path: Path) -> None:
    """The records before the damage are shipped, the damage is told."""
    random_like = "".join(f"ERROR:shop:line {n * 7919 % 10007}\n" for n in range(5000)).encode()
    packed = gzip.compress(random_like)
    shipped = ship_text(tmp_path, packed[: len(packed) // 2])
    assert len(shipped.messages) > 100
    assert "the file's end cannot be unpacked" in shipped.counts.problems


def test_other_encodings(tmp_path: Path) -> None:
    """UTF-16 is found out by its mark, others by name; a mark of UTF-8 is no part of the first line."""
    text = "ERROR:shop:café\nERROR:shop:two\n"
    expected = ["café", "two"]
    assert ship_text(tmp_path, text.encode("utf-16")).messages == expected
    assert ship_text(tmp_path, text.encode("utf-8-sig")).messages == expected
    assert ship_text(tmp_path, text.encode("latin-1"), encoding="latin-1").messages == expected
    assert ship_text(tmp_path, text.encode("utf-16-be"), encoding="utf-16-be").messages == expected


def test_rotated_files_come_first(tmp_path: Path) -> None:
    """app.log with its older parts, packed or dated, in the order of time; other files stay out."""
    names = ["app.log.2.gz", "app.log.1", "app.log.2024-01-23", "app.log"]
    for age, name in enumerate(reversed(names)):
        text = f"ERROR:shop:{name}\n".encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        os.utime(path, (1000 - age, 1000 - age))
    for other in ("app.log.unread", "app.logs", "app.log.bak.txt"):
        (tmp_path / other).write_text("ERROR:shop:not me\n")
    assert ship_files(tmp_path / "app.log", rotated=True).messages == names


def test_partial_lines_of_containers_are_joined(tmp_path: Path) -> None:
    """Runtimes split long lines: together they are one record, a traceback line by line too."""
    docker = [
        {"log": "ERROR:shop:be", "stream": "stderr", "time": "2024-01-24T02:27:39Z"},
        {"log": "gin\n", "stream": "stderr", "time": "2024-01-24T02:27:39Z"},
        *(
            {"log": f"{line}\n", "stream": "stderr", "time": "2024-01-24T02:27:40Z"}
            for line in _TRACE.splitlines()
        ),
    ]
    shipped = ship_text(tmp_path, "\n".join(map(json.dumps, docker)))
    (source,) = shipped.sources
    assert (source["message"], source["error.type"]) == ("begin", "shop.errors.PaymentError")
    kubernetes = (
        "2024-01-24T02:27:39.1Z stderr P ERROR:sh\n2024-01-24T02:27:39.2Z stderr F op:joined\n"
    )
    assert ship_text(tmp_path, kubernetes).messages == ["joined"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Before anything is read."""
    with pytest.raises(SettingsError, match=r"missing\.log cannot be read: No such file"):
        log_files([str(tmp_path / "missing.log")], with_rotated=False)
    with pytest.raises(SettingsError, match="is a folder"):
        log_files([str(tmp_path)], with_rotated=True)


def test_records_without_a_session_can_be_left_out(tmp_path: Path) -> None:
    """As the setting sessionless says."""
    text = f"ERROR:shop:[openReplaySession.id={EXAMPLE_ID}] one\nERROR:shop:two\n"
    shipped = ship_text(tmp_path, text, settings=Settings.load({}, sessionless="drop"))
    assert len(shipped.messages) == 1
    assert shipped.counts.without_session_dropped == 1


@PROPERTY
@given(st.lists(st.one_of(st.text(), st.binary().map(lambda b: b.decode("latin-1"))), max_size=30))
def test_every_line_is_accounted_for(lines: list[str]) -> None:
    """Whatever a file holds: nothing raises, and each line is in a record, blank, or kept aside."""
    raw = "\n".join(lines).encode("utf-8", "surrogatepass")
    with TemporaryDirectory() as folder:
        shipped = ship_text(Path(folder), raw)
    assert shipped.counts.lines == raw.count(b"\n") + (bool(raw) and not raw.endswith(b"\n"))
    assert len(shipped.sources) == shipped.counts.records
    for source in shipped.sources:
        assert source["message"]
        assert len(source["@timestamp"]) == 27


def test_times_of_every_form() -> None:
    """Numbers by their size, zones, the year of syslog, and what is no date at all."""
    times = TimeReader(ZoneInfo("Asia/Kolkata"), datetime(2024, 3, 1, tzinfo=timezone.utc))
    moment = 1_706_063_259_000_000_000
    for value in (1706063259, 1706063259.0, "1706063259", 1706063259000, 1706063259000000, moment):
        assert times.any(value) == moment
    for text in (
        "2024-01-24T02:27:39Z", "2024-01-24 07:57:39", "2024-01-24T07:57:39+0530", "2024-01-24 02:27:39 UTC",
        "24/Jan/2024:02:27:39 +0000", "Jan 24 07:57:39", "2024-01-23T21:27:39-05:00",
    ):  # fmt: skip
        assert times.any(text) == moment, text
    assert times.any("Dec 31 05:30:00") == 1_703_980_800_000_000_000
    for nothing in (
        "2024-13-01T00:00:00Z",
        "soon",
        "",
        None,
        True,
        7,
        "2024-01-24",
        "Feb 30 00:00:00",
    ):
        assert times.any(nothing) is None, nothing
