"""Which lines join the record before them, and of whom each record is: one rule, one table."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from openreplay_otel.message_tag import without_prefix

from .contract import EXAMPLE_ID
from .shipping import Shipped, ship_text

if TYPE_CHECKING:
    from pathlib import Path

A, B = EXAMPLE_ID, "2618307011354435999"
TAG_A, TAG_B = f"[openReplaySession.id={A}]", f"[openReplaySession.id={B}]"
ERROR_A = f"2024-01-24 02:27:39,324 ERROR shop: {TAG_A} failed\n"
INFO_A = f"2024-01-24 02:27:39,324 INFO shop: {TAG_A} fine\n"
ERROR_B = f"2024-01-24 02:27:39,325 ERROR shop: {TAG_B} failed too\n"
FRAMES = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n    ~^^\n'
KEY = f"{FRAMES}KeyError: 7\n"
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in f
  |     raise group
  | ExceptionGroup: both (2 sub-exceptions)
  | a note
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "a.py", line 1, in g
    | KeyError: 7
    +---------------- 2 ----------------
    | ExceptionGroup: inner (1 sub-exception)
    +-+---------------- 1 ----------------
      | TypeError: 8
      +------------------------------------
"""
GROUP_ALONE = """  | ExceptionGroup: both (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | KeyError: 7
    +---------------- 2 ----------------
    | TypeError: 8
    +------------------------------------
"""
BOX = """╭───────────────────── Traceback (most recent call last) ──────────────────────╮
│ /srv/a.py:5 in f                                                             │
│ ❱  5 │   g()                                                                 │
╰──────────────────────────────────────────────────────────────────────────────╯
"""
LOGURU = """Traceback (most recent call last):

> File "/srv/a.py", line 16, in <module>
    f()
    └ <function f at 0x7f12a3131620>

KeyError: 7
"""
COLOURED = (
    "Traceback (most recent call last):\n"
    '  File \x1b[35m"a.py"\x1b[0m, line \x1b[35m4\x1b[0m, in \x1b[35mf\x1b[0m\n'
    "    \x1b[31mg\x1b[0m\x1b[1;31m()\x1b[0m\n"
    "\x1b[1;35mKeyError\x1b[0m: \x1b[35m7\x1b[0m\n"
)
STACK = 'Stack (most recent call last):\n  File "a.py", line 1, in f\n    g()\n'
REPEATED = f"{FRAMES}  [Previous line repeated 993 more times]\nRecursionError: too deep\n"

JOINING: dict[str, str] = {
    "a traceback": KEY,
    "behind a blank line, as uvicorn writes it": "\n" + KEY,
    "a chain by cause": KEY + CAUSE + f"{FRAMES}shop.Failed: no\n",
    "a chain by context": KEY + CONTEXT + f"{FRAMES}shop.Failed: no\n",
    "a chain behind a text of several lines": f"{KEY}DETAIL: key exists\na note\n" + CAUSE + KEY,
    "a chain whose end has no frames": KEY + CONTEXT + "TypeError: no\n",
    "a class without a text": f"{FRAMES}KeyboardInterrupt\n",
    "a class of a function": f"{FRAMES}f.<locals>.Odd: 7\n",
    "a line repeated": REPEATED,
    "a syntax error": f'{FRAMES}  File "x.py", line 1\n    a b\n      ^\nSyntaxError: no\n',
    "a group": GROUP,
    "a group, and a chain": GROUP + CONTEXT + KEY,
    "a group without a traceback": GROUP_ALONE,
    "the stack": STACK,
    "a traceback and the stack": KEY + STACK,
    "a traceback with a note and the stack": f"{KEY}a note\n{STACK}",
    "Python 3.13's colours": COLOURED,
    "loguru's": LOGURU,
    "loguru's chain": LOGURU + "\n" + CAUSE + "\n" + LOGURU,
    "rich's, of structlog": f"{BOX}KeyError: 7\n",
    "rich's chain": f"{BOX}KeyError: 7\n{CAUSE}{BOX}TypeError: 8\n",
    "rich's group": f"{BOX}ExceptionGroup: both (1 sub-exception)\n\n"
    "╭───────── Sub-exception #1 ─────────╮\n│ ValueError: 1 │\n╰─────────╯\n",
}

