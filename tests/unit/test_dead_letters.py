"""Dead letters: what a store refused is kept with the reason, found again, and can be sent again."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from openreplay_otel.spool.dead_letters import (
    DeadLetters,
    dead_letters_in,
    document_of,
    lines_of_letter,
)
from openreplay_otel.spool.folder import SpoolFolder
from openreplay_otel.stores.base import Document, RefusedDocument

from .spooled import MEBIBYTE, line

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = Document("index", "id000000001", b'{"message":1,"text":""}')
REFUSED = RefusedDocument(DOCUMENT, 400, "no such field")


def kept_in(path: Path, max_bytes: int = MEBIBYTE) -> DeadLetters:
    """Those of a process."""
    return DeadLetters(SpoolFolder(path), max_bytes)


def test_a_dead_letter_holds_all_that_was_known(tmp_path: Path) -> None:
    """A line of JSON: when, status, reason, and the document as it was."""
    assert 1 == kept_in(tmp_path).keep([REFUSED])
    ((path, (letter,)),) = dead_letters_in(tmp_path)
    assert letter == json.loads(path.read_text())
    assert letter.pop("refused_at").endswith("+00:00")
    assert letter == {
        "status": 400,
        "reason": "no such field",
        "index": "index",
        "id": "id000000001",
        "source": {"message": 1, "text": ""},
    }
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_it_can_be_sent_again(tmp_path: Path) -> None:
    """The same document, under the same id."""
    kept_in(tmp_path).keep([REFUSED])
    ((_, (letter,)),) = dead_letters_in(tmp_path)
    assert (DOCUMENT, line(1)) == (document_of(letter), lines_of_letter(letter))


def test_each_process_has_a_file_of_its_own(tmp_path: Path) -> None:
    """They do not meet, and all of them are found."""
    processes = [kept_in(tmp_path), kept_in(tmp_path)]
    for one in processes * 2:
        one.keep([REFUSED, REFUSED])
    assert [4, 4] == [len(letters) for _, letters in dead_letters_in(tmp_path)]
    assert [] == list(dead_letters_in(tmp_path / "not there"))


def test_there_is_an_end_to_what_is_kept(tmp_path: Path) -> None:
    """The first ones are, and it is told how many."""
    letters = kept_in(tmp_path, max_bytes=500)
    kept = [letters.keep([REFUSED] * 2) for _ in range(4)]
    assert 0 < sum(kept) < 5
    ((path, found),) = dead_letters_in(tmp_path)
    assert sum(kept) == len(found)
    assert path.stat().st_size <= 500


def test_damage_is_kept_as_text(tmp_path: Path) -> None:
    """With the file that it was found in; it cannot be sent again."""
    kept_in(tmp_path).keep_damaged(b"\x00bad \xff\n\xed\xa0\x80", "a.ndjson")
    ((_, (letter,)),) = dead_letters_in(tmp_path)
    assert (0, "no document; found in a.ndjson") == (letter["status"], letter["reason"])
    assert "\x00bad \\xff\n\\xed\\xa0\\x80" == letter["text"]
    assert (None, None) == (document_of(letter), lines_of_letter(letter))


def test_a_source_that_is_no_json_is_kept_too(tmp_path: Path) -> None:
    """As text: it is what the store could not read."""
    broken = Document("index", "a", b'{"a":')
    kept_in(tmp_path).keep([RefusedDocument(broken, 400, "cannot be parsed")])
    ((_, (letter,)),) = dead_letters_in(tmp_path)
    assert ('{"a":', None) == (letter["text"], document_of(letter))


def test_lines_that_are_no_dead_letters_are_left_out(tmp_path: Path) -> None:
    """A file that somebody damaged is read as far as it can be."""
    kept_in(tmp_path).keep([REFUSED])
    ((path, _),) = dead_letters_in(tmp_path)
    path.write_bytes(b"garbage\n[1]\n{}\n\xff\x00\n" + path.read_bytes() + b'{"status":4')
    ((_, letters),) = dead_letters_in(tmp_path)
    assert [400] == [letter["status"] for letter in letters]


def test_a_full_disk_leaves_no_half_of_a_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error; the next letter begins a line of its own."""
    letters, write = kept_in(tmp_path), os.write
    letters.keep([REFUSED])
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, content: write(fd, content[:30]))
        with pytest.raises(OSError, match="full"):
            letters.keep([REFUSED])
    letters.keep([REFUSED])
    ((path, found),) = dead_letters_in(tmp_path)
    assert (2, 2) == (len(found), path.read_bytes().count(b"\n"))
