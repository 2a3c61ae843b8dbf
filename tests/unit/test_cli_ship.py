"""``openreplay-otel ship`` as a person types it, on the embedded store."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from typing import TYPE_CHECKING

from .cli_harness import COMMAND, SECONDS, call, call_on_terminal, environment, store_url
from .contract import EXAMPLE_ID

if TYPE_CHECKING:
    from pathlib import Path

_LINES = f"""2024-01-24 02:28:39,324 - shop - INFO - [openReplaySession.id={EXAMPLE_ID}] cart opened
2024-01-24 02:28:40,324 - shop - ERROR - [openReplaySession.id={EXAMPLE_ID}] order failed
Traceback (most recent call last):
  File "pay.py", line 88, in charge
ConnectionError: the bank hung up
{{"broken
"""


def test_files_are_shipped_found_and_not_doubled(tmp_path: Path) -> None:
    """What was shipped is found by `logs`; a second time, packed and from stdin too, all is known."""
    url = store_url(tmp_path / "logs.db")
    (tmp_path / "app.log").write_text(_LINES)
    told = ("ship", "--store", url, "--timezone", "UTC", "--service", "shop")
    done = call(*told, "app.log", state=tmp_path, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "2 records of 6 lines" in done.out
    assert "2 stored, 0 there already" in done.out
    assert "broken JSON, first in app.log:6" in done.out
    kept = tmp_path / "app.log.unread"
    assert kept.read_text() == '{"broken\n'
    assert kept.stat().st_mode & 0o077 == 0

    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(_LINES.encode()))
    again = call(*told, "app.log.1.gz", "--json", state=tmp_path, cwd=tmp_path)
    counts = json.loads(again.out)
    assert (counts["stored"], counts["known"], counts["unread"]) == (0, 2, 1)
    piped = subprocess.run(
        [COMMAND, *told, "-", "--json"], input=_LINES.encode(), cwd=tmp_path,
        env=environment(tmp_path), capture_output=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    assert json.loads(piped.stdout)["known"] == 2

    shown = call("logs", EXAMPLE_ID, "--store", url, state=tmp_path)
    assert "order failed" in shown.out
    assert "ConnectionError: the bank hung up" in shown.out


def test_a_dry_run_sends_nothing_and_shows_the_first_documents(tmp_path: Path) -> None:
    """It says what would be made of the lines, and leaves no file behind."""
    (tmp_path / "app.log").write_text(_LINES)
    url = store_url(tmp_path / "logs.db")
    done = call("ship", "app.log", "--dry-run", "--store", url, state=tmp_path, cwd=tmp_path)
    assert done.code == 0
    assert '"log.logger": "shop"' in done.out
    assert "nothing was sent" in done.out
    assert "1 line would be kept aside" in done.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.log"]
    listed = json.loads(
        call("ship", "app.log", "--dry-run", "--json", state=tmp_path, cwd=tmp_path).out
    )
    assert [document["level"] for document in listed["first"]] == ["info", "error"]


def test_wrong_use_is_one_sentence(tmp_path: Path) -> None:
    """A missing file, a zone or encoding nobody knows, a folder, the file itself for what is unread."""
    (tmp_path / "app.log").write_text(_LINES)
    for arguments, said in (
        (("missing.log",), "missing.log cannot be read"),
        (("app.log", "--timezone", "Mars/Base"), "--timezone: expected a zone"),
        (("app.log", "--encoding", "klingon"), "--encoding: Python knows no encoding"),
        ((".",), "is a folder"),
        (("app.log", "--unread", "app.log"), "--unread: app.log is one of the files"),
    ):
        done = call("ship", *arguments, state=tmp_path, cwd=tmp_path)
        assert (done.code, done.out) == (2, ""), arguments
        assert said in done.err
        assert "Traceback" not in done.err
    assert (tmp_path / "app.log").read_text() == _LINES


def test_a_terminal_sees_a_bar_while_it_lasts(tmp_path: Path) -> None:
    """Bytes, rate and records are shown, and the summary stays."""
    (tmp_path / "app.log").write_text(_LINES * 3000)
    url = store_url(tmp_path / "logs.db")
    os.chdir(tmp_path)
    screen = call_on_terminal(
        "ship",
        "app.log",
        "--store",
        url,
        "--unread",
        str(tmp_path / "kept"),
        state=tmp_path,
        columns=100,
    )
    assert screen.code == 0
    assert "MB/s" in screen.raw or "kB/s" in screen.raw or "B/s" in screen.raw
    assert "6,000 records of 18,000 lines" in "\n".join(screen.lines)
