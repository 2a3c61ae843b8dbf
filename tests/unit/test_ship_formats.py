"""Each format of a log line becomes the fields that it names."""

from __future__ import annotations

import io
import json
import logging
import time
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import Settings
from openreplay_otel.document.builder import DocumentBuilder
from openreplay_otel.ship.formats.table import FORMATS, LogFormat
from tests.emitting import App

from .cli_harness import TOKEN
from .contract import EXAMPLE_ID
from .shipping import ship_text

if TYPE_CHECKING:
    from pathlib import Path

_ALWAYS = {
    "@timestamp", "utc_time", "level", "log.level", "tags", "ecs.version", "log.file.path", "openreplay.assumed",
}  # fmt: skip
_TAGGED = f"[openReplaySession.id={EXAMPLE_ID}] boom"


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_each_row_of_the_table_is_read_as_it_says(row: LogFormat, tmp_path: Path) -> None:
    """The example of each format becomes the fields that the row names, and no others."""
    (source,) = ship_text(tmp_path, row.example + "\n").sources
    assert {name: source[name] for name in row.reads} == dict(row.reads)
    expected = {"error"} if "error" in source["level"] else set[str]()
    assert set(source["tags"]) == expected
    others = source.keys() - row.reads.keys() - _ALWAYS
    assert not others


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
    # Nobody writes a tag there: it is the exception's text, which may be what a user sent.
    assert "openreplay.session.id" not in source
    assert source["error.message"] == "[openReplaySession_Token=(token removed)] no"