FOREIGN: dict[str, str] = {
    "a print": "hello\n",
    "an indented print": "    hello\n",
    "a print with a colon": "total: 7\n",
    "a print of one word": "done\n",
    "a warning": '/srv/a.py:7: UserWarning: old\n  warn("old")\n',
    "an exception in a thread": f"Exception in thread Thread-1 (f):\n{KEY}",
    "an exception in __del__": f"Exception ignored in: <function X.__del__ at 0x7f>\n{KEY}",
    "an exception while finalising, of 3.14": f"Exception ignored while calling deallocator <f>:\n{KEY}",
    "an exception in another process": f"Process Process-1:\n{KEY}",
    "basicConfig's line": "INFO:shop:hello\n",
    "uvicorn's access line": 'INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK\n',
    "gunicorn's line": "[2024-01-24 02:27:40 +0000] [77] [INFO] Handling signal: term\n",
    "Django's line": '[24/Jan/2024 02:27:40] "GET /pay HTTP/1.1" 200 12\n',
    "an access line": '10.0.0.1 - - [24/Jan/2024:02:27:40 +0000] "GET / HTTP/1.1" 200 2 "-" "-"\n',
    "a line of JSON": '{"message": "hello", "level": "info"}\n',
    "Celery's banner": " -------------- celery@host v5.7.0 (immunity)\n--- ***** -----\n",
    "a stranger's traceback": f"worker failed\n{KEY}",
}


def kept(shipped: Shipped, text: str) -> None:
    """No line is lost: each line's text is in a record."""
    told = "\n".join(
        part
        for source in shipped.sources
        for part in (without_prefix(source["message"]), source.get("error.stack_trace", ""))
    )
    for line in text.splitlines():
        words = re.findall(r"[a-z]{4,}", line)
        assert not words or any(word in told for word in words), line


@pytest.mark.parametrize("name", JOINING)
def test_an_exception_joins_the_error_before_it(name: str, tmp_path: Path) -> None:
    """All lines of it, whoever made it, are one record with the error, and none of the next line."""
    shipped = ship_text(tmp_path, f"{ERROR_A}{JOINING[name]}{ERROR_B}")
    first, second = shipped.sources
    assert (first["openreplay.session.id"], second["openreplay.session.id"]) == (A, B)
    assert without_prefix(first["message"]) == "failed"
    assert "error.stack_trace" not in second
    trace = first["error.stack_trace"]
    for line in JOINING[name].splitlines():
        assert line.replace("\x1b[35m", "").split("\x1b")[0].strip() in trace


@pytest.mark.parametrize("before", ["a line", "an error", "a traceback", "a group"])
@pytest.mark.parametrize("name", FOREIGN)
def test_everything_else_begins_a_record(name: str, before: str, tmp_path: Path) -> None:
    """What is nobody's stays nobody's, whatever of a session is before it, and no line is lost."""
    first = {
        "a line": INFO_A,
        "an error": ERROR_A,
        "a traceback": ERROR_A + KEY,
        "a group": ERROR_A + GROUP,
    }
    text = f"{first[before]}{FOREIGN[name]}{ERROR_B}"
    shipped = ship_text(tmp_path, text)
    assert [s.get("openreplay.session.id") for s in shipped.sources].count(A) == 1
    of_a, *foreign, of_b = shipped.sources
    assert of_a["openreplay.session.id"] == A
    assert of_b["openreplay.session.id"] == B
    assert foreign
    for line in FOREIGN[name].splitlines():
        assert line.strip() not in of_a.get("error.stack_trace", "") or line in KEY
        assert line.strip() not in of_a["message"]
    kept(shipped, FOREIGN[name])


def sessions(shipped: Shipped) -> list[tuple[str | None, str]]:
    """Of whom each record is, and its exception's text."""
    return [(s.get("openreplay.session.id"), s.get("error.message", "")) for s in shipped.sources]


_OF_SEVERAL_LINES = {
    "a chain behind a text of several lines", "a traceback with a note and the stack",
}  # fmt: skip


@pytest.mark.parametrize(
    "head", ["Jan 24 02:27:39 web1 shop[77]: ", "<11>1 2024-01-24T02:27:39Z web1 shop 77 - - "]
)
@pytest.mark.parametrize("name", sorted(JOINING.keys() - _OF_SEVERAL_LINES))
def test_an_exception_joins_inside_of_syslog(name: str, head: str, tmp_path: Path) -> None:
    """As journalctl prints it: each of its lines has a head; the lines of another program are its own."""

    def logged(text: str, head: str = head) -> str:
        return "".join(f"{head}{line}\n" for line in text.splitlines())

    other = head.replace("shop", "nginx").replace("77", "78")
    text = f"{ERROR_A}{JOINING[name]}"
    shipped = ship_text(tmp_path, logged(text) + logged(ERROR_B) + logged(KEY, other) + logged(KEY))
    first, second, *others = shipped.sources
    assert (first["openreplay.session.id"], second["openreplay.session.id"]) == (A, B)
    assert without_prefix(first["message"]) == "failed"
    assert "error.stack_trace" not in second
    for line in JOINING[name].splitlines():
        assert line.replace("\x1b[35m", "").split("\x1b")[0].strip() in first["error.stack_trace"]
    told = [(s.get("openreplay.session.id"), s["error.type"], s["process.name"]) for s in others]
    assert told == [(None, "KeyError", "nginx"), (None, "KeyError", "shop")]


