"""The document of an ordinary record: every field of the table in design.md."""

from __future__ import annotations

import re
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from openreplay_otel import OpenReplayLogRecordProcessor, Settings
from openreplay_otel.document.builder import DocumentBuilder
from openreplay_otel.document.fields import ECS_VERSION, RECORD_FIELDS, RESOURCE_FIELDS

from .contract import EXAMPLE_ID
from .records import AT_NS, in_session, parsed, readable, writable

PREFIX = f"[openReplaySession.id={EXAMPLE_ID}] "
FOREIGN = "2618307011354435999"
AT = "2024-01-24T02:28:39.324123Z"


def document(record: ReadableLogRecord, **settings: Any) -> dict[str, Any]:
    """The document of a record, read strictly."""
    made = DocumentBuilder(Settings(**settings)).build(record)
    assert made is not None
    return parsed(made.source)


def test_the_whole_document_of_a_stamped_record() -> None:
    """From the processor to the document: each field, and nothing else."""
    record = writable(
        "checkout failed",
        context=trace.set_span_in_context(
            trace.NonRecordingSpan(trace.SpanContext(0xABC, 0x12, is_remote=False)), in_session()
        ),
        severity_number=SeverityNumber.ERROR,
        severity_text="ERROR",
        event_name="checkout",
        attributes={
            "exception.type": "ValueError",
            "exception.message": "bad card",
            "exception.stacktrace": "Traceback\n  line",
            "code.file.path": "/app/shop.py",
            "code.line.number": 12,
            "code.function.name": "pay",
            "thread.id": 5,
            "thread.name": "main",
            "cart.items": 3,
        },
    )
    OpenReplayLogRecordProcessor(Settings()).on_emit(record)
    made = DocumentBuilder(Settings(app_url="https://or.example", project_id=5)).build(
        ReadableLogRecord(
            record.log_record, record.resource or Resource({}), record.instrumentation_scope
        )
    )
    assert made is not None
    assert "openreplay-logs-2024.01.24" == made.index
    assert made.id == (record.log_record.attributes or {})["elasticsearch.document_id"]
    assert {
        "@timestamp": AT,
        "utc_time": AT,
        "message": PREFIX + "checkout failed",
        "level": "error",
        "log.level": "ERROR",
        "tags": ["error"],
        "openreplay.session.id": EXAMPLE_ID,
        "openreplay.session.url": f"https://or.example/5/session/{EXAMPLE_ID}?jumpto=60000",
        "session.id": EXAMPLE_ID,
        "trace.id": "00000000000000000000000000000abc",
        "span.id": "0000000000000012",
        "event.action": "checkout",
        "ecs.version": ECS_VERSION,
        "log.logger": "shop.checkout",
        "service.name": "shop",
        "host.name": "web-1",
        "error.type": "ValueError",
        "error.message": "bad card",
        "error.stack_trace": "Traceback\n  line",
        "log.origin.file.name": "/app/shop.py",
        "log.origin.file.line": 12,
        "log.origin.function": "pay",
        "process.thread.id": 5,
        "process.thread.name": "main",
        "labels.cart.items": "3",
    } == parsed(made.source)


def test_a_record_without_a_session_has_no_field_of_one() -> None:
    """Neither tag nor session fields, nor a link, are made up."""
    found = document(readable("hello"), app_url="https://or.example", project_id=5)
    assert "hello" == found["message"]
    assert [] == [name for name in found if "session" in name or "openreplay" in name]


@pytest.mark.parametrize(
    ("text", "level"),
    [("ERROR", "error"), ("Critical", "error"), ("warn", "warning"), ("DEBUG", "debug"), ("loud", "info")],
)  # fmt: skip
def test_a_level_that_only_the_text_says_is_read(text: str, level: str) -> None:
    """A record whose sender gave no number."""
    found = document(readable(severity_number=None, severity_text=text))
    assert (found["level"], found["log.level"]) == (level, text)
    assert found["tags"] == (["error"] if level == "error" else [])


@pytest.mark.parametrize("severity", [*SeverityNumber, None])
def test_the_level_is_one_of_the_panels_four_words(severity: SeverityNumber | None) -> None:
    """Whatever the severity, ``level`` is a word that OpenReplay's panel understands."""
    number = 0 if severity is None else severity.value
    expected = (
        "error"
        if number >= 17
        else "warning"
        if number >= 13
        else "info"
        if number >= 9 or not number
        else "debug"
    )
    found = document(readable(severity_number=severity))
    assert expected == found["level"]
    assert (["error"] if number >= 17 else []) == found["tags"]


@pytest.mark.parametrize("name", ["exception.type", "exception.message", "exception.stacktrace"])
def test_an_exception_is_an_error_at_any_level(name: str) -> None:
    """Of a record with an exception the tag says error; its level stays its own."""
    found = document(readable("x", {name: "y"}, severity_number=SeverityNumber.INFO))
    assert (["error"], "info") == (found["tags"], found["level"])


