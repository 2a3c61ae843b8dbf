"""What a dead process left: every document whose writing had ended comes back, whatever else is in the file."""

from __future__ import annotations

import os
import random
import re
from typing import TYPE_CHECKING

import pytest

from openreplay_otel.spool import recovery as recovery_module
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.spool.segment import HEADER_SIZE, header
from openreplay_otel.stores.bulk_lines import documents_of, is_torn

from .spooled import MEBIBYTE, adopted_from, line, lines

if TYPE_CHECKING:
    from pathlib import Path

    from openreplay_otel.spool.folder import Recovered

NAME = "1700000000000-99999-1700000000000-000001.sessions.ndjson"
HEADER = header(HEADER_SIZE)
ONE = len(line(1))


def recovered(folder: Path, content: bytes) -> Recovered:
    """A segment of this content as it is taken over."""
    (folder / NAME).write_bytes(content)
    spool = SpoolFolder(folder)
    (file,) = spool.files()
    found = spool.adopt(file)
    assert found is not None
    return found


def outcome(folder: Path, content: bytes) -> tuple[list[int], bytes]:
    """The numbers that come back, and the damage; afterwards the file holds nothing but documents."""
    found = recovered(folder, content)
    segment, numbers = found.segment, list[int]()
    assert segment.records == segment.pending
    while (taken := segment.take(300)) is not None:
        # By the ids: a source damaged in itself is for the store to refuse.
        numbers += [int(re.sub("[^0-9]", "", one.id)) for one in documents_of(taken.lines)]
        segment.done(taken)
    assert (True, 0) == (segment.is_finished, segment.pending)
    assert segment.size == (folder / NAME).stat().st_size
    segment.medium.release()
    # All of it was done: a next process finds nothing.
    assert [] == adopted_from(folder)
    return numbers, found.damaged


def test_a_file_cut_at_every_byte_gives_what_is_whole(tmp_path: Path) -> None:
    """The torn end is no damage: its emit had not returned."""
    content = HEADER + lines(1, 2, 3)
    for cut in range(HEADER_SIZE, len(content) + 1):
        whole = list(range(1, (cut - HEADER_SIZE) // ONE + 1))
        assert (whole, b"") == outcome(tmp_path, content[:cut]), cut


def test_a_file_cut_in_its_header_holds_nothing(tmp_path: Path) -> None:
    """It may be there after the machine itself went down; it is kept as damage and is no error."""
    for cut in range(HEADER_SIZE):
        assert ([], HEADER[:cut]) == outcome(tmp_path, HEADER[:cut])


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\n",
        b"garbage",
        b"\x00" * 5000,
        b"\n\n\n",
        b'{"create":{"_index":"a","_id',
        random.Random(3).randbytes(99),
    ],
    ids=["line", "no line", "zeros", "newlines", "torn", "random"],
)
def test_garbage_anywhere_costs_no_document_but_the_one_it_is_in(
    tmp_path: Path, garbage: bytes
) -> None:
    """In front, between and behind; what is no document is handed over as damage."""
    body = lines(1, 2, 3)
    for place in (0, ONE, 2 * ONE, len(body)):
        content = HEADER + body[:place] + garbage + b"\n" + body[place:]
        numbers, damaged = outcome(tmp_path, content)
        assert [1, 2, 3] == numbers, place
        # At the end the beginning of a document is a torn one.
        assert garbage in damaged or (place == len(body) and is_torn(garbage))
    for place in (5, ONE + 60, len(body) - 2):
        numbers, damaged = outcome(tmp_path, HEADER + body[:place] + garbage + body[place:])
        lost = place // ONE + 1
        assert [n for n in (1, 2, 3) if n != lost] == [n for n in numbers if n != lost], place


def test_a_tail_of_zeros_is_damage(tmp_path: Path) -> None:
    """File systems leave one where the machine went down before the data were on the disk."""
    zeros = bytes(4096)
    assert ([1, 2], zeros) == outcome(tmp_path, HEADER + lines(1, 2) + zeros)
    assert ([1], line(2)[:9] + zeros) == outcome(tmp_path, HEADER + line(1) + line(2)[:9] + zeros)


def test_a_damaged_byte_costs_its_document_at_most(tmp_path: Path) -> None:
    """Whichever byte it is; the header's too, which costs nothing."""
    content, rng = HEADER + lines(1, 2, 3, 4), random.Random(5)
    for place in range(len(content)):
        wrong = bytearray(content)
        wrong[place] = rng.choice([0, 10, 255, 0x7B])
        (tmp_path / NAME).write_bytes(wrong)
        ids = [b'"_id":"id%09d"' % n for n in (1, 2, 3, 4)]
        found = recovered(tmp_path, bytes(wrong))
        kept = found.segment.medium.read(0, MEBIBYTE)
        found.segment.medium.release()
        hit = (place - HEADER_SIZE) // ONE + 1 if place >= HEADER_SIZE else 0
        missing = [n for n, one in enumerate(ids, 1) if one not in kept]
        assert missing in ([], [hit]), place


