"""filelog.yaml reads each line of a file as a record of its own, in the formats that `ship` knows."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from openreplay_otel.ship.formats.table import FORMATS
from tests.collector.document_server import DocumentServer
from tests.servers.collector import CONFIG, Collector
from tests.unit.contract import EXAMPLE_ID, EXAMPLE_TOKEN_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from openreplay_otel.ship.formats.table import LogFormat

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("otelcol")]

TOKEN: Final = f"{EXAMPLE_TOKEN_ID}.-2s.lrs1kx1q.5Kd3NBUAdUnhyzenEwVLy9pBKxSwXvE9FMPyR4UKZvpe"
VICTIM: Final = "2618307011354435999"
_A: Final = f"[openReplaySession.id={EXAMPLE_ID}]"
_V: Final = f"[openReplaySession.id={VICTIM}]"

_IN_CONTAINERS: Final = ("Docker", "Kubernetes")
_OTHERWISE: Final[dict[str, dict[str, Any]]] = {
    # Kept whole: only its level, its time, and the session of its text are read.
    "logfmt": {
        "message": 'time=2024-01-24T02:27:39.324Z level=error logger=shop msg="boom" order=7',
        "log.logger": None,
        "labels.order": None,
    },
    # Nothing is joined: the other lines are records of their own.
    "Python's warnings": {"message": "/srv/pay.py:7: UserWarning: boom"},
    "Python's crashes": {"error.type": None, "error.message": None, "error.stack_trace": None},
}
"""What the Collector reads from a row's first line where that differs from what `ship` reads."""


@pytest.fixture
def server() -> Iterator[DocumentServer]:
    """What the Collector sends to."""
    with DocumentServer() as running:
        yield running


def reading(server: DocumentServer, folder: Path, **variables: str) -> Collector:
    """A Collector that reads all files ``*.log`` of a folder."""
    environment = {
        "OPENREPLAY_OTEL_STORE": server.url,
        "OPENREPLAY_OTEL_API_KEY": "bm90OmFueQ==",
        "LOG_GLOB": f"{folder}/*.log",
        "SERVICE_NAME": "shop",
        **variables,
    }
    return Collector(
        CONFIG / "filelog.yaml",
        environment=environment,
        state=folder.parent / f"{folder.name}-state",
    )


