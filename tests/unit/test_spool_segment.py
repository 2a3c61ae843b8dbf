"""A segment: what it hands out, what it takes back, and up to where all is done."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.spool.segment import HEADER_SIZE, Segment, checkpoint_of, header

from .spooled import MEBIBYTE, line, lines, names_in, numbers_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE = len(line(1))


@pytest.fixture(params=["file", "memory"])
def segment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Segment]:
    """An empty one, on disk and in memory."""
    folder = SpoolFolder(tmp_path / "spool")
    make = folder.make_segment if request.param == "file" else folder.make_segment_in_memory
    made = make(has_sessions=True)
    yield made
    made.medium.release()


def fill(segment: Segment, content: bytes) -> None:
    """Append as the spool does."""
    assert len(content) == segment.medium.write(content)
    segment.size += len(content)
    segment.records += content.count(b"\n") // 2


def test_what_was_appended_is_handed_out_once_in_its_order(segment: Segment) -> None:
    """In whole documents, as many as there is room for."""
    fill(segment, lines(1, 2, 3, 4, 5))
    found: list[list[int]] = []
    while (taken := segment.take(2 * ONE + 5)) is not None:
        found.append(numbers_in(taken.lines))
        segment.done(taken)
    assert [[1, 2], [3, 4], [5]] == found
    assert (True, 0, 0) == (segment.is_finished, segment.pending, segment.waiting_bytes)


@pytest.mark.parametrize("max_bytes", [1, 10, ONE - 1])
def test_a_document_larger_than_asked_for_is_handed_out_all_the_same(
    segment: Segment, max_bytes: int
) -> None:
    """Otherwise it would stay there for ever."""
    fill(segment, line(1, size=10_000) + line(2))
    first = segment.take(max_bytes)
    assert first is not None
    assert 1 == numbers_in(first.lines)[0]


def test_of_lines_given_back_a_large_first_document_goes_alone(segment: Segment) -> None:
    """What a store found too large is parted, also where its first document is larger than the half."""
    fill(segment, line(1, size=10_000) + lines(2, 3))
    together = segment.take(MEBIBYTE)
    assert together is not None
    segment.give_back(together)
    parts: list[list[int]] = []
    while (taken := segment.take(5_000)) is not None:
        parts.append(numbers_in(taken.lines))
        segment.done(taken)
    assert [[1], [2, 3]] == parts
    assert segment.is_finished


def test_the_checkpoint_waits_for_the_first_that_is_not_done(segment: Segment) -> None:
    """Later requests may be answered earlier: nothing before them is forgotten."""
    fill(segment, lines(1, 2, 3))
    first, second, third = (segment.take(ONE) for _ in range(3))
    assert first
    assert second
    assert third
    segment.done(third)
    segment.done(second)
    assert (HEADER_SIZE, 1) == (segment.checkpoint, segment.pending)
    segment.give_back(first)
    assert (HEADER_SIZE, ONE) == (segment.checkpoint, segment.waiting_bytes)
    again = segment.take(ONE)
    assert again
    assert [1] == numbers_in(again.lines)
    segment.done(again)
    segment.done(again)
    assert (segment.size, 0, True) == (segment.checkpoint, segment.pending, segment.is_finished)


def test_any_order_of_answers_ends_with_all_done(segment: Segment) -> None:
    """Taken, given back, parted and done at random: each document is done once."""
    rng, done = random.Random(7), list[int]()
    fill(segment, lines(*range(200)))
    held = []
    while not segment.is_finished:
        taken = segment.take(rng.randrange(1, 20) * ONE)
        if taken is not None:
            held.append(taken)
        if taken is None or len(held) > 4:
            one = held.pop(rng.randrange(len(held)))
            if rng.random() < 0.4:
                segment.give_back(one)
            else:
                done += numbers_in(one.lines)
                segment.done(one)
        assert segment.pending == 200 - len(done)
    assert list(range(200)) == sorted(done)


def test_a_read_that_fails_loses_nothing(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines given back are still there after an error of the disk."""
    fill(segment, lines(1, 2))
    taken = segment.take(MEBIBYTE)
    assert taken is not None
    segment.give_back(taken)

    def fails(start: int, size: int) -> bytes:
        raise OSError("input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(segment.medium, "read", fails)
        with pytest.raises(OSError, match="input/output"):
            segment.take(MEBIBYTE)
    again = segment.take(MEBIBYTE)
    assert again is not None
    assert [1, 2] == numbers_in(again.lines)


def test_a_torn_end_is_no_document_and_a_sealed_segment_ends_before_it(segment: Segment) -> None:
    """While it is written the rest may yet come; afterwards it does not."""
    fill(segment, line(1) + line(2)[:20])
    taken = segment.take(MEBIBYTE)
    assert taken is not None
    assert [1] == numbers_in(taken.lines)
    segment.done(taken)
    assert segment.take(MEBIBYTE) is None
    assert not segment.is_finished
    segment.is_sealed = True
    assert segment.take(MEBIBYTE) is None
    assert segment.is_finished


def test_the_files_first_line_tells_the_checkpoint(tmp_path: Path) -> None:
    """A next process begins where this one ended."""
    segment = SpoolFolder(tmp_path).make_segment(has_sessions=True)
    fill(segment, lines(1, 2))
    taken = segment.take(ONE)
    assert taken is not None
    segment.done(taken)
    content = (tmp_path / segment.name).read_bytes()
    assert header(HEADER_SIZE + ONE) + lines(1, 2) == content
    assert HEADER_SIZE + ONE == checkpoint_of(content[:HEADER_SIZE])
    segment.medium.remove()
    assert [] == names_in(tmp_path)


@pytest.mark.parametrize("offset", [0, HEADER_SIZE, 12345, 10**18])
def test_a_header_is_read_back(offset: int) -> None:
    """Its length is the same whatever it tells: it is written over the last one."""
    assert (HEADER_SIZE, offset) == (len(header(offset)), checkpoint_of(header(offset)))


@pytest.mark.parametrize(
    "wrong",
    [b"", b"x" * 64, header(5)[:-1], header(5).replace(b"5", b"x"), bytes(64), header(5).replace(b"}", b" ")],
)  # fmt: skip
def test_what_is_no_header_tells_nothing(wrong: bytes) -> None:
    """None, and no error."""
    assert checkpoint_of(wrong) is None


def test_a_closed_segment_takes_nothing(tmp_path: Path) -> None:
    """It says so, whoever comes late; nothing is written to a descriptor that is another file's by now."""
    segment = SpoolFolder(tmp_path).make_segment(has_sessions=True)
    segment.medium.release()
    segment.medium.release()
    with pytest.raises(OSError, match="closed"):
        segment.medium.write(b"x")