@pytest.mark.parametrize(
    "tags", [("openReplaySession.id",), ("openReplaySession.id", "openReplaySessionToken")]
)
@pytest.mark.parametrize("stamp_message", [True, False])
def test_the_message_has_the_prefix_once_whoever_put_it_there(
    tags: tuple[str, ...], stamp_message: bool
) -> None:
    """Stamped in the app or not, the document's message has the tags of the settings, once."""
    settings = Settings(tags=tags, stamp_message=stamp_message)
    record = writable("boom", context=in_session())
    OpenReplayLogRecordProcessor(settings).on_emit(record)
    made = DocumentBuilder(settings).build(ReadableLogRecord(record.log_record, Resource({})))
    assert made is not None
    prefix = "".join(f"[{tag}={EXAMPLE_ID}]" for tag in tags) + " "
    assert prefix + "boom" == parsed(made.source)["message"]


@pytest.mark.parametrize(
    ("body", "attributes", "event", "expected"),
    [
        ("", {"exception.message": "bad"}, None, "bad"),
        ("  \n", {"exception.message": " ", "exception.type": "ValueError"}, None, "ValueError"),
        (None, {}, "login", "login"),
        ("", None, None, "(no message)"),
        (PREFIX, {}, None, "(no message)"),
        (
            "",
            {"exception.message": f"[openReplaySession.id={FOREIGN}]"},
            None,
            f"[openReplaySession_id={FOREIGN}]",
        ),
        (0, {}, None, "0"),
        (False, {}, None, "false"),
        ({}, {}, None, "{}"),
        ([], {}, None, "[]"),
        (b"", {}, "x", "x"),
    ],
)
def test_a_message_is_never_empty(
    body: Any, attributes: Any, event: str | None, expected: str
) -> None:
    """Where the text is empty, the exception or the event speaks for it; the panel needs some text."""
    record = readable(body, attributes, session_id=EXAMPLE_ID, event_name=event)
    assert PREFIX + expected == document(record)["message"]


def test_a_forged_tag_in_the_body_is_made_harmless_here_as_well() -> None:
    """Also in a map, which the processor leaves alone, and without any processor of ours."""
    for body in (
        f"[openReplaySession.id={FOREIGN}]",
        {"openReplaySession.id": FOREIGN},
        [f"asayer_session_id={FOREIGN}"],
    ):
        for session_id in (None, EXAMPLE_ID):
            message = document(readable(body, session_id=session_id))["message"]
            assert not re.search(r"openReplaySession\.id\W+" + FOREIGN, message)
            assert "asayer_session_id" not in message


@pytest.mark.parametrize(
    "claimed", ["0", "x", " ", "", FOREIGN + "0000", 5, 5.5, None, ["7"], b"7", True]
)
def test_an_invalid_session_attribute_is_no_session(claimed: Any) -> None:
    """What anybody wrote into our attribute counts only if it is an id."""
    record = readable("hello", {"openreplay.session.id": claimed})
    made = DocumentBuilder(Settings()).build(record)
    assert made is not None
    assert "logs-openreplay-default" == made.index
    assert "openreplay.session.id" not in parsed(made.source)
    assert DocumentBuilder(Settings(sessionless="drop")).build(record) is None


@pytest.mark.parametrize(("attribute", "field"), RECORD_FIELDS.items())
def test_attributes_of_a_record_get_their_ecs_field(attribute: str, field: str) -> None:
    """Each of the table, old names and new."""
    value = 7 if field.endswith((".line", "thread.id")) else "seven"
    assert value == document(readable("x", {attribute: value}))[field]


@pytest.mark.parametrize(("attribute", "field"), RESOURCE_FIELDS.items())
def test_attributes_of_a_resource_get_their_ecs_field(attribute: str, field: str) -> None:
    """Each of the table, old names and new."""
    value = 7 if field.endswith("pid") else "seven"
    assert value == document(readable("x", resource=Resource({attribute: value})))[field]


@pytest.mark.parametrize("value", ["12", 1.5, True, None, 2**63, [1], "x"])
def test_a_number_field_takes_only_whole_numbers(value: Any) -> None:
    """ECS maps the line as a number: a text there would cost the document its place."""
    found = document(readable("x", {"code.line.number": value}))
    assert "log.origin.file.line" not in found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (1, "1"),
        (-1.5, "-1.5"),
        (True, "true"),
        (False, "false"),
        (b"ab", "YWI="),
        ((1, "a", None), '[1,"a",null]'),
        ({"a": {"b": (True, 1.5)}}, '{"a":{"b":[true,1.5]}}'),
        (float("inf"), "Infinity"),
        ((), "[]"),
    ],
)
def test_other_attributes_become_labels_of_text(value: Any, text: str) -> None:
    """Labels are texts, so that two records never disagree on the type of a field."""
    assert text == document(readable("x", {"a.b": value}))["labels.a.b"]
    if isinstance(value, (str, int, float)):
        resource = Resource({"a.b": value})
        assert text == document(readable("x", resource=resource))["labels.a.b"]