def read(
    server: DocumentServer, folder: Path, lines: Sequence[str], **variables: str
) -> list[dict[str, Any]]:
    """What lines become, in their order, one document for each of them and nothing complained of."""
    folder.mkdir()
    (folder / "app.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with reading(server, folder, **variables) as running:
        found = server.wait_for(len(lines))
        assert running.complaints() == []
    assert len(found) == len(lines)
    # The place in the file is part of the id.
    return sorted(found, key=lambda one: one["_id"][16:26])


@pytest.mark.parametrize("kind", ["text", "json"])
def test_each_row_of_the_table_is_read_as_ship_reads_it(
    server: DocumentServer, kind: str, tmp_path: Path
) -> None:
    """Time, level, logger, text and all other fields of each format that a file may hold."""
    rows: list[LogFormat] = [
        row
        for row in FORMATS
        if row.example.startswith("{") is (kind == "json")
        and not row.name.startswith(_IN_CONTAINERS)
    ]
    found = read(
        server, tmp_path / "log", [row.example.split("\n")[0] for row in rows], LOG_FORMAT=kind
    )
    for row, document in zip(rows, found, strict=True):
        wanted = {**row.reads, **_OTHERWISE.get(row.name, {})}
        # Elasticsearch reads a number from a text too.
        read_as_text = {name: _text(document.get(name)) for name in wanted}
        assert read_as_text == {name: _text(value) for name, value in wanted.items()}, row.name
        expected = {"error"} if document["level"] == "error" else set[str]()
        assert set(document["tags"]) == expected, row.name


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


TAGS: Final = (
    _A,
    f"[OPENREPLAYSESSION.ID={EXAMPLE_ID}]",
    f"[openReplaySessionToken={EXAMPLE_ID}]",
    f"[asayer_session_id={EXAMPLE_ID}]",
    f"{_A}[openReplaySessionToken={EXAMPLE_ID}]",
    f"[openReplaySessionToken={TOKEN}]",
)
TAGGED: Final = (
    ("text", "2024-01-24 02:27:39,324 - shop - ERROR - {} boom"),
    ("text", "{} 2024-01-24 02:27:39,324 ERROR shop: boom"),
    ("text", "2024-01-24 02:27:39,324 ERROR {} boom"),
    ("text", "2024-01-24 02:27:39,324 shop ERROR {} boom"),
    ("text", "2024-01-24 02:27:39,324 ERROR    shop pay.py:88: {} boom"),
    ("text", "[ERROR   ] shop: {} boom"),
    ("text", "ERROR:shop:{} boom"),
    ("text", "ERROR:    {} boom"),
    ("text", "<11>Jan 24 02:27:39 web1 shop[7]: {} boom"),
    ("text", "web1 shop ERROR {} boom"),
    ("text", "02:27:39 [ERROR] {} boom"),
    ("text", "28.11.2026;ERROR;shop;{} boom"),
    ("text", 'timestamp=2024-01-24T02:27:39Z level=error event="{} boom"'),
    ("json", '{{"msg":"{} boom","level":"ERROR"}}'),
    ("json", '{{"event":"{} boom","level":"error","name":"shop"}}'),
)


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_tag_at_the_beginning_names_the_session_in_every_format(
    server: DocumentServer, kind: str, tmp_path: Path
) -> None:
    """Of each generation, also where the format is not known; the level is seen too, and no token is stored."""
    lines = [line.format(tag) for of, line in TAGGED if of == kind for tag in TAGS]
    found = read(server, tmp_path / "log", lines, LOG_FORMAT=kind)
    for line, document in zip(lines, found, strict=True):
        assert document["openreplay.session.id"] == EXAMPLE_ID, line
        assert document["message"].startswith(f"{_A} "), line
        assert "boom" in document["message"]
        assert document["level"] == "error", line
        assert TOKEN.rpartition(".")[2] not in str(document)


NOBODYS_TEXT: Final = (
    "2024-01-24 02:27:39,324 INFO shop: bob wrote {}",
    "2024-01-24 02:27:39,324 INFO bob said hello {} typed",
    "INFO:shop:hello {}",
    "bob said hello {} INFO",
    "said INFO a lot {}",
    "one two three ERROR {} typed",
    '10.0.0.1 - - [24/Jan/2024:02:27:39 +0000] "GET /{} HTTP/1.1" 200 12',
    'level=info name=bob msg="hello {}"',
    '{{"message": "typed", "openreplay.session.id": "V"}} {}',
    '{{"message": "{} typed", "level": "INFO"}}',
    "[openReplaySession.i\x1b[0md=%s] typed {}",
    "INFO:shop:[openReplaySession.i\x1b[0md=%s] typed {}",
    "INFO:shop:[\x1b[1mopenReplaySession.id=%s] typed",
    "\x1b[31mINFO\x1b[0m:shop:[open\x1b[0mReplaySession.id=%s] typed {}",
    "Traceback (most recent call last): {}",
    "KeyError: {}",
    "  {} typed",
)


def test_what_somebody_typed_names_no_session(server: DocumentServer, tmp_path: Path) -> None:
    """Behind a sentence, in JSON of a text file, made a tag by taking colours off: a stranger's tag is harmless."""
    lines = [line.replace("%s", VICTIM).format(_V) for line in NOBODYS_TEXT]
    lines.append(json.dumps({"message": "typed", "openreplay.session.id": VICTIM}))
    for line, document in zip(lines, read(server, tmp_path / "log", lines), strict=True):
        assert "openreplay.session.id" not in document, line
        assert _V not in document["message"], line


def test_foreign_lines_are_records_without_a_session(
    server: DocumentServer, tmp_path: Path
) -> None:
    """Prints, warnings, tracebacks and other servers' lines between those of two sessions: each is nobody's."""
    foreign = [
        "printed", 'INFO:     127.0.0.1:5 - "GET / HTTP/1.1" 200 OK', "WARNING:root:basicConfig",
        "[2024-01-24 02:27:39 +0000] [77] [INFO] Listening", "/srv/a.py:7: UserWarning: boom", "  warn()",
        "Exception in thread Thread-1 (f):", "Traceback (most recent call last):", '  File "a.py", line 1, in f',
        "    f()", "KeyError: 7", "", "During handling of the above exception, another exception occurred:", "",
        "2024-01-24;odd", "  + Exception Group Traceback (most recent call last):", "  | ExceptionGroup: no",
    ]  # fmt: skip
    lines: list[str] = []
    for number, one in enumerate(foreign):
        tag = (_A, _V)[number % 2]
        lines += [f"2024-01-24 02:27:39,{number:03d} ERROR shop: {tag} step {number}", one]
    stored = [line for line in lines if line]
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "app.log").write_text("\n".join(lines) + "\n")
    with reading(server, folder):
        found = server.wait_for(len(stored))
    assert len(found) == len(stored)
    of_sessions = [one["message"] for one in found if "openreplay.session.id" in one]
    assert sorted(of_sessions) == sorted(
        f"{(_A, _V)[number % 2]} step {number}" for number in range(len(foreign))
    )
    texts = "\n".join(one["message"] for one in found)
    assert all(one.strip()[-5:] in texts for one in foreign)


