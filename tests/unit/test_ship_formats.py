"""Each format of a log line becomes the fields that it names."""

from __future__ import annotations

import io
import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import Settings
from openreplay_otel.export.document import DocumentBuilder
from tests.emitting import App

from .cli_harness import TOKEN
from .contract import EXAMPLE_ID
from .shipping import ship_text

if TYPE_CHECKING:
    from pathlib import Path

_TIME = "2024-01-24T02:27:39.324000Z"
_TAGGED = f"[openReplaySession.id={EXAMPLE_ID}] boom"


def fields(**values: Any) -> dict[str, Any]:
    """Fields by name, with __ for a dot."""
    return {name.replace("__", "."): value for name, value in values.items()}


ERROR = {"level": "error", "log.level": "ERROR", "tags": ["error"], "message": "boom"}
LOGGED = {**ERROR, "@timestamp": _TIME}
SHOP = {**LOGGED, "log.logger": "shop"}
DOTTED = {**LOGGED, "log.logger": "shop.pay"}

LINES: dict[str, tuple[str, dict[str, Any]]] = {
    "name dash level": ("2024-01-24 02:27:39,324 - shop - ERROR - boom", SHOP),
    "level dash": ("2024-01-24 02:27:39,324 - ERROR - boom", LOGGED),
    "level name colon": ("2024-01-24 02:27:39,324 ERROR shop: boom", SHOP),
    "level name dash": ("2024-01-24 02:27:39,324 ERROR shop.pay - boom", DOTTED),
    "level in brackets": ("2024-01-24 02:27:39,324 [ERROR] shop: boom", SHOP),
    "name in brackets": ("2024-01-24 02:27:39,324 ERROR [shop.pay] boom", DOTTED),
    "level colon": ("2024-01-24 02:27:39,324 ERROR: boom", LOGGED),
    "only a level": ("2024-01-24 02:27:39,324 ERROR boom", LOGGED),
    "flask": ("[2024-01-24 02:27:39,324] ERROR in shop: boom", SHOP),
    "gunicorn": (
        "[2024-01-24 02:27:39 +0000] [77] [ERROR] boom",
        {**LOGGED, "@timestamp": "2024-01-24T02:27:39.000000Z", "process.pid": 77},
    ),
    "celery": (
        "[2024-01-24 02:27:39,324: ERROR/ForkPoolWorker-1] boom",
        {**LOGGED, "process.name": "ForkPoolWorker-1"},
    ),
    "loguru": (
        "2024-01-24 02:27:39.324 | ERROR    | shop.pay:charge:88 - boom",
        {**DOTTED, "log.origin.function": "charge", "log.origin.file.line": 88},
    ),
    "structlog console": (
        "\x1b[2m2024-01-24T02:27:39.324Z\x1b[0m [\x1b[31merror    \x1b[0m] boom",
        {**LOGGED, "log.level": "error"},
    ),
    "a zone of its own": ("2024-01-24T07:57:39.324+05:30 ERROR boom", LOGGED),
    "logback": (
        "2024-01-24 02:27:39,324 [main] ERROR shop.pay - boom",
        {**DOTTED, "process.thread.name": "main"},
    ),
    "opentelemetry": (
        (
            "2024-01-24 02:27:39,324 ERROR [shop.pay] [pay.py:88]"
            " [trace_id=7a3fc840732af2a3aee9dfe0820d371c span_id=65bc69685992428e"
            " resource.service.name=shop trace_sampled=True] - boom"
        ),
        {
            **DOTTED, "log.origin.file.name": "pay.py", "log.origin.file.line": 88, "service.name": "shop",
            "trace.id": "7a3fc840732af2a3aee9dfe0820d371c", "span.id": "65bc69685992428e",
        },
    ),
    "django": (
        "ERROR 2024-01-24 02:27:39,324 views 77 140 boom",
        {**LOGGED, "log.logger": "views", "process.pid": 77, "process.thread.id": 140},
    ),
    "rfc 5424": (
        '<131>1 2024-01-24T02:27:39.324Z web1 shop 77 - [a@1 b="c]"] boom',
        {**LOGGED, "log.level": "err", "host.name": "web1", "process.name": "shop", "process.pid": 77},
    ),
    "logfmt": (
        f'time=2024-01-24T02:27:39.324Z level=error msg="boom" order=7 session="{"x" * 3}"',
        {**LOGGED, "log.level": "error", "labels.order": "7", "labels.session": "xxx"},
    ),
    "ecs-logging": (
        json.dumps(
            {
                "@timestamp": "2024-01-24T02:27:39.324Z", "log.level": "error", "message": "boom",
                "ecs": {"version": "1.6.0"}, "process": {"pid": 77},
                "log": {"logger": "shop", "origin": {"file": {"line": 8, "name": "a.py"}, "function": "f"}},
                "error": {"type": "E", "message": "m", "stack_trace": "t"}, "labels": {"a": {"b": 1}},
            }
        ),
        {
            **SHOP, "log.level": "error", "process.pid": 77, "log.origin.file.line": 8,
            "log.origin.file.name": "a.py", "log.origin.function": "f", "labels.a.b": "1",
            "error.type": "E", "error.message": "m", "error.stack_trace": "t",
        },
    ),
    "structlog": (
        '{"event":"boom","level":"error","timestamp":"2024-01-24T02:27:39.324Z","logger":"shop","order":7}',
        {**SHOP, "log.level": "error", "labels.order": "7"},
    ),
    "python-json-logger": (
        '{"message":"boom","asctime":"2024-01-24 02:27:39,324","levelname":"ERROR","name":"shop"}',
        SHOP,
    ),
    "pino": (
        '{"level":50,"time":1706063259324,"pid":77,"hostname":"w","msg":"boom"}',
        {**LOGGED, "log.level": "error", "labels.pid": "77", "labels.hostname": "w"},
    ),
    "loguru serialized": (
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
            **SHOP, "log.origin.function": "f", "log.origin.file.line": 8, "log.origin.file.name": "/a.py",
            "process.pid": 77, "process.thread.name": "Main", "labels.extra.order": "7",
        },
    ),
    "docker": (
        '{"log":"2024-01-24 02:27:39,324 ERROR shop: boom\\n","stream":"stderr","time":"2024-01-24T02:30:00Z"}',
        SHOP,
    ),
    "docker, no time of its own": (
        '{"log":"ERROR:shop:boom\\n","stream":"stderr","time":"2024-01-24T02:27:39.324Z"}',
        SHOP,
    ),
    "kubernetes": ("2024-01-24T02:27:39.324000000Z stderr F ERROR:shop:boom", SHOP),
    "kubernetes around json": (
        '2024-01-24T02:27:39.324000000Z stdout F {"msg":"boom","level":"ERROR","logger":"shop"}',
        SHOP,
    ),
    "access": (
        '10.0.0.1 - bob [24/Jan/2024:02:27:39 +0000] "GET /x?y HTTP/1.1" 503 12 "-" "curl"',
        {
            "@timestamp": "2024-01-24T02:27:39.000000Z", "level": "error", "tags": ["error"],
            "message": '10.0.0.1 - bob [24/Jan/2024:02:27:39 +0000] "GET /x?y HTTP/1.1" 503 12 "-" "curl"',
            "client.address": "10.0.0.1", "http.request.method": "GET",
            "http.response.status_code": 503, "openreplay.assumed": ["level"],
        },
    ),
    "a time and a text": (
        "2024-01-24 02:27:39,324 it began",
        {
            "@timestamp": _TIME, "level": "info", "tags": [], "message": "it began",
            "openreplay.assumed": ["level"],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_a_line_becomes_its_fields(name: str, tmp_path: Path) -> None:
    """Time, level, logger, text and what else the format names stand in the fields of a live record."""
    line, expected = LINES[name]
    (document,) = ship_text(tmp_path, line + "\n").documents
    assert document == expected


@pytest.mark.parametrize(
    "tag",
    [
        f"[openReplaySession.id={EXAMPLE_ID}]",
        f"[OPENREPLAYSESSION.ID={EXAMPLE_ID}]",
        f"[openReplaySessionToken={EXAMPLE_ID}]",
        f"[openReplaySessionToken={TOKEN}]",
        f"[asayer_session_id={EXAMPLE_ID}]",
        f"[openReplaySession.id={EXAMPLE_ID}][openReplaySessionToken={EXAMPLE_ID}]",
    ],
)
@pytest.mark.parametrize(
    "line",
    [
        "2024-01-24 02:27:39,324 - shop - ERROR - {} boom",
        "{} 2024-01-24 02:27:39,324 ERROR shop: boom",
        "2024-01-24 02:27:39,324 ERROR {} boom",
        "ERROR:shop:{} boom",
        '{{"msg":"{} boom","level":"ERROR"}}',
        "Jan 24 02:27:39 web1 shop[7]: {} boom",
        "{} boom",
    ],
)
def test_a_tag_of_any_generation_names_the_session(tag: str, line: str, tmp_path: Path) -> None:
    """The session of a tag is stored as its id, in the text the tag of today stands; a token is nowhere."""
    shipped = ship_text(tmp_path, line.format(tag) + "\n")
    (source,) = shipped.sources
    assert source["openreplay.session.id"] == EXAMPLE_ID
    assert source["message"] == _TAGGED
    assert TOKEN not in str(source)


@pytest.mark.parametrize(
    "field",
    [
        "openreplay.session.id",
        "openReplaySession.id",
        "openReplaySessionToken",
        "asayer_session_id",
    ],
)
def test_a_field_of_a_json_line_names_the_session_too(field: str, tmp_path: Path) -> None:
    """A session in a field of its own, as id or token, counts like a tag."""
    value = TOKEN if field.endswith("Token") else EXAMPLE_ID
    line = json.dumps({"message": "boom", "level": "error", field: value})
    (source,) = ship_text(tmp_path, line).sources
    assert source["message"] == _TAGGED
    assert TOKEN not in str(source)


def test_a_tag_inside_a_text_is_made_harmless(tmp_path: Path) -> None:
    """What a user sent cannot put a line into a stranger's recording."""
    line = f"2024-01-24 02:27:39,324 ERROR shop: name was [openReplaySession.id={EXAMPLE_ID}]\n"
    (source,) = ship_text(tmp_path, line).sources
    assert "openreplay.session.id" not in source
    assert source["message"] == f"name was [openReplaySession_id={EXAMPLE_ID}]"


class UtcFormatter(logging.Formatter):
    """Writes times in UTC."""

    converter = time.gmtime


def test_a_shipped_record_has_the_fields_of_a_live_one(tmp_path: Path) -> None:
    """The same record, exported and written to a file by Python's own formatter, is the same document."""
    settings = Settings(app_url="https://replay.example.org", project_id=3)
    app = App("shop", settings)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        UtcFormatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s", "%Y-%m-%d %H:%M:%S")
    )
    app.logger.addHandler(handler)
    try:
        raise ConnectionError("the bank hung up")
    except ConnectionError as error:
        app.log(
            EXAMPLE_ID, "order failed", level=logging.ERROR, at_ms=1_706_063_300_000, error=error
        )
    (record,) = app.take()
    live = DocumentBuilder(settings).build(record)
    assert live is not None
    written = stream.getvalue().replace("- order", f"- [openReplaySession.id={EXAMPLE_ID}] order")
    shipped = ship_text(tmp_path, written, settings=settings, service="shop")
    assert shipped.indexes == [live.index]
    source, expected = shipped.sources[0], json.loads(live.source)
    only_live = {"log.origin.file.name", "log.origin.file.line", "log.origin.function"}
    for times in (source, expected):
        # A log file has whole seconds here.
        times.update({name: times[name][:19] for name in ("@timestamp", "utc_time")})
    expected["error.stack_trace"] = expected["error.stack_trace"].rstrip("\n")
    assert {k: v for k, v in source.items() if k != "log.file.path"} == {
        k: v for k, v in expected.items() if k not in only_live
    }


def test_a_token_is_left_nowhere_in_a_document(tmp_path: Path) -> None:
    """Neither in the copy of the text that ecs-logging keeps, nor in an exception or a label."""
    tagged = f"[openReplaySessionToken={TOKEN}]"
    line = {
        "message": "boom", "log.level": "error", "log": {"original": f"{tagged} boom"},
        "error": {"message": f"{tagged} no", "type": "E", "stack_trace": f"E: {tagged} no"},
        "headers": f"openReplaySessionToken: {TOKEN}",
    }  # fmt: skip
    (source,) = ship_text(tmp_path, json.dumps(line)).sources
    assert TOKEN not in json.dumps(source)
    # Of old patches that put the tag before the text of exceptions.
    assert source["openreplay.session.id"] == EXAMPLE_ID
    assert source["error.message"] == "no"
