"""What a process tells others of its part of the spool."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from openreplay_otel.spool.counts import DeliveryCounts, Tally
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.spool.process_status import remove_status, statuses_in, write_status

from .spooled import names_in

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = DeliveryCounts(accepted=5, delivered=3, retried=1, refused=1, dropped={"full": 1})


def test_a_status_is_found_by_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the program's name and all counts; the last one written counts."""
    monkeypatch.setattr(sys, "argv", ["/usr/bin/gunicorn", "shop"])
    first, second = SpoolFolder(tmp_path), SpoolFolder(tmp_path)
    write_status(first, DeliveryCounts(accepted=1))
    write_status(first, COUNTS)
    write_status(second, DeliveryCounts())
    found = statuses_in(tmp_path)
    assert {first.owner, second.owner} == set(found)
    assert found[first.owner] == {
        "program": "gunicorn",
        "accepted": 5,
        "delivered": 3,
        "retried": 1,
        "refused": 1,
        "dropped": {"full": 1},
    }
    assert 2 == len(names_in(tmp_path))


@pytest.mark.parametrize("argv", [[], [""]])
def test_a_process_without_a_name_is_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str]
) -> None:
    """In an embedded interpreter there may be none."""
    monkeypatch.setattr(sys, "argv", argv)
    write_status(SpoolFolder(tmp_path), COUNTS)
    assert ["python"] == [one["program"] for one in statuses_in(tmp_path).values()]


def test_it_can_be_taken_back(tmp_path: Path) -> None:
    """Twice as well, and where there is not even a folder."""
    folder = SpoolFolder(tmp_path / "spool")
    remove_status(folder)
    write_status(folder, COUNTS)
    remove_status(folder)
    remove_status(folder)
    assert {} == statuses_in(folder.path)
    assert [] == names_in(folder.path)


@pytest.mark.parametrize("content", [b"", b"garbage", b"[1]", b'{"a":', b"\xff\x00"])
def test_a_damaged_status_is_left_out(tmp_path: Path, content: bytes) -> None:
    """The others are shown."""
    folder = SpoolFolder(tmp_path)
    write_status(folder, COUNTS)
    (tmp_path / "1-2.status.json").write_bytes(content)
    assert [folder.owner] == list(statuses_in(tmp_path))


def test_a_tally_counts_by_reason_and_never_zero() -> None:
    """Reasons without a record are none."""
    tally = Tally()
    tally.drop("full", 2)
    tally.drop("age", 0)
    tally.drop("age", -1)
    tally.drop("full", 1)
    tally.add("delivered", 4)
    assert DeliveryCounts(accepted=9, delivered=4, dropped={"full": 3}) == tally.counts(9)
    assert 3 == tally.dropped()