def test_a_field_of_a_record_wins_over_a_tag_in_its_text(
    server: DocumentServer, tmp_path: Path
) -> None:
    """Nested, dotted, as a token, empty or null: beside the field what the text begins with may be anybody's."""
    own: list[Mapping[str, Any]] = [
        {"openreplay.session.id": EXAMPLE_ID},
        {"openreplay": {"session": {"id": EXAMPLE_ID}}},
        {"openreplay.session.id": int(EXAMPLE_ID)},
        {"openReplaySession.id": EXAMPLE_ID},
        {"asayer_session_id": EXAMPLE_ID},
        {"openReplaySessionToken": TOKEN},
    ]
    none: list[Mapping[str, Any]] = [
        {"openreplay.session.id": ""}, {"openreplay.session.id": None}, {"openreplay.session.id": "x"},
    ]  # fmt: skip
    lines = [
        json.dumps({"message": f"{_V} typed", "level": "INFO", **one}) for one in (*own, *none)
    ]
    # Nobody who writes tags escapes their letters.
    escaped = _V.replace("o", "\\u006f", 1)
    lines += [
        f'{{"message": "{escaped} typed", "level": "INFO"}}',
        f'{{"message": "{escaped} typed {_V}"}}',
    ]
    # No JSON in a file of JSON: kept whole.
    lines += [f"{_V} typed", f"ERROR:shop:{_V} typed", '{"message": "half']
    found = read(server, tmp_path / "log", lines, LOG_FORMAT="json")
    sessions = [one.get("openreplay.session.id") for one in found]
    assert sessions == [*[EXAMPLE_ID] * len(own), *[None] * (len(none) + 5)]
    assert {one["message"] for one in found[: len(own)]} == {f"{_A} typed"}
    harmless = _V.replace(".id", "_id")
    assert [one["message"] for one in found[-3:]] == [
        f"{harmless} typed", f"ERROR:shop:{harmless} typed", '{"message": "half',
    ]  # fmt: skip
    assert TOKEN.rpartition(".")[2] not in str(found)