def test_a_second_traceback_is_a_record_of_its_own(tmp_path: Path) -> None:
    """Without a chaining sentence nothing says that it is the same exception's."""
    shipped = ship_text(tmp_path, f"{ERROR_A}{KEY}{FRAMES}ValueError: nobody's\n")
    assert sessions(shipped) == [(A, "7"), (None, "nobody's")]


def test_a_traceback_behind_a_line_that_is_no_error_is_nobodys(tmp_path: Path) -> None:
    """What print_exc() writes after somebody's line cannot be told from that line's own exception."""
    shipped = ship_text(tmp_path, INFO_A + KEY)
    assert sessions(shipped) == [(A, ""), (None, "7")]
    assert sessions(ship_text(tmp_path, f"{TAG_A} printed\n{KEY}")) == [(A, ""), (None, "7")]
    nobodys = ship_text(tmp_path, f"2024-01-24 02:27:39,324 INFO shop: fine\n{KEY}")
    assert sessions(nobodys) == [(None, "7")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{ERROR_A}{FRAMES}KeyError: {TAG_A} seven\n", [(A, "seven")]),
        (f"{ERROR_A}{FRAMES}KeyError: {TAG_B} seven\n", [(A, ""), (B, "seven")]),
        (f"ERROR:shop:nobody's\n{FRAMES}KeyError: {TAG_B} seven\n", [(None, ""), (B, "seven")]),
        (f"{INFO_A}{FRAMES}KeyError: {TAG_B} seven\n", [(A, ""), (B, "seven")]),
        (f"{FRAMES}KeyError: {TAG_B} seven\n", [(B, "seven")]),
        (f"Exception in thread T:\n{FRAMES}KeyError: {TAG_B} seven\n", [(B, "seven")]),
        # The tag is written into the last exception of a chain, and covers its causes.
        (f"{ERROR_A}{KEY}{CAUSE}{FRAMES}E: {TAG_B} x\n", [(A, ""), (B, "x")]),
        (f"{ERROR_A}{KEY}{CAUSE}{FRAMES}E: {TAG_A} x\n", [(A, "x")]),
        # A cause that is another's: what no tag covers is nobody's.
        (f"{ERROR_A}{FRAMES}E: {TAG_B} y\n{CAUSE}{KEY}", [(A, ""), (B, "y"), (None, "7")]),
        (f"{ERROR_A}{FRAMES}E: {TAG_B} y\n{CAUSE}{FRAMES}E: {TAG_A} x\n", [(A, ""), (B, "y"), (A, "x")]),
        # Of a group the group's own line, and a member's.
        (
            ERROR_A + GROUP.replace("Group: both", f"Group: {TAG_B} both"),
            [(A, ""), (B, "both (2 sub-exceptions)\na note")],
        ),
        (
            ERROR_A + GROUP_ALONE.replace("TypeError: 8", f"TypeError: {TAG_B} 8"),
            [(A, "both (2 sub-exceptions)"), (None, ""), (B, "")],
        ),
    ],
)  # fmt: skip
def test_a_tag_in_an_exception_makes_a_record_of_its_session(
    text: str, expected: list[tuple[str | None, str]], tmp_path: Path
) -> None:
    """Where it differs from that of the record before it."""
    shipped = ship_text(tmp_path, text)
    assert [(s, m) for s, m in sessions(shipped)] == expected


def test_lines_with_a_tag_before_each(tmp_path: Path) -> None:
    """As a stamped stream has them: a traceback's lines join by their tag, another's between them does not."""
    tagged = "".join(f"{TAG_A} {line}\n" for line in f"printed\n{KEY}".splitlines())
    (source,) = ship_text(tmp_path, tagged).sources
    assert (source["openreplay.session.id"], source["error.type"]) == (A, "KeyError")
    lines = tagged.splitlines(keepends=True)
    torn = [*lines[:3], f"{TAG_B}     of B\n", "    of nobody\n", *lines[3:]]
    shipped = ship_text(tmp_path, "".join(torn))
    for source in shipped.sources:
        who = source.get("openreplay.session.id")
        told = source["message"] + source.get("error.stack_trace", "")
        assert ("of B" in told) == (who == B)
        assert ("of nobody" in told) == (who is None)


