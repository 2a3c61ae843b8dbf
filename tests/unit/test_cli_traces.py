"""What is shown of a stack trace unless all of it is asked for."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openreplay_otel.text.traces import group_members, trace_summary

from .contract import PROPERTY

if TYPE_CHECKING:
    from collections.abc import Callable

JAVA = """java.lang.IllegalStateException: order 7
\tat com.shop.Checkout.pay(Checkout.java:31)
\tat com.shop.Main.main(Main.java:9)
Caused by: java.net.ConnectException: refused
\tat com.shop.Bank.charge(Bank.java:12)
\t... 1 more
"""
NODE = """TypeError: cart is undefined
    at pay (/app/checkout.js:31:9)
    at /app/main.js:9:3
"""


def trace_of(fails: Callable[[], object]) -> str:
    """The trace of what a call raises, as the SDK logs it."""
    try:
        fails()
    except Exception as error:  # noqa: BLE001 - whatever the test raises
        return "".join(traceback.format_exception(error))
    raise AssertionError


def connect() -> None:
    """Fail as a library does."""
    raise ConnectionError("the bank\nhung up")


def pay() -> None:
    """Fail because of another failure."""
    try:
        connect()
    except ConnectionError as error:
        raise RuntimeError("not charged") from error


def look_up() -> None:
    """Fail while handling a failure, twice over."""
    try:
        try:
            connect()
        except ConnectionError:
            {}["vat"]
    except KeyError:
        int("x")


def test_a_cause_is_told_beside_the_innermost_frame() -> None:
    """``raise … from …``: where it was raised, and the first line of what led to it."""
    summary = trace_summary(trace_of(pay))

    assert summary.frame is not None
    assert summary.frame.startswith("unit/test_cli_traces.py:")
    assert summary.frame.endswith(" in pay")
    assert summary.causes == ("ConnectionError: the bank",)


def test_what_was_being_handled_is_told_too() -> None:
    """An exception in an except block; several of them, the nearest first."""
    summary = trace_summary(trace_of(look_up))

    assert summary.causes == ("KeyError: 'vat'", "ConnectionError: the bank")


def test_an_exception_alone_has_no_causes() -> None:
    """The frame is the one in which it was raised, not the one that caught it."""
    summary = trace_summary(trace_of(connect))

    assert summary.frame is not None
    assert summary.frame.endswith(" in connect")
    assert summary.causes == ()


def test_traces_of_java_and_javascript_are_read() -> None:
    """Services of other languages write to the same store by the Collector."""
    assert trace_summary(JAVA) == (
        "com.shop.Checkout.pay(Checkout.java:31)",
        ("java.net.ConnectException: refused",),
    )
    assert trace_summary(NODE) == ("pay (/app/checkout.js:31:9)", ())


@pytest.mark.parametrize("text", ["", "\n", "no trace at all", "  File without a line", "  at "])
def test_of_another_text_nothing_is_found(text: str) -> None:
    """It is not guessed."""
    assert trace_summary(text) == (None, ())


@PROPERTY
@given(st.text() | st.text('\n File"x",line12inatCaused by:| '))
def test_no_text_makes_it_raise(text: str) -> None:
    """A trace is a text that an app wrote."""
    trace_summary(text)


GROUP = """\
Traceback (most recent call last):
  File "a.py", line 1, in a
    raise OSError("first")
OSError: first

During handling of the above exception, another exception occurred:

  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 3, in b
  |     raise ExceptionGroup("two", [...])
  | ExceptionGroup: two (3 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: no address
    +---------------- 2 ----------------
    | Exception Group Traceback (most recent call last):
    |   File "a.py", line 9, in c
    |     raise ExceptionGroup("inner", [...])
    | ExceptionGroup: inner (1 sub-exception)
    +-+---------------- 1 ----------------
      | Traceback (most recent call last):
      |   File "a.py", line 11, in d
      |     int("x")
      | ValueError: invalid literal
      +------------------------------------
    +---------------- 3 ----------------
    | KeyError: 'k'
    +------------------------------------
"""


def test_the_members_of_a_group_are_named_with_their_depth() -> None:
    """Those of a group inside it one step deeper."""
    assert [tuple(member) for member in group_members(GROUP)] == [
        (0, "ValueError: no address"),
        (0, "ExceptionGroup: inner (1 sub-exception)"),
        (1, "ValueError: invalid literal"),
        (0, "KeyError: 'k'"),
    ]
    assert group_members("Traceback (most recent call last):\nValueError: x") == ()
    assert group_members("") == ()