@pytest.mark.parametrize(
    "first", [b"", b"x" * HEADER_SIZE, bytes(HEADER_SIZE), HEADER[:-1] + b" ", HEADER.replace(b"6", b"-")]
)  # fmt: skip
def test_without_a_header_all_that_is_there_is_sent_again(tmp_path: Path, first: bytes) -> None:
    """What was stored is known by its id; what was not is more important."""
    assert [1, 2] == outcome(tmp_path, first + lines(1, 2))[0]


def test_what_is_done_is_not_sent_again(tmp_path: Path) -> None:
    """The checkpoint counts, also in front of damage and of a torn end."""
    content = header(HEADER_SIZE + ONE) + lines(1, 2, 3)
    assert ([2, 3], b"") == outcome(tmp_path, content)
    assert ([2], b"") == outcome(tmp_path, content[:-5])
    assert ([2, 3], b"garbage\n") == outcome(tmp_path, content + b"garbage\n")
    assert ([], b"") == outcome(tmp_path, header(HEADER_SIZE + 3 * ONE) + lines(1, 2, 3))


@pytest.mark.parametrize("offset", [0, 1, HEADER_SIZE + 3 * ONE + 1, 10**18])
def test_a_checkpoint_outside_the_file_is_not_believed(tmp_path: Path, offset: int) -> None:
    """Rather all is sent again than any is lost."""
    assert ([1, 2, 3], b"") == outcome(tmp_path, header(offset) + lines(1, 2, 3))


def test_a_checkpoint_in_a_document_gives_those_behind_it(tmp_path: Path) -> None:
    """Such a one was never written, so it is damage."""
    assert [2, 3] == outcome(tmp_path, header(HEADER_SIZE + 7) + lines(1, 2, 3))[0]


@pytest.mark.parametrize("piece", [1, 64, ONE - 1, ONE, ONE + 1, 4096])
def test_documents_larger_than_a_piece_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    """A file is read piece by piece, wherever documents begin and end."""
    monkeypatch.setattr(recovery_module, "_PIECE", piece)
    content = HEADER + line(1) + line(2, size=10_000) + line(3) + line(4, size=777)
    assert ([1, 2, 3, 4], b"") == outcome(tmp_path, content)
    assert ([1, 2, 3], b"") == outcome(tmp_path, content[:-1])
    assert ([1, 2, 3, 4], b"bad\n") == outcome(tmp_path, content + b"bad\n")


def test_an_empty_file_is_a_segment_without_documents(tmp_path: Path) -> None:
    """It is done with, and removed like any other."""
    assert ([], b"") == outcome(tmp_path, b"")
    assert ([], b"") == outcome(tmp_path, HEADER)


def test_a_recovery_that_is_killed_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is replaced in one step: before it the old content stands there, after it the new one."""
    content = HEADER + line(1) + b"garbage\n" + line(2)
    path = tmp_path / NAME
    for step in ("write", "dup2"):
        path.write_bytes(content)
        spool = SpoolFolder(tmp_path)
        (file,) = spool.files()
        with monkeypatch.context() as patched:
            patched.setattr(os, step, _dies)
            with pytest.raises(KeyboardInterrupt):
                spool.adopt(file)
        assert path.read_bytes() == (content if step == "write" else HEADER + lines(1, 2))
        assert [1, 2] == adopted_from(tmp_path)


def test_a_full_disk_while_damage_is_mended_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error, and everything is there for the next try."""
    content = HEADER + line(1) + b"garbage\n" + line(2)
    (tmp_path / NAME).write_bytes(content)
    spool = SpoolFolder(tmp_path)
    (file,) = spool.files()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda _fd, _data: 3)
        with pytest.raises(OSError, match="full"):
            spool.adopt(file)
    assert content == file.path.read_bytes()
    assert [1, 2] == adopted_from(tmp_path)


def test_very_large_damage_is_kept_in_part(tmp_path: Path) -> None:
    """The documents are all there; of the rest a mebibyte is enough to see what it was."""
    numbers, damaged = outcome(tmp_path, HEADER + line(1) + b"x" * (3 * MEBIBYTE) + b"\n" + line(2))
    assert ([1, 2], MEBIBYTE) == (numbers, len(damaged))


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
