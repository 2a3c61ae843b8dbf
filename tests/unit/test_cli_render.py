"""Entries and sessions as lines: what fits, what is cut, and what never is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from openreplay_otel import ExceptionInfo, LogEntry, Session, SessionSummary
from openreplay_otel.cli.render.entries import Layout, Timeline, session_head
from openreplay_otel.cli.render.sessions import session_table
from openreplay_otel.cli.render.wrapping import NARROWEST

from .contract import EXAMPLE_ID, PROPERTY

SESSION = Session(EXAMPLE_ID)
LINK = f"https://replay.example.org/1/session/{EXAMPLE_ID}"
TRACE = (
    'Traceback (most recent call last):\n  File "/srv/shop/pay.py", line 7, in pay\nPayError: no\n'
)
PIPE = None


def entry(message: str = "cart opened", seconds: float = 60, **more: Any) -> LogEntry:
    """A record of the example's session."""
    offset = timedelta(seconds=seconds)
    values: dict[str, Any] = {
        "timestamp": SESSION.started_at + offset,
        "level": "info",
        "message": message,
        "service": "shop",
        "logger": "shop.cart",
        "exception": None,
        "trace_id": None,
        "span_id": None,
        "session_id": SESSION.id,
        "offset": offset,
        "replay_url": None,
        "document": {},
        "document_id": "1",
    }
    return LogEntry(**{**values, **more})


def lines_of(*entries: LogEntry, width: int | None, traces: bool = False) -> list[str]:
    """Entries as plain lines."""
    timeline = Timeline(SESSION, Layout.fitting(entries, width), traces=traces)
    return [line.plain for line in timeline.lines(entries)]


def summary(**more: Any) -> SessionSummary:
    """What a store knows of the example's session."""
    values: dict[str, Any] = {
        "session_id": SESSION.id,
        "started_at": SESSION.started_at,
        "first": SESSION.started_at,
        "last": SESSION.started_at + timedelta(minutes=3),
        "records": 1200,
        "errors": 1,
        "services": ("bank", "shop"),
        "replay_url": LINK,
    }
    return SessionSummary(**{**values, **more})


def test_a_row_has_all_columns_on_a_wide_terminal() -> None:
    """Time, offset, level, service, logger, message; below the names of the columns."""
    entries = [entry()]
    timeline = Timeline(SESSION, Layout.fitting(entries, 140))

    assert timeline.head().plain.split() == (
        ["time", "(UTC)", "offset", "level", "service", "logger", "message"]
    )
    assert [line.plain for line in timeline.lines(entries)] == [
        "02:28:39.324  +01:00.000  info     shop     shop.cart  cart opened"
    ]


def test_a_narrow_terminal_has_the_logger_behind_the_message() -> None:
    """A service that all records share is named once, in the head."""
    entries = [entry(), entry(service="bank")]
    alone = Timeline(SESSION, Layout.fitting(entries[:1], 80))

    assert alone.head().plain.endswith("message (of shop)")
    assert lines_of(entries[0], width=80)[0].endswith("  cart opened  shop.cart")
    assert lines_of(*entries, width=80)[1].endswith("  cart opened  shop.cart · bank")


@pytest.mark.parametrize("width", [60, 80, 100, 109, 110, 140, 200])
@PROPERTY
@given(
    message=st.text(st.characters(exclude_categories=("Cs",)), max_size=300)
    | st.text("ab 茶\n", max_size=300),
    logger=st.text(max_size=60),
)
def test_no_line_is_wider_than_the_terminal(width: int, message: str, logger: str) -> None:
    """Whatever is logged: long words, wide characters, many lines."""
    error = ExceptionInfo("PayError", message, TRACE)
    lines = lines_of(entry(message, logger=logger, exception=error), width=width)

    assert max(map(cell_len, lines)) <= width


def test_a_very_narrow_terminal_still_gives_a_message_room() -> None:
    """Then lines are wider than the terminal, which wraps them."""
    lines = lines_of(entry("word " * 20), width=20)

    assert max(map(cell_len, lines)) <= 12 + 10 + 7 + 3 * 2 + NARROWEST


@PROPERTY
@given(st.text("ab 茶\n", max_size=300))
def test_wrapping_loses_nothing_but_blanks(message: str) -> None:
    """All words of a message are on the screen, in their order."""
    lines = lines_of(entry(message, logger=None, service=None), width=80)
    first = lines[0][len("02:28:39.324  +01:00.000  info     ") :]

    assert "".join(message.split()) == "".join("".join([first, *lines[1:]]).split())


def test_words_are_not_broken_where_there_are_blanks() -> None:
    """And what goes on below keeps the margin of its line."""
    lines = lines_of(entry("    " + "word " * 30), width=80)

    assert all(set(line.split()) <= {"word", "shop.cart"} for line in lines[1:])
    assert all(line.startswith(" " * (35 + 4) + "word") for line in lines[1:-1])


