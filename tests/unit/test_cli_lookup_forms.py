"""Lookups in other forms: several sessions, errors with what stood around them, CSV, no colours."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import signal
import subprocess
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel import LogEntry, open_store
from openreplay_otel.cli.render.error_context import with_context
from openreplay_otel.cli.render.formats import ENTRY_COLUMNS, SESSION_COLUMNS
from openreplay_otel.stores.base import Document
from tests.emitting import App

from .cli_harness import (
    COMMAND,
    SECONDS,
    call,
    call_on_terminal,
    environment,
    export,
    fill_shop,
    store_url,
)
from .contract import EXAMPLE_ID, EXAMPLE_STARTED_MS, MINUTE_MS, PROPERTY

if TYPE_CHECKING:
    from pathlib import Path

OTHER_ID = "2618307011354435588"
EXAMPLE_TIME = datetime(2024, 1, 24, 2, 28, tzinfo=timezone.utc)


def document(text: str, number: int, trace: int, *, is_error: bool) -> Document:
    """A document of a trace."""
    moment = f"2024-01-24T02:28:00.{number:06d}Z"
    source = {
        "@timestamp": moment, "utc_time": moment, "level": "error" if is_error else "info",
        "tags": ["error"] if is_error else [], "openreplay.session.id": EXAMPLE_ID,
        "message": f"[openReplaySession.id={EXAMPLE_ID}] {text}", "trace.id": f"{trace + 1:032x}",
    }  # fmt: skip
    return Document("index", f"{number:031x}", orjson.dumps(source))


def entry(number: int, trace: str) -> LogEntry:
    """A record of a trace."""
    return LogEntry(
        timestamp=EXAMPLE_TIME, level="info", message="", service=None, logger=None, exception=None,
        trace_id=trace, span_id=None, session_id=EXAMPLE_ID, offset=timedelta(), replay_url=None,
        document={}, document_id=str(number),
    )  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """The store of a shop with two sessions."""
    url = store_url(tmp_path / "logs.db")
    fill_shop(url)
    return url


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV output."""
    return list(csv.DictReader(io.StringIO(text)))


def test_several_sessions_come_one_after_another(shop: str, tmp_path: Path) -> None:
    """Each with its head; one that has no records is explained and the others are shown."""
    done = call("logs", EXAMPLE_ID, OTHER_ID, EXAMPLE_ID, "77", "--store", shop, state=tmp_path)
    assert done.code == 0
    heads = [line for line in done.out.splitlines() if line.startswith("Session ")]
    assert [head.split()[1] for head in heads] == [EXAMPLE_ID, OTHER_ID]
    assert "No records of session 77" in done.err
    documents = call("logs", EXAMPLE_ID, OTHER_ID, "--json", "--store", shop, state=tmp_path).out
    assert len(documents.splitlines()) == 5


def test_csv_has_a_column_for_each_part_of_a_record(shop: str, tmp_path: Path) -> None:
    """Names of columns once, texts of several lines whole, nothing that a spreadsheet would run."""
    app = App()
    app.log(EXAMPLE_ID, "=HYPERLINK(1)", at_ms=EXAMPLE_STARTED_MS + 2 * MINUTE_MS)
    export(app, shop)
    done = call("logs", EXAMPLE_ID, OTHER_ID, "--format", "csv", "--store", shop, state=tmp_path)
    found = rows(done.out)
    assert tuple(found[0]) == ENTRY_COLUMNS
    assert [row["session_id"] for row in found] == [EXAMPLE_ID] * 5 + [OTHER_ID]
    assert found[3]["error_type"] == "RuntimeError"
    assert found[3]["stack_trace"].count("Traceback") == 2
    assert found[4]["message"] == "'=HYPERLINK(1)"
    assert found[0]["offset_ms"] == "60000"


def test_sessions_as_csv(shop: str, tmp_path: Path) -> None:
    """One row a session, and the head alone where there is none."""
    found = rows(call("sessions", "--format", "csv", "--store", shop, state=tmp_path).out)
    assert tuple(found[0]) == SESSION_COLUMNS
    assert [(row["session_id"], row["records"], row["errors"]) for row in found] == [
        (OTHER_ID, "1", "0"), (EXAMPLE_ID, "4", "1"),
    ]  # fmt: skip
    none = call("sessions", "--format", "csv", "--since", "1h", "--store", shop, state=tmp_path)
    assert none.out.splitlines() == [",".join(SESSION_COLUMNS)]