def test_attributes_that_steer_are_no_labels() -> None:
    """What is meant for this package or the Collector, and empty values, do not become labels."""
    steering = {
        "tags": ["a"],
        "elasticsearch.document_id": "x",
        "elasticsearch.index": "y",
        "exception.escaped": "z",
        "n": None,
    }
    found = document(readable("x", steering))
    assert [] == [name for name in found if name.startswith("labels.")]
    assert ["a"] == found["tags"]


@pytest.mark.parametrize("scope", [None, InstrumentationScope(""), InstrumentationScope("a")])
def test_the_logger_is_the_scope(scope: InstrumentationScope | None) -> None:
    """A record may come without a scope or with a nameless one."""
    found = document(readable("x", scope=scope))
    assert (scope.name or None if scope else None) == found.get("log.logger")


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("openreplay_otel", True),
        ("openreplay_otel.export.exporter", True),
        ("openreplay_oteller", False),
        ("app.openreplay_otel", False),
    ],
)
def test_own_log_lines_make_no_documents(name: str, own: bool) -> None:
    """What the exporter says about itself would feed itself."""
    made = DocumentBuilder(Settings()).build(readable("x", scope=InstrumentationScope(name)))
    assert (made is None) is own


def test_records_of_one_scope_do_not_get_the_resource_of_another() -> None:
    """What is remembered of a resource and a scope belongs to that pair alone."""
    builder = DocumentBuilder(Settings())
    scopes = [InstrumentationScope(f"s{n}") for n in range(3)]
    for n in range(5000):
        resource = Resource({"service.name": f"r{n}"})
        made = builder.build(readable("x", resource=resource, scope=scopes[n % 3]))
        assert made is not None
        assert f'"service.name":"r{n}"'.encode() in made.source
        assert f'"log.logger":"s{n % 3}"'.encode() in made.source


def test_the_record_beats_the_resource_where_both_use_a_name() -> None:
    """No name stands twice; the nearer value counts."""
    found = document(
        readable("x", {"team": "record", "a": 1}, resource=Resource({"team": "resource", "b": 2}))
    )
    assert ("record", "1", "2") == (found["labels.team"], found["labels.a"], found["labels.b"])


def test_a_link_needs_both_the_address_and_the_project() -> None:
    """Half of a link is none; a record before the session's start jumps to the start."""
    record = readable("x", session_id=EXAMPLE_ID, timestamp=AT_NS - 10**12)
    assert "openreplay.session.url" not in document(record, app_url="https://or.example")
    assert "openreplay.session.url" not in document(record, project_id=5)
    found = document(record, app_url="https://or.example", project_id=5)
    assert found["openreplay.session.url"].endswith(f"/5/session/{EXAMPLE_ID}?jumpto=0")


@pytest.mark.parametrize(
    ("timestamp", "observed", "expected"),
    [(AT_NS, 1, AT_NS), (None, AT_NS, AT_NS), (0, AT_NS, AT_NS), (0, 0, 0)],
)
def test_the_time_is_the_records_or_when_it_was_seen(
    timestamp: int | None, observed: int, expected: int
) -> None:
    """A record without a time of its own has that of its emission."""
    found = document(readable("x", timestamp=timestamp, observed_timestamp=observed))
    assert found["@timestamp"] == found["utc_time"]
    assert (AT if expected else "1970-01-01T00:00:00.000000Z") == found["@timestamp"]


def test_building_changes_nothing_and_gives_the_same_again() -> None:
    """Pure: the record is as before, and the same record makes the same document with any builder."""
    attributes = {"a": [1, {"b": 2}], "tags": ["x"], "exception.type": "E"}
    record = readable({"m": [1]}, attributes, session_id=EXAMPLE_ID)
    before = repr(vars(record.log_record))
    made = {DocumentBuilder(Settings()).build(record) for _ in range(3)}
    assert 1 == len(made)
    assert before == repr(vars(record.log_record))


def test_different_records_have_different_ids_also_without_a_stamp() -> None:
    """The same text twice within a microsecond is two records."""
    builder = DocumentBuilder(Settings())
    made = [
        builder.build(readable("tick", timestamp=AT_NS, observed_timestamp=AT_NS + n))
        for n in range(900)
    ]
    assert 900 == len({one.id for one in made if one})


@pytest.mark.parametrize("chosen", ["", "a b", "a/b", "\u00e4", "x" * 257, 5, "_x", None, ["a"]])
def test_an_id_that_elasticsearch_would_refuse_is_not_taken(chosen: Any) -> None:
    """What an app wrote into the id's attribute counts only if it can be an id."""
    made = DocumentBuilder(Settings()).build(readable("x", {"elasticsearch.document_id": chosen}))
    assert made is not None
    assert re.fullmatch(r"[0-9a-zA-Z]{20,64}", made.id)
