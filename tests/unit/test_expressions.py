"""Every regular expression of the package takes linear time, whatever text it is given."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from openreplay_otel import SettingsError
from openreplay_otel.auto import greenlets
from openreplay_otel.capture.printed_exceptions import with_tag
from openreplay_otel.cli import app
from openreplay_otel.viewer.access import host_names

from .expressions import expressions, pumps
from .growth import MOST_GROWTH, growth

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTH = 4_000
ENDS = ("\x01", "\n", "")
COMMON = (
    "a", "a.", "A", "1", " ", "\t", "\n", "-", "|", "[", "]", '"', "\\", ":", "=", "a=", ",", "(", "a ", " |", "[a]",
    "[a] ", "\x1b[1m", "openReplaySession",
)  # fmt: skip

LISTED: Final[dict[str, tuple[str, ...]]] = {
    "auto.greenlets._PYTHON": (),
    "cli.commands.api_key._ID_LIKE_AN_OPTION": (),
    "cli.typed_command._PASSWORD": ("http://", "http://a", "https://a@"),
    "doctor.elsewhere._BACKING": (".ds-", "-2024.01.01-000001"),
    "doctor.readers._TIME": (),
    "doctor.readers._TOKEN_TAG": ("openReplaySessionToken", "openReplaySession"),
    "cluster.indexes._DAY": (),
    "spool.folder._NAME": (),
    "spool.folder._NOT_IN_A_NAME": (),
    "spool.listing._OWNER": (),
    "spool.listing._TIMESTAMP": ('"@timestamp":"', '"@timestamp":"2026-11-27'),
    "message_tag._TAG": (
        "openReplaySession",
        "asayer_session",
        "openReplaySession.id",
        "openReplaySessionTo",
        "asayer_session_id=a.b.",
    ),
    "message_tag._PREFIX": ("[openReplaySession.id=", "[asayer_session_id=7]"),
    "message_tag._ONE_TAG": (),
    "lookup.queries._PHRASE": ('"', '" ', '""'),
    "session._DECIMAL_ID": (),
    "session._TOKEN": (),
    "ship.files._ROTATION": (),
    "ship.files._LOGURU": (".2024-01-24_02-27-39_324000",),
    "ship.files._PACKED": (),
    "ship.formats.access._LINE": (),
    "ship.formats.access._DJANGO": (),
    "ship.formats.containers._CRI": (),
    "ship.formats.level_first._LINE": (),
    "ship.formats.logfmt._BEGIN": (),
    "ship.formats.logfmt._PAIR": ('a="', "\\\\", 'a="\\\\"'),
    "ship.formats.logfmt._ESCAPE": (),
    "ship.formats.printed._WARNING": (),
    "ship.formats.printed._PROCESS": (),
    "ship.formats.seen._PLACE": ("a.py:", ".py:1", "a"),
    "ship.formats.seen._TAG": (),
    "ship.formats.seen._WORDS": (),
    "ship.formats.seen._NUMBER": (),
    "ship.formats.seen._NAME": (),
    "ship.formats.syslog._OLD": (),
    "ship.formats.syslog._NEW": (),
    "ship.formats.time_first._LINE": (),
    "ship.formats.time_first._OTEL": (),
    "ship.formats.time_first._LOGGER": (),
    "ship.formats.time_first._CELERY_TASK": (),
    "ship.session_tags.TAGS": ("[openReplaySession.id=7]", "[openReplaySession.id="),
    "ship.session_tags._TAG": ("=7", "=7]"),
    "ship.session_tags._COLOUR": ("\x1b[", "\x1b[1;", "\x1b[1m"),
    "ship.session_tags._ESCAPE": ("\\", "\\u00", "\\u006"),
    "ship.times._FRACTION": (),
    "ship.times._FULL": (),
    "ship.trace_lines.OWN_LINE": (),
    "ship.trace_lines._BARE_EXCEPTION": (),
    "ship.trace_lines._GROUP_ALONE": (),
    "ship.trace_lines._MARGIN": (),
    "ship.trace_lines._GROUP_END": (),
    "ship.trace_lines._BOX_START": (),
    "ship.trace_lines._BOX_PART": (),
    "ship.tracebacks._MARGIN": (),
    "ship.tracebacks._OWN": (),
    "ship.tracebacks._GROUP_OWN": (),
    "ship.tracebacks._MARGIN_OWN": (),
    "ship.tracebacks._MEMBER": (),
    "stores.elasticsearch.bulk._OF_THE_DOCUMENT": (),
    "stores.bulk_lines._SOME_WHOLE": ('{"create":', '{"create":{"_index":"a","_id":"b"}}\n'),
    "text.harmless._UNSAFE": ("\u200d", "a\u200d", "\u8336\u200d"),
    "text.harmless._UNSAFE_IN_JSON": ("\u200d", "a\u200d", "\u8336\u200d"),
    "text.spreadsheet._CELL_ENDS": (),
    "text.spreadsheet._SKIPPED": (),
    "text.typed._DURATION": (),
    "text.times._CLOCK": (),
    "text.times._FRACTION": (),
    "text.traces._PYTHON_FRAME": ('File "', '", line 1', 'File "a", line 1, in '),
    "text.traces._OTHER_FRAME": (),
    "text.traces._LINKS": (),
    "text.traces._MEMBER": ("+-", "+-+", "- ", "+- 1 "),
    "text.traces._MEMBERS_END": (),
    "text.traces._MARGIN": (),
    "viewer.access._HOST": (),
    "viewer.filters._ZONE": ("+11:11 ", "Z ", "Z"),
    "viewer.filters._CLOCK_TIME": (),
    "viewer.filters._TRACE_ID": (),
    "viewer.signing_in._OWN_ADDRESS": (),
}
"""Each expression with what its repetitions do not show: a text that begins it again and again, for instance."""


def _refused(text: str) -> None:
    with contextlib.suppress(SettingsError):
        host_names(text)


MADE: Final[dict[str, Callable[[str], object]]] = {
    "auto.greenlets:_name()": greenlets._name,
    "cli.app:_with_options()": app._with_options,
    "capture.printed_exceptions:with_tag()": lambda text: with_tag(text, ValueError(), "7", "[t] "),
    "viewer.access:host_names()": _refused,
}
"""Expressions without a name, and what uses them."""
BEGINNINGS = ("", "ValueError", "Traceback (most recent call last):\n  ")
MORE = (
    "ValueError: ",
    "a.ValueError",
    "\nValueError",
    "| ",
    "+-",
    "\x1b[1mValueError",
    "a_b: ",
    ".exe",
)

FOUND = expressions()


def test_the_lists_are_whole() -> None:
    """A new expression needs a line there; it is then fed with what its repetitions repeat, and with the listed."""
    assert {name for name, one in FOUND.items() if one.pattern is not None} == set(LISTED)
    assert {name for name, one in FOUND.items() if one.pattern is None} == set(MADE)


def check(run: Callable[[str], object], begin: str, pump: str, length: int = LENGTH) -> None:
    """At 1, 2, 4 and 8 times the length, time grows at most as the length does."""
    for end in ENDS:

        def make(times: int, end: str = end) -> Callable[[], object]:
            text = begin + pump * max(1, length * times // len(pump)) + end
            return lambda: run(text)

        assert growth(make) < MOST_GROWTH, (begin, pump, end)


@pytest.mark.parametrize("name", LISTED)
def test_every_expression_is_linear(name: str) -> None:
    """As the source uses it, with texts that lead to each of its repetitions and go on there, whole and in part."""
    pattern, methods = FOUND[name]
    assert pattern is not None
    compiled: Any = pattern
    is_bytes = isinstance(compiled.pattern, bytes)

    def run(text: str) -> None:
        given: Any = text.encode("utf-8", "replace") if is_bytes else text
        for method in methods:
            if method in ("sub", "subn"):
                getattr(compiled, method)(b"" if is_bytes else "", given)
            elif method == "finditer":
                for _ in compiled.finditer(given):
                    pass
            else:
                getattr(compiled, method)(given)

    for begin, pump in pumps(compiled):
        check(run, begin, pump)
        check(run, "", begin + pump)
    for pump in (*COMMON, *LISTED[name]):
        check(run, "", pump)


@pytest.mark.parametrize("name", MADE)
def test_expressions_without_a_name_are_linear(name: str) -> None:
    """By what uses them."""
    for begin in BEGINNINGS:
        for pump in (*COMMON, *MORE):
            check(MADE[name], begin, pump)


@pytest.mark.parametrize("slow", [r"a*b", r"\s+$", r"x\w*\w*y"])
def test_a_slow_expression_is_noticed(slow: str) -> None:
    """Three that are known to be quadratic do not pass."""
    compiled = re.compile(slow)
    # A busy machine may hide it from one measurement; it does not hide it from all.
    assert any(_fails(compiled, *pump) for _ in range(5) for pump in pumps(compiled))


def _fails(compiled: re.Pattern[str], begin: str, pump: str) -> bool:
    try:
        check(compiled.search, begin, pump, 1_000)
    except AssertionError:
        return True
    return False
