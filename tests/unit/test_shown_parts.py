"""What is shown in part costs that part: no text of a record makes a page or a list dear by its length."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import Settings
from openreplay_otel.cli.render.entries import Layout, Timeline
from openreplay_otel.cli.render.spool import letter_lines
from openreplay_otel.lookup.entries import EntryReader, SessionSummary
from openreplay_otel.session import Session
from openreplay_otel.stores.base import Hit
from openreplay_otel.stores.timestamps import to_text
from openreplay_otel.text.harmless import harmless, harmless_end, json_text, one_line, one_line_end
from openreplay_otel.viewer.record_fields import fields_of
from openreplay_otel.viewer.rows import record_row, service_choices, session_row, shown_services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from openreplay_otel.lookup.entries import LogEntry

SESSION = Session("2618307011354435587")
SETTINGS = Settings()
BASE = 40_000
"""Longer than all that is shown of one text."""
UNITS = {
    "bidi": "\u202e",
    "controls": "\x00",
    "tabs": "\t",
    "line ends": "a\r\n",
    "surrogates": "\ud800",
    "plain": "x",
}
PATHS = (
    "message", "error.message", "error.type", "error.stack_trace", "log.logger", "service.name", "level",
    "trace.id", "labels.note",
)  # fmt: skip


def entry(fields: Mapping[str, Any]) -> LogEntry:
    """A record as a store gives it."""
    source = {"@timestamp": to_text(SESSION.started_at), "message": "m", "level": "error"}
    return EntryReader(SESSION, SETTINGS).read(Hit("id", {**source, **fields}))


def work(call: Callable[[], object]) -> int:
    """How many functions are called, Python's own ones too: the same on every machine."""
    calls = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(None)
    return calls


def in_list(one: LogEntry) -> object:
    """Its row among the session's records."""
    return record_row(one, SESSION, SETTINGS)


def fields(one: LogEntry) -> object:
    """The fields of its own page."""
    return fields_of(one)


def on_terminal(one: LogEntry) -> object:
    """Its lines on a terminal, but not what stands below it, which is shown whole."""
    layout = Layout.fitting([one], 120)
    timeline = Timeline(SESSION, layout)
    return [timeline.head(), next(iter(timeline.lines([one])))]


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("show", [in_list, fields, on_terminal], ids=lambda show: show.__name__)
def test_a_record_costs_what_is_shown_of_it(
    show: Callable[[LogEntry], object], path: str, unit: str
) -> None:
    """At 1, 2, 4 and 8 times the length the work is the same."""
    show(entry({path: "warm"}))
    texts = [unit * (BASE * times // len(unit)) for times in (1, 2, 4, 8)]
    entries = [entry({path: text}) for text in texts]
    first, *more = [work(lambda one=one: show(one)) for one in entries]
    assert all(calls <= first + 20 for calls in more), (first, more)


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize(
    "show",
    [
        lambda text: session_row(summary((text,)), SESSION, SETTINGS),
        lambda text: shown_services([text]),
        lambda text: service_choices([text], "shop"),
        lambda text: list(letter_lines({"reason": text, "text": text, "status": 400}, 80)),
    ],
    ids=["session's services", "chips", "choices", "dead letter"],
)
def test_names_and_reasons_cost_what_is_shown_of_them(
    show: Callable[[str], object], unit: str
) -> None:
    """At 1, 2, 4 and 8 times the length the work is the same."""
    show("warm")
    first, *more = [work(lambda n=n: show(unit * (BASE * n))) for n in (1, 2, 4, 8)]
    assert all(calls <= first + 20 for calls in more), (first, more)


def test_many_names_of_services_are_shown_in_part() -> None:
    """A session that thousands of them logged to."""
    names = tuple(f"service {n}" for n in range(10_000))
    assert len(session_row(summary(names), SESSION, SETTINGS).services) == 50
    assert len(service_choices(names, "service 9999")) == 501


def test_values_below_a_long_name_do_not_repeat_it() -> None:
    """Thousands of them, each at a path that begins with it."""
    name = "\u202e" * BASE
    found = [
        work(lambda n=n: fields_of(entry({name: dict.fromkeys(map(str, range(n)), 1)})))
        for n in (50, 100, 200, 400)
    ]
    assert found[3] <= 8 * found[0] + 20
    assert all(len(path) <= 200 for path, _ in fields_of(entry({name: {"a": {name: 1}}})))


@pytest.mark.parametrize(
    "text", ["\r\n", "a\r\nb", "\ta\tb", "\u202ex", "x\n\x00", "\r", "plain ", "é\ud800"]
)
@pytest.mark.parametrize("longest", range(1, 40))
def test_a_part_is_the_part_of_the_whole(text: str, longest: int) -> None:
    """To cut before is to see the same as to cut after."""
    text *= 11
    assert harmless(text, longest) == harmless(text)[:longest]
    assert one_line(text, longest) == one_line(text)[:longest]
    assert one_line_end(text, longest).replace(" ", "") in one_line(text).replace(" ", "")
    assert len(harmless_end(text, longest)) == min(longest, len(harmless(text)))
    if text.isprintable():
        assert json_text(text, longest) == json_text(text)[:longest]


def summary(services: tuple[str, ...]) -> SessionSummary:
    """A session of a list."""
    now = datetime.now(timezone.utc)
    return SessionSummary(
        session_id=SESSION.id, started_at=SESSION.started_at, first=now, last=now + timedelta(seconds=1),
        records=1, errors=0, services=services, replay_url=None,
    )  # fmt: skip
