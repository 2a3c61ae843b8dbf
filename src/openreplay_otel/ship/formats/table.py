# ruff: noqa: E501 - a row of the table is read best in one line
"""The table of formats: the parsers, the docs and the tests all go by it. Pure.

A format is a row: what writes it, an example, and what is read from the example. The order of rows is that in
which a line is tried, among those whose first character fits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from . import access, level_first, logfmt, printed, syslog, time_first

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..record import ParsedRecord
    from ..times import TimeReader

    Parser = Callable[[str, TimeReader], ParsedRecord | None]

DIGIT: Final = "0"
BRACKET_DIGIT: Final = "[0"
BRACKET: Final = "["
UPPER: Final = "A"
LOWER: Final = "a"
ANGLE: Final = "<"
OTHER: Final = ""

_TIME: Final = "2024-01-24T02:27:39.324000Z"
_SECOND: Final = "2024-01-24T02:27:39.000000Z"
_ERROR: Final = {"log.level": "ERROR", "message": "boom"}
_LOGGED: Final = {**_ERROR, "@timestamp": _TIME}
_SHOP: Final = {**_LOGGED, "log.logger": "shop"}
_TRACE: Final = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: 7'
_LOWER: Final = {**_SHOP, "log.level": "error"}


@dataclass(frozen=True)
class LogFormat:
    """One format.

    Attributes:
        name: Which format it is, for the docs.
        example: A line of it, or several.
        reads: What the document made of the example says, by field; not the fields that all have.
        parser: Reads a line; None where :mod:`~openreplay_otel.ship.splitter` itself does, for JSON and
            what containers put around a line.
        begins: With which kinds of characters its lines begin.
    """

    name: str
    example: str
    reads: Mapping[str, Any] = field(default_factory=dict[str, Any])
    parser: Parser | None = None
    begins: tuple[str, ...] = ()


_BY_TIME: Final = (time_first.parse, (DIGIT, BRACKET_DIGIT, OTHER))
_BY_LEVEL: Final = (level_first.parse, (UPPER, BRACKET))

FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat("logging.basicConfig()", "ERROR:shop:boom", {**_ERROR, "log.logger": "shop"}, *_BY_LEVEL),
    LogFormat("time - name - level - text", "2024-01-24 02:27:39,324 - shop - ERROR - boom", _SHOP, *_BY_TIME),
    LogFormat("time - level - text", "2024-01-24 02:27:39,324 - ERROR - boom", _LOGGED, *_BY_TIME),
    LogFormat("time - level - name - text", "2024-01-24 02:27:39,324 - ERROR - shop - boom", _SHOP, *_BY_TIME),
    LogFormat("time level name: text", "2024-01-24 02:27:39,324 ERROR shop: boom", _SHOP, *_BY_TIME),
    LogFormat(
        "time level name: text, whole seconds", "2024-01-24 02:27:39 ERROR shop: boom",
        {**_SHOP, "@timestamp": _SECOND}, *_BY_TIME,
    ),
    LogFormat("time level name: text, with a zone", "2024-01-24T07:57:39.324+05:30 ERROR shop: boom", _SHOP, *_BY_TIME),
    LogFormat("time level name - text", "2024-01-24 02:27:39,324 ERROR shop - boom", _SHOP, *_BY_TIME),
    LogFormat("time name level: text", "2024-01-24 02:27:39,324 shop ERROR: boom", _SHOP, *_BY_TIME),
    LogFormat("time name level - text", "2024-01-24 02:27:39,324 shop ERROR - boom", _SHOP, *_BY_TIME),
    LogFormat("time [level] name: text", "2024-01-24 02:27:39,324 [ERROR] shop: boom", _SHOP, *_BY_TIME),
    LogFormat("[time] [level] name: text", "[2024-01-24 02:27:39,324] [ERROR   ] shop: boom", _SHOP, *_BY_TIME),
    LogFormat("time level [name] text", "2024-01-24 02:27:39,324 ERROR [shop] boom", _SHOP, *_BY_TIME),
    LogFormat("time | level | name | text", "2024-01-24 02:27:39,324 | ERROR | shop | boom", _SHOP, *_BY_TIME),
    LogFormat("time | name | level | text", "2024-01-24 02:27:39,324 | shop | ERROR | boom", _SHOP, *_BY_TIME),
    LogFormat("time:level:name: text", "2024-01-24 02:27:39,324:ERROR:shop: boom", _SHOP, *_BY_TIME),
    LogFormat("time level: text", "2024-01-24 02:27:39,324 ERROR: boom", _LOGGED, *_BY_TIME),
    LogFormat("time level text", "2024-01-24 02:27:39,324 ERROR boom", _LOGGED, *_BY_TIME),
    LogFormat("level time text", "ERROR 2024-01-24 02:27:39,324 boom", _LOGGED, *_BY_LEVEL),
    LogFormat("[level] name: text", "[ERROR   ] shop: boom", {**_ERROR, "log.logger": "shop"}, *_BY_LEVEL),
    LogFormat("level: text (uvicorn)", "ERROR:    boom", _ERROR, *_BY_LEVEL),
    LogFormat(
        "level time module process thread text (Django's verbose)", "ERROR 2024-01-24 02:27:39,324 views 77 140 boom",
        {**_LOGGED, "log.logger": "views", "process.pid": 77, "process.thread.id": 140}, *_BY_LEVEL,
    ),
    LogFormat(
        "Django's runserver", '[24/Jan/2024 02:27:39] "GET /pay HTTP/1.1" 500 12',
        {
            "@timestamp": _SECOND, "message": '"GET /pay HTTP/1.1" 500 12', "log.logger": "django.server",
            "http.request.method": "GET", "http.response.status_code": 500,
        },
        access.parse_django, (BRACKET_DIGIT,),
    ),
    LogFormat(
        "Django's failed requests", "Internal Server Error: /pay",
        {"log.level": "ERROR", "log.logger": "django.request", "message": "Internal Server Error: /pay"},
        printed.parse_failed_request, (UPPER,),
    ),
    LogFormat(
        "gunicorn, hypercorn", "[2024-01-24 02:27:39 +0000] [77] [ERROR] boom",
        {**_LOGGED, "@timestamp": _SECOND, "process.pid": 77}, *_BY_TIME,
    ),
    LogFormat("Flask, Quart", "[2024-01-24 02:27:39,324] ERROR in shop: boom", _SHOP, *_BY_TIME),
    LogFormat("waitress", "ERROR:waitress:boom", {**_ERROR, "log.logger": "waitress"}, *_BY_LEVEL),
    LogFormat(
        "Celery", "[2024-01-24 02:27:39,324: ERROR/ForkPoolWorker-1] boom",
        {**_LOGGED, "process.name": "ForkPoolWorker-1"}, *_BY_TIME,
    ),
    LogFormat(
        "Celery's tasks",
        "[2024-01-24 02:27:39,324: ERROR/ForkPoolWorker-1] shop[7d3c5a2e-88f0-4b55-9d1c-2f3a4b5c6d7e]: boom",
        {
            **_SHOP, "process.name": "ForkPoolWorker-1",
            "labels.celery.task_id": "7d3c5a2e-88f0-4b55-9d1c-2f3a4b5c6d7e",
        },
        *_BY_TIME,
    ),
    LogFormat(
        "loguru", "2024-01-24 02:27:39.324 | ERROR    | shop:charge:88 - boom",
        {**_SHOP, "log.origin.function": "charge", "log.origin.file.line": 88}, *_BY_TIME,
    ),
    LogFormat(
        "loguru, coloured",
        "\x1b[32m2024-01-24 02:27:39.324\x1b[0m | \x1b[31m\x1b[1mERROR   \x1b[0m | \x1b[36mshop\x1b[0m:\x1b[36mcharge\x1b[0m"
        ":\x1b[36m88\x1b[0m - \x1b[31m\x1b[1mboom\x1b[0m",
        {**_SHOP, "log.origin.function": "charge", "log.origin.file.line": 88}, *_BY_TIME,
    ),
    LogFormat(
        "structlog's console", "\x1b[2m2024-01-24 02:27:39.324\x1b[0m [\x1b[31m\x1b[1merror    \x1b[0m] \x1b[1mboom\x1b[0m",
        {**_LOGGED, "log.level": "error"}, *_BY_TIME,
    ),
    LogFormat(
        "OpenTelemetry's logging format",
        "2024-01-24 02:27:39,324 ERROR [shop] [pay.py:88] [trace_id=7a3fc840732af2a3aee9dfe0820d371c"
        " span_id=65bc69685992428e resource.service.name=shop trace_sampled=True] - boom",
        {
            **_SHOP, "log.origin.file.name": "pay.py", "log.origin.file.line": 88, "service.name": "shop",
            "trace.id": "7a3fc840732af2a3aee9dfe0820d371c", "span.id": "65bc69685992428e",
        },
        *_BY_TIME,
    ),
    LogFormat(
        "logback", "2024-01-24 02:27:39,324 [main] ERROR shop - boom",
        {**_SHOP, "process.thread.name": "main"}, *_BY_TIME,
    ),
    LogFormat(
        "access lines (common, combined)", '10.0.0.1 - bob [24/Jan/2024:02:27:39 +0000] "GET /x?y HTTP/1.1" 503 12 "-" "curl"',
        {
            "@timestamp": _SECOND, "client.address": "10.0.0.1", "http.request.method": "GET",
            "http.response.status_code": 503,
            "message": '10.0.0.1 - bob [24/Jan/2024:02:27:39 +0000] "GET /x?y HTTP/1.1" 503 12 "-" "curl"',
        },
        access.parse, (DIGIT, LOWER, OTHER),
    ),
    LogFormat(
        "syslog (RFC 3164)", "<11>Jan 24 02:27:39 web1 shop[77]: boom",
        {
            "log.level": "err", "message": "boom", "host.name": "web1", "process.name": "shop", "process.pid": 77,
        },
        syslog.parse, (UPPER, ANGLE),
    ),
    LogFormat(
        "syslog (RFC 5424)", '<131>1 2024-01-24T02:27:39.324Z web1 shop 77 - [a@1 b="c]"] boom',
        {**_LOGGED, "log.level": "err", "host.name": "web1", "process.name": "shop", "process.pid": 77},
        syslog.parse, (ANGLE,),
    ),
    LogFormat(
        "logfmt", 'time=2024-01-24T02:27:39.324Z level=error logger=shop msg="boom" order=7',
        {**_LOWER, "labels.order": "7"}, logfmt.parse, (LOWER,),
    ),
    LogFormat(
        "Python's warnings", '/srv/pay.py:7: UserWarning: boom\n  warn("boom")',
        {"log.level": "WARNING", "message": '/srv/pay.py:7: UserWarning: boom\n  warn("boom")'},
        printed.parse_warning, (DIGIT, UPPER, LOWER, ANGLE, OTHER),
    ),
    LogFormat(
        "Python's crashes",
        f"Exception in thread Thread-1 (f):\n{_TRACE}",
        {
            "log.level": "ERROR", "message": "Exception in thread Thread-1 (f):", "error.type": "KeyError",
            "error.message": "7",
            "error.stack_trace": _TRACE,
        },
        printed.parse_crash, (UPPER, OTHER),
    ),
    LogFormat(
        "ECS (ecs-logging), nested and dotted names",
        json.dumps(
            {
                "@timestamp": "2024-01-24T02:27:39.324Z", "log.level": "error", "message": "boom",
                "ecs": {"version": "1.6.0"}, "process": {"pid": 77},
                "log": {"logger": "shop", "origin": {"file": {"line": 8, "name": "a.py"}, "function": "f"}},
                "error": {"type": "E", "message": "m", "stack_trace": "t"}, "labels": {"a": {"b": 1}},
            }
        ),
        {
            **_LOWER, "process.pid": 77, "log.origin.file.line": 8, "log.origin.file.name": "a.py",
            "log.origin.function": "f", "labels.a.b": "1", "error.type": "E", "error.message": "m",
            "error.stack_trace": "t",
        },
    ),
    LogFormat(
        "structlog's JSON",
        '{"event":"boom","level":"error","timestamp":"2024-01-24T02:27:39.324Z","logger":"shop","order":7}',
        {**_LOWER, "labels.order": "7"},
    ),
    LogFormat(
        "python-json-logger", '{"message":"boom","asctime":"2024-01-24 02:27:39,324","levelname":"ERROR","name":"shop"}',
        _SHOP,
    ),
    LogFormat(
        "pino, bunyan", '{"level":50,"time":1706063259324,"pid":77,"name":"shop","msg":"boom"}',
        {**_LOWER, "labels.pid": "77"},
    ),
    LogFormat(
        "loguru's JSON (serialize=True)",
        json.dumps(
            {
                "text": "…",
                "record": {
                    "time": {"repr": "…", "timestamp": 1706063259.324}, "level": {"name": "ERROR", "no": 40},
                    "message": "boom", "name": "shop", "function": "f", "line": 8, "module": "shop",
                    "file": {"name": "a.py", "path": "/a.py"}, "process": {"id": 77, "name": "Main"},
                    "thread": {"id": 1, "name": "Main"}, "exception": None, "extra": {"order": 7},
                    "elapsed": {"seconds": 1},
                },
            }
        ),
        {
            **_SHOP, "log.origin.function": "f", "log.origin.file.line": 8, "log.origin.file.name": "/a.py",
            "process.pid": 77, "process.thread.name": "Main", "labels.extra.order": "7",
        },
    ),
    LogFormat(
        "Docker, around any of them",
        '{"log":"ERROR:shop:boom\\n","stream":"stderr","time":"2024-01-24T02:27:39.324Z"}', _SHOP,
    ),
    LogFormat(
        "Kubernetes (CRI), around any of them", "2024-01-24T02:27:39.324000000Z stderr F ERROR:shop:boom", _SHOP,
    ),
)  # fmt: skip


def _by_begin() -> dict[str, tuple[Parser, ...]]:
    found: dict[str, dict[Parser, None]] = {}
    for row in FORMATS:
        if row.parser is not None:
            for begin in row.begins:
                found.setdefault(begin, {})[row.parser] = None
    return {begin: tuple(parsers) for begin, parsers in found.items()}


_PARSERS: Final = _by_begin()
_NO_PARSERS: Final[tuple[Parser, ...]] = ()


def recognise(line: str, times: TimeReader) -> ParsedRecord | None:
    """The record that a line begins; None where it is of no format of the table.

    Args:
        line: Without its end, not blank; no JSON, and nothing of a container around it.
        times: Reads its time.
    """
    first = line[0]
    if first.isdigit():
        kind = DIGIT
    elif first == "[":
        kind = BRACKET_DIGIT if line[1:2].isdigit() else BRACKET
    elif first == "<":
        kind = ANGLE
    else:
        kind = UPPER if first.isupper() else LOWER if first.islower() else OTHER
    for parse in _PARSERS.get(kind, _NO_PARSERS):
        record = parse(line, times)
        if record is not None:
            return record
    return None
