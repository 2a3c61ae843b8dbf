"""Whatever an app's logging set-up: it prints what it prints without this package, and each line is stored once."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import SessionLogs
from tests.frameworks.serving import ROOT, clean_environ, new_session
from tests.logging_setups.cases import CASES, Case

if TYPE_CHECKING:
    from openreplay_otel import LogEntry

_CHANGES = re.compile(rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d{3}| [+-]\d{4}\] \[\d+)\]")
"""Times, and gunicorn's process id."""


def run(case: Case, folder: Path, *arguments: str) -> tuple[int, bytes, bytes]:
    """Run a case; gives status, stdout and stderr."""
    program = folder / "app.py"
    program.write_text(case.program())
    done = subprocess.run(
        [sys.executable, str(program), *arguments],
        env=clean_environ() | {"XDG_STATE_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    # The tag in a printed traceback is this package's one change of the console, and is documented.
    tag = re.compile(rb"\[openReplaySession\.id=\d+\] ")
    return done.returncode, _shown(tag.sub(b"", done.stdout)), _shown(tag.sub(b"", done.stderr))


def _shown(output: bytes) -> bytes:
    return _CHANGES.sub(b"[time] [pid]", output)


def count_of(store: Path) -> int:
    """How many records a store has, of whatever session."""
    if not store.exists():
        return 0
    with contextlib.closing(sqlite3.connect(store)) as database:
        return int(database.execute("SELECT count(*) FROM logs").fetchone()[0])


def message_of(entry: LogEntry) -> str:
    """A message as far as a case can name it: a traceback in it has other line numbers each time."""
    return entry.message.partition(" (most recent")[0]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in CASES if case.since <= sys.version_info]
)
def test_a_setup(case: Case, tmp_path: Path) -> None:
    """Console and exit status are as without, and each record is there once, in its session."""
    session_id = new_session()
    without = run(case, tmp_path)
    assert without[0] == 0, without
    store = tmp_path / "logs.db"
    assert run(case, tmp_path, f"sqlite:///{store}", session_id) == without
    entries: list[LogEntry] = []
    if case.stored:
        with SessionLogs(f"sqlite:///{store}") as logs:
            entries = list(logs.logs(session_id))
    assert [message_of(entry) for entry in entries] == list(case.stored)
    # None a second time without its session either.
    assert count_of(store) == len(entries)
    if case.has_exception:
        exception = entries[-1].exception
        assert exception is not None
        assert exception.type == "KeyError"
        assert "Traceback (most recent call last)" in (exception.stack_trace or "")


def test_the_docs_list_each_setup() -> None:
    """The table and the tests are the same list."""
    page = (Path(ROOT) / "docs/logging.md").read_text(encoding="utf-8")
    table = page.partition("<!-- Logging set-ups. -->")[2].partition("<!-- End of the table. -->")[
        0
    ]
    rows = [
        line.split(" | ")[0].removeprefix("| ").strip()
        for line in table.splitlines()
        if " | " in line
    ]
    assert rows[1:] == [case.name for case in CASES]