def test_a_wrong_form_is_named(shop: str, tmp_path: Path) -> None:
    """One nobody knows, and two that contradict each other; what --json means stays."""
    for command in (["logs", EXAMPLE_ID], ["sessions"]):
        wrong = call(*command, "--format", "xml", "--store", shop, state=tmp_path)
        both = call(*command, "--format", "csv", "--json", "--store", shop, state=tmp_path)
        assert (wrong.code, both.code) == (2, 2)
        assert "--format: expected table, json or csv, got 'xml'" in wrong.err
        assert "do not go together" in both.err
        same = call(*command, "--format", "json", "--store", shop, state=tmp_path)
        assert same.out == call(*command, "--json", "--store", shop, state=tmp_path).out


def test_no_color_is_heeded(shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR a terminal gets no colour, whatever else it gets."""
    coloured = call_on_terminal("logs", EXAMPLE_ID, "--store", shop, state=tmp_path, columns=100)
    assert "\x1b[1;31m" in coloured.raw
    monkeypatch.setattr(
        "tests.unit.cli_harness.environment",
        lambda state, **more: {**environment(state, **more), "NO_COLOR": "1"},
    )
    plain = call_on_terminal("logs", EXAMPLE_ID, "--store", shop, state=tmp_path, columns=100)
    assert plain.lines == coloured.lines
    assert "\x1b[1;31m" not in plain.raw
    assert "\x1b[3" not in plain.raw


def test_context_shows_the_trace_around_an_error(tmp_path: Path) -> None:
    """So many records of the same trace before and behind it, in time order; other traces stay away."""
    url = store_url(tmp_path / "logs.db")
    documents = [
        document(
            f"{'ab'[trace]}{number}", number * 2 + trace, trace, is_error=(trace, number) == (0, 5)
        )
        for number in range(10)
        for trace in (0, 1)
    ]
    with contextlib.closing(open_store(url)) as store:
        store.write(documents)
    done = call("logs", EXAMPLE_ID, "--context", "2", "--json", "--store", url, state=tmp_path)
    messages = [json.loads(line)["message"].partition("] ")[2] for line in done.out.splitlines()]
    assert messages == ["a3", "a4", "a5", "a6", "a7"]
    alone = call("logs", EXAMPLE_ID, "--context", "0", "--json", "--store", url, state=tmp_path)
    assert len(alone.out.splitlines()) == 1


@PROPERTY
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60),
    st.integers(min_value=0, max_value=4),
)
def test_context_is_what_stands_around_each_error(
    records: list[tuple[str, bool]], around: int
) -> None:
    """For any order of traces and errors: exactly the records at most so far from an error, in order."""
    entries = [entry(n, t) for n, (t, _) in enumerate(records)]
    errors = {str(n) for n, (_, is_error) in enumerate(records) if is_error}
    traces = {t for t, is_error in records if is_error}
    expected: list[str] = []
    for number, (trace, _) in enumerate(records):
        own = [n for n, (other, _) in enumerate(records) if other == trace]
        place = own.index(number)
        near = own[max(0, place - around) : place + around + 1]
        if any(str(n) in errors for n in near):
            expected.append(str(number))
    found = with_context(entries, errors, traces, around)
    assert [one.document_id for one in found] == expected


def test_follow_of_several_sessions_says_whose_records_come(shop: str, tmp_path: Path) -> None:
    """Heads of both, then a line with the session where the other one's records follow."""
    with subprocess.Popen(
        [COMMAND, "logs", EXAMPLE_ID, OTHER_ID, "--follow", "--store", shop],
        env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    ) as process:  # fmt: skip
        assert process.stdout is not None
        heads = 0
        while heads < 2:
            heads += process.stdout.readline().startswith("Session ")
        app = App()
        app.log(EXAMPLE_ID, "a late one", at_ms=EXAMPLE_STARTED_MS + 3 * MINUTE_MS)
        export(app, shop)
        lines = [process.stdout.readline() for _ in range(4)]
        while not lines[-1].endswith("a late one\n"):
            lines.append(process.stdout.readline())
        assert f"Session {EXAMPLE_ID}\n" in lines
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0