def test_the_streams_of_a_container_are_joined_apart(tmp_path: Path) -> None:
    """A traceback on stderr with lines of stdout between its own stays whole, parts of lines too."""

    def docker(stream: str, text: str) -> str:
        return json.dumps({"log": text, "stream": stream, "time": "2024-01-24T02:27:39Z"})

    lines = [
        docker("stderr", f"ERROR:shop:{TAG_A} fa"),
        docker("stdout", "prin"),
        docker("stderr", "iled\n"),
    ]
    for line in KEY.splitlines():
        lines += [
            docker("stderr", line + "\n"),
            docker("stdout", "ted\n" if line[0] == "T" else f"INFO:shop:{TAG_B} b\n"),
        ]
    shipped = ship_text(tmp_path, "\n".join(lines))
    (of_a,) = [s for s in shipped.sources if s.get("openreplay.session.id") == A]
    assert without_prefix(of_a["message"]) == "failed"
    assert of_a["error.stack_trace"] == KEY.rstrip("\n")
    assert [s["message"] for s in shipped.sources if "openreplay.session.id" not in s] == [
        "printed"
    ]


FORGED: dict[str, str] = {
    "colours in a tag": f"INFO:shop:[openReplay\x1b[0mSession.id={B}] typed",
    "colours in a tag of no format": f"[openReplaySession\x1b[31m.id={B}] typed",
    "escapes of JSON in a text file": f'{{"message": "[openReplaySession\\u002eid={B}] typed"}}',
    "a field of JSON in a text file": f'{{"message": "typed", "openreplay.session.id": "{B}"}}',
    "a nested field in a text file": f'{{"message": "typed", "openreplay": {{"session": {{"id": "{B}"}}}}}}',
    "a field of logfmt in a text file": f"msg=typed openreplay.session.id={B}",
    "escapes of logfmt": f'level=info msg="[openReplaySession\\.id={B}] typed"',
    "a tag behind the text": f"2024-01-24 02:27:39,324 INFO shop: typed {TAG_B}",
    "a tag behind a name in the text": f"[2024-01-24 02:27:39 +0000] [77] [INFO] bob: {TAG_B} typed",
    "a tag behind a sentence of no format": f"bob said so at 05:00 {TAG_B} typed",
    "a tag in the text of an exception": f"ERROR:shop:no\n{FRAMES}KeyError: typed {TAG_B}",
    "a tag in a group's member": ERROR_A
    + GROUP_ALONE.replace("KeyError: 7", f"KeyError: typed {TAG_B}"),
    "a tag in a JSON exception's text": json.dumps(
        {"message": "x", "error": {"message": f"{TAG_B} typed", "type": "E"}}
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_users_typed_names_no_session(name: str, tmp_path: Path) -> None:
    """A tag counts where it is written, as it is in the file; a field only in a file of fields."""
    shipped = ship_text(tmp_path, f"INFO:shop:first\n{FORGED[name]}\n")
    for source in shipped.sources:
        assert source.get("openreplay.session.id") != B
        assert TAG_B not in json.dumps(source)
    assert "typed" in json.dumps(shipped.sources)


def test_the_field_of_a_record_wins_over_its_text(tmp_path: Path) -> None:
    """In a file of JSON lines the record's own field decides, and the tag that was typed is made harmless."""
    line = {"message": f"{TAG_B} typed", "openreplay.session.id": A}
    (source,) = ship_text(tmp_path, json.dumps(line)).sources
    assert source["openreplay.session.id"] == A
    assert TAG_B not in source["message"]


UNKNOWN = {
    "27.11.2026 05:00:00;ERROR;shop;{} boom": ("ERROR", "shop"),
    "27/Nov/2026 05:00:00 | ERROR | shop | {} boom": ("ERROR", "shop"),
    "05:00:00 ERROR shop: {} boom": ("ERROR", "shop"),
    "shop ERROR {} boom": ("ERROR", "shop"),
    "Fri Nov 27 05:00:00 2026 ERROR shop: {} boom": ("ERROR", "shop"),
    "1732683600.123 [ERROR] {} boom": ("ERROR", None),
    "ERROR    shop:pay.py:88 {} boom": ("ERROR", "shop"),
    "(ERROR) shop.pay {} boom": ("ERROR", "shop.pay"),
    "2026-11-27 05:00:00,123 ERROR    shop pay.py:88: {} boom": ("ERROR", "shop"),
    "05:00:00 ERROR shop /srv/pay.py:88 {} boom": ("ERROR", "shop"),
    "ERROR shop.pay pay.py:88 - {} boom": ("ERROR", "shop.pay"),
}


@pytest.mark.parametrize("line", UNKNOWN)
def test_a_format_that_nobody_knows_keeps_what_can_be_seen(line: str, tmp_path: Path) -> None:
    """Text, level and session; a tag counts behind a head, not behind a sentence."""
    (source,) = ship_text(tmp_path, line.format(TAG_A) + "\n").sources
    level, logger = UNKNOWN[line]
    assert source["openreplay.session.id"] == A
    assert (source["log.level"], source.get("log.logger")) == (level, logger)
    assert source["message"].startswith(TAG_A)
    assert source["message"].endswith("boom")