def test_a_pipe_gets_whole_lines_with_the_full_time() -> None:
    """Nothing is cut, wrapped or abbreviated there; further lines of a message are indented."""
    message = "x" * 9000 + "\nsecond line"

    assert lines_of(entry(message, logger="l" * 80), width=PIPE) == [
        f"2024-01-24T02:28:39.324Z  +01:00.000  info     shop     {'l' * 80}  {'x' * 9000}",
        "    second line",
    ]


def test_a_huge_message_is_cut_on_a_terminal_and_says_so() -> None:
    """Where the rest is to be found as well."""
    text = " ".join(" ".join(lines_of(entry("x" * 9000), width=80)).split())

    assert "(5000 more characters: see --json)" in text


def test_rich_markup_and_colour_codes_of_a_log_are_only_text() -> None:
    """A log line cannot colour the screen, nor vanish from it."""
    lines = lines_of(
        entry("[bold]a[/bold] [link=x]b[/] \x1b[31mc", logger="\x1b]0;t\x07"), width=140
    )

    assert "[bold]a[/bold] [link=x]b[/] \\x1b[31mc" in lines[0]
    assert "\x1b" not in lines[0]


def test_an_exception_stands_below_its_row() -> None:
    """Type and message, the innermost frame, and for an error the link to its moment."""
    error = ExceptionInfo("PayError", "no money", TRACE)

    assert lines_of(
        entry(level="error", exception=error, replay_url=f"{LINK}?jumpto=60000"), width=80
    )[1:] == [
        "    PayError: no money",
        "      at shop/pay.py:7 in pay",
        f"    {LINK}?jumpto=60000",
    ]


def test_traces_are_shown_in_full_where_asked_for() -> None:
    """Each line of it, indented; without a trace type and message as ever."""
    with_trace = entry(exception=ExceptionInfo("PayError", "no", TRACE))
    without = entry(exception=ExceptionInfo("PayError", None, None))

    assert lines_of(with_trace, width=140, traces=True)[1:] == [
        f"    {line}" for line in TRACE.splitlines()
    ]
    assert lines_of(without, width=140, traces=True)[1:] == ["    PayError"]


def test_a_new_day_is_announced() -> None:
    """Times of day are shown without their date: midnight has to be seen."""
    lines = lines_of(entry(), entry(seconds=86_400), entry(seconds=86_401), width=140)

    assert lines[1] == "2024-01-25"
    assert len(lines) == 4


def test_records_and_errors_are_counted() -> None:
    """A warning with an exception counts as an error, as the store counts it."""
    entries = [
        entry(),
        entry(level="error"),
        entry(level="warning", exception=ExceptionInfo("E", "", "")),
    ]
    timeline = Timeline(SESSION, Layout.fitting(entries, 80))
    list(timeline.lines(entries))

    assert timeline.end().plain == "3 records, 2 errors"


def test_the_head_names_session_start_and_link() -> None:
    """On a terminal in two lines, the address whole in one of them; in a pipe in one."""
    began = f"Session {EXAMPLE_ID}  began 2024-01-24 02:27:39 UTC"

    assert [line.plain for line in session_head(SESSION, LINK, is_terminal=True)] == [
        began,
        f"Recording {LINK}",
    ]
    assert [line.plain for line in session_head(SESSION, LINK, is_terminal=False)] == [
        f"{began}  {LINK}"
    ]


def test_without_a_link_the_head_says_how_to_get_one() -> None:
    """Only to a person."""
    on_terminal = [line.plain for line in session_head(SESSION, None, is_terminal=True)]

    assert "--app-url" in on_terminal[1]
    assert len(list(session_head(SESSION, None, is_terminal=False))) == 1


def test_sessions_are_a_table_with_their_links_below() -> None:
    """The last record's date is shown where it is another day."""
    later = summary(last=datetime(2024, 1, 26, 1, 2, 3, tzinfo=timezone.utc), services=())

    assert [line.plain for line in session_table([summary(), later], 100)] == [
        "started (UTC)        session              records  errors  last                 services",
        f"2024-01-24 02:27:39  {EXAMPLE_ID}    1,200       1  02:30:39             bank, shop",
        f"    {LINK}",
        f"2024-01-24 02:27:39  {EXAMPLE_ID}    1,200       1  2024-01-26 01:02:03  -",
        f"    {LINK}",
    ]


def test_many_services_are_cut_to_fit() -> None:
    """A pipe gets all of them."""
    many = summary(services=tuple(f"service-{number}" for number in range(30)), replay_url=None)
    lines = [line.plain for line in session_table([many], 80)]

    assert lines[1].endswith("  service-0,…")
    assert max(map(len, lines)) <= 80
    assert "service-29" in next(session_table([many], PIPE)).plain


def test_a_piped_session_is_one_line() -> None:
    """With its link at the end."""
    line = (
        f"2024-01-24T02:27:39Z  {EXAMPLE_ID}  1,200 records  1 error"
        f"  first 2024-01-24T02:27:39Z  last 2024-01-24T02:30:39Z  bank, shop  {LINK}"
    )

    assert [line] == [row.plain for row in session_table([summary()], PIPE)]