def test_no_field_of_a_json_line_is_lost_and_none_steers_the_collector(
    server: DocumentServer, tmp_path: Path
) -> None:
    """A second name for the text, whole numbers, lists, exceptions as objects; ids and indexes stay ours."""
    line = {
        "message": "boom", "event": "paid", "name": "alice", "logger": "shop", "time": "2024-01-24T02:27:39Z",
        "timestamp": "2024-01-24T02:27:38Z", "order": 9007199254740993, "parts": ["a", "b"],
        "exception": [{"exc_type": "KeyError", "exc_value": "7"}], "elasticsearch.document_id": "x",
        "elasticsearch.index": "logs-other", "log.file.path": "/etc/passwd", "log.record.original": "x",
    }  # fmt: skip
    (found,) = read(server, tmp_path / "log", [json.dumps(line)], LOG_FORMAT="json")
    wanted = {
        "message": "boom", "log.logger": "shop", "@timestamp": "2024-01-24T02:27:38.000000Z",
        "labels.event": "paid", "labels.name": "alice", "labels.time": "2024-01-24T02:27:39Z",
        "labels.order": "9007199254740993", "labels.parts.0": "a", "labels.parts.1": "b",
        "labels.exception.0.exc_type": "KeyError", "labels.exception.0.exc_value": "7",
        "log.file.path": str(tmp_path / "log" / "app.log"),
    }  # fmt: skip
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["_id"] != "x"


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ('{"message":"a","timestamp":"2026-07-21 12:00:00.5"}', "2026-07-21T10:00:00.500000Z"),
        ('{"message":"a","timestamp":"2026-07-21T12:00:00"}', "2026-07-21T10:00:00.000000Z"),
        ('{"message":"a","time":1784635200}', "2026-07-21T12:00:00.000000Z"),
        ('{"message":"a","time":1784635200.25}', "2026-07-21T12:00:00.250000Z"),
        ('{"message":"a","ts":"1784635200123"}', "2026-07-21T12:00:00.123000Z"),
        ('{"message":"a","time":1784635200123456}', "2026-07-21T12:00:00.123456Z"),
        ('{"message":"a","time":1784635200123456789}', "2026-07-21T12:00:00.123456Z"),
        ('{"message":"a","@timestamp":"2026-07-21T12:00:00+02:00"}', "2026-07-21T10:00:00.000000Z"),
        ("2026-01-21 12:00:00,123 INFO shop: a", "2026-01-21T11:00:00.123000Z"),
        ("[2026-07-21 12:00:00 +0530] [7] [INFO] a", "2026-07-21T06:30:00.000000Z"),
        ("2026-07-21T12:00:00Z INFO a", "2026-07-21T12:00:00.000000Z"),
        ("2026-07-21 12:00:00 UTC INFO a", "2026-07-21T12:00:00.000000Z"),
        ('[21/Jul/2026 12:00:00] "GET / HTTP/1.1" 200 2', "2026-07-21T10:00:00.000000Z"),
    ],
)
def test_times_are_read_with_their_zone_or_that_of_the_variable(
    server: DocumentServer, line: str, moment: str, tmp_path: Path
) -> None:
    """Naive times are those of LOG_TZ; numbers are seconds, or thousandths of them, by their size."""
    kind = "json" if line.startswith("{") else "text"
    (found,) = read(server, tmp_path / "log", [line], LOG_FORMAT=kind, LOG_TZ="Europe/Berlin")
    assert found["@timestamp"] == moment


def test_a_file_of_an_unknown_format_keeps_every_line(
    server: DocumentServer, tmp_path: Path
) -> None:
    """Ten thousand lines give ten thousand documents, each with its whole text."""
    lines = [f"{number}~unknown~{number * 7} text of line {number}" for number in range(10_000)]
    found = read(server, tmp_path / "log", lines)
    assert [one["message"] for one in found] == lines


def test_a_line_of_any_length_is_one_record_and_says_what_was_cut(
    server: DocumentServer, tmp_path: Path
) -> None:
    """Of three megabytes of tags none becomes the beginning of a record, wherever the line is cut."""
    long = "2024-01-24 02:27:39,324 INFO shop: bob wrote " + _V * 60_000
    found = read(server, tmp_path / "log", [long, "INFO:shop:the next one"])
    assert found[0]["openreplay.truncated"] is True
    assert "… [cut" in found[0]["message"]
    assert found[1]["message"] == "the next one"
    assert not any("openreplay.session.id" in one for one in found)


def test_a_line_that_is_written_in_parts_is_read_whole(
    server: DocumentServer, tmp_path: Path
) -> None:
    """What a buffer held back for seconds is no line of its own, whatever it begins with."""
    folder = tmp_path / "log"
    folder.mkdir()
    with reading(server, folder):
        (folder / "app.log").write_text("INFO:shop:hello ")
        until = time.monotonic() + 4
        other = 0
        while time.monotonic() < until:
            # So that the Collector is known to look at the files meanwhile.
            other += 1
            with (folder / "other.log").open("a") as file:
                file.write(f"other {other}\n")
            server.wait_for(other)
        with (folder / "app.log").open("a") as file:
            file.write(f"{_V} typed\n")
        found = server.wait_for(other + 1)
    (line,) = [one for one in found if not one["message"].startswith("other")]
    assert line["message"] == f"hello {_V.replace('.id', '_id')} typed"
    assert "openreplay.session.id" not in line


def test_equal_lines_of_two_files_are_kept(server: DocumentServer, tmp_path: Path) -> None:
    """Lines without a time, at the same place of files of one name: in each folder they are others."""
    for name in ("a", "b"):
        (tmp_path / "log" / name).mkdir(parents=True)
        (tmp_path / "log" / name / "app.log").write_text(
            f"INFO:     Began {name}\nINFO:     Ready\n"
        )
    with reading(server, tmp_path / "log", LOG_GLOB=f"{tmp_path}/log/*/app.log"):
        assert len(server.wait_for(4)) == 4
