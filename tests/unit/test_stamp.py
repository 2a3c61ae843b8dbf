"""The log record processor: what it puts on a record, what it leaves alone, and that it never raises."""

from __future__ import annotations

import copy
import logging
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk._logs import LoggerProvider

from openreplay_otel import OpenReplayLogRecordProcessor, Settings

from .contract import EXAMPLE_ID, PROPERTY, token
from .records import AT_NS, NO_SESSION, in_session, writable

FOREIGN = "2618307011354435999"
PREFIX = f"[openReplaySession.id={EXAMPLE_ID}] "
OURS = {"openreplay.session.id", "session.id", "elasticsearch.document_id"}


def stamped(body: Any = "boom", *, settings: Settings | None = None, **fields: Any) -> Any:
    """A record of the example session after the processor has seen it."""
    fields.setdefault("context", in_session())
    record = writable(body, **fields)
    OpenReplayLogRecordProcessor(settings or Settings()).on_emit(record)
    return record.log_record


def test_a_record_of_a_session_is_stamped() -> None:
    """The text gets the tag, the attributes the session's id and an id for the document."""
    record = stamped("boom", attributes={"a": 1})
    assert PREFIX + "boom" == record.body
    attributes = dict(record.attributes)
    assert attributes.pop("elasticsearch.document_id").isalnum()
    assert {"a": 1, "openreplay.session.id": EXAMPLE_ID, "session.id": EXAMPLE_ID} == attributes


def test_both_tags_stand_before_the_text_where_the_settings_say_so() -> None:
    """For readers up to v1.20 the second tag holds the id as well, in the order of the settings."""
    names = ("openReplaySession.id", "openReplaySessionToken")
    record = stamped("boom", settings=Settings(tags=names))
    assert record.body == f"[{names[0]}={EXAMPLE_ID}][{names[1]}={EXAMPLE_ID}] boom"


def test_the_text_stays_where_the_settings_say_so() -> None:
    """With ``stamp_message`` off only the attributes are set, and forged tags still lose their name."""
    record = stamped(f"a [openReplaySession.id={FOREIGN}]", settings=Settings(stamp_message=False))
    assert f"a [openReplaySession_id={FOREIGN}]" == record.body
    assert EXAMPLE_ID == record.attributes["openreplay.session.id"]


@pytest.mark.parametrize("text", ["boom", "", " ", "[x] y", PREFIX, PREFIX + "x", f"x {PREFIX}"])
@pytest.mark.parametrize(
    "tags", [("openReplaySession.id",), ("openReplaySession.id", "openReplaySessionToken")]
)
def test_a_tag_is_not_put_twice(text: str, tags: tuple[str, ...]) -> None:
    """A record that passes two processors, or was tagged by the app, has one prefix."""
    processor = OpenReplayLogRecordProcessor(Settings(tags=tags))
    record = writable(text, context=in_session())
    processor.on_emit(record)
    once = str(record.log_record.body)
    processor.on_emit(record)
    assert once == record.log_record.body
    prefix = "".join(f"[{tag}={EXAMPLE_ID}]" for tag in tags) + " "
    assert (True, False) == (once.startswith(prefix), once.startswith(prefix * 2))


@PROPERTY
@given(
    st.text() | st.binary() | st.none() | st.integers() | st.lists(st.integers()),
    st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.none(), max_size=5),
    st.sampled_from([*SeverityNumber, None]),
    st.booleans(),
)
def test_a_second_stamp_changes_nothing(
    body: Any, attributes: dict[str, Any], severity: SeverityNumber | None, has_session: bool
) -> None:
    """Whatever the record is, a second processor finds all done; only the document's id is drawn anew."""
    context = in_session() if has_session else NO_SESSION
    record = writable(body, attributes=attributes, severity_number=severity, context=context)
    processor = OpenReplayLogRecordProcessor(Settings())
    states = []
    for _ in range(2):
        processor.on_emit(record)
        seen = dict(record.log_record.attributes or {})
        seen.pop("elasticsearch.document_id", None)
        states.append((record.log_record.body, seen))
    assert states[0] == states[1]


@pytest.mark.parametrize("body", [None, 5, 5.5, True, b"x", ["x"], {"message": "x"}, {}, object()])
def test_a_body_that_is_no_text_is_left_alone(body: Any) -> None:
    """Maps, bytes and numbers get no tag here; the document has it in its message."""
    before = copy.copy(body)
    record = stamped(body)
    assert record.body is body
    assert type(before) is object or record.body == before
    assert EXAMPLE_ID == record.attributes["openreplay.session.id"]


@pytest.mark.parametrize(
    "name",
    [
        "openReplaySession.id",
        "OPENREPLAYSESSIONTOKEN",
        "asayer_session_ID",
        "openReplaySess\u0130on.id",
    ],
)
@pytest.mark.parametrize("has_session", [True, False])
def test_a_forged_tag_is_made_harmless_with_and_without_a_session(
    name: str, has_session: bool
) -> None:
    """User input in a log line writes into nobody's recording."""
    record = stamped(f"hi [{name}={FOREIGN}]", context=in_session() if has_session else NO_SESSION)
    assert record.body.startswith(PREFIX) is has_session
    assert name not in record.body.removeprefix(PREFIX)
    assert FOREIGN in record.body


def test_a_record_without_a_session_is_not_touched() -> None:
    """Without a session the very objects of the record stay: body, attributes and all."""
    record = writable(
        "boom", attributes={"a": 1, "tags": ["x"]}, severity_number=SeverityNumber.FATAL
    )
    before = dict(vars(record.log_record))
    OpenReplayLogRecordProcessor(Settings()).on_emit(record)
    after = vars(record.log_record)
    assert set() == {name for name in after if after[name] is not before[name]}
    assert {"a": 1, "tags": ("x",)} == dict(record.log_record.attributes or {})


@pytest.mark.parametrize("value", ["junk", "0", token(), 5, ["1"]])
def test_what_is_no_session_in_the_baggage_stamps_nothing(value: Any) -> None:
    """Only a valid id is a session: a client's junk or token reaches no record."""
    context = baggage.set_baggage("openreplay.session.id", value, Context())
    record = stamped("boom", context=context)
    assert ("boom", {}) == (record.body, dict(record.attributes))


def test_the_session_id_of_the_app_stays() -> None:
    """``session.id`` is the app's own where it sets it; ours stands beside it."""
    record = stamped(attributes={"session.id": "theirs", "openreplay.session.id": FOREIGN})
    assert "theirs" == record.attributes["session.id"]
    assert EXAMPLE_ID == record.attributes["openreplay.session.id"]


@pytest.mark.parametrize("severity", [*SeverityNumber, None])
def test_errors_get_the_error_tag(severity: SeverityNumber | None) -> None:
    """From ERROR on, and nothing below."""
    tags = stamped(severity_number=severity).attributes.get("tags")
    assert tags == (("error",) if severity is not None and severity.value >= 17 else None)


@pytest.mark.parametrize("name", ["exception.type", "exception.message", "exception.stacktrace"])
def test_an_exception_gets_the_error_tag_at_any_level(name: str) -> None:
    """OpenReplay counts what has an exception among the errors."""
    record = stamped(attributes={name: "x"}, severity_number=SeverityNumber.DEBUG)
    assert ("error",) == record.attributes["tags"]


@pytest.mark.parametrize(
    ("own", "merged"),
    [
        (["a", "b"], ("a", "b", "error")),
        (("error", "a"), ("error", "a")),
        ("a", ("a", "error")),
        ("error", ("error",)),
        ([], ("error",)),
        (None, ("error",)),
        ([1, None, "a"], ("1", "a", "error")),
        (5, ("5", "error")),
    ],
)
def test_the_tags_of_the_app_are_merged(own: Any, merged: tuple[str, ...]) -> None:
    """The app's tags stay in front and ``error`` is there once."""
    for severity, expected in ((SeverityNumber.ERROR, merged), (SeverityNumber.INFO, own)):
        record = writable(context=in_session(), severity_number=severity)
        record.log_record.attributes = {"tags": own}
        OpenReplayLogRecordProcessor(Settings()).on_emit(record)
        assert expected == record.log_record.attributes["tags"]


def test_the_stamp_needs_no_room_among_the_attributes() -> None:
    """A record with as many attributes as the SDK's limit allows keeps all of them, and gets ours."""
    own = {f"a{n}": n for n in range(128)}
    record = writable(attributes=own, context=in_session(), severity_number=SeverityNumber.ERROR)
    assert 128 == len(record.log_record.attributes or {})
    OpenReplayLogRecordProcessor(Settings()).on_emit(record)
    assert {*own, *OURS, "tags"} == set(record.log_record.attributes or {})


@pytest.mark.parametrize("attributes", [None, {}, MappingProxyType({"a": 1}), {"a": 1}])
def test_attributes_of_any_kind_of_mapping_are_written(attributes: Any) -> None:
    """Without attributes, or with a mapping that cannot be written, the record gets a dict of its own."""
    record = writable(context=in_session())
    record.log_record.attributes = attributes
    OpenReplayLogRecordProcessor(Settings()).on_emit(record)
    found = dict(record.log_record.attributes or {})
    assert set(found) == OURS | set(attributes or {})


def test_the_current_context_counts_for_a_record_without_one() -> None:
    """A record whose context is None was made here and now."""
    record = writable("boom")
    record.log_record.context = None  # type: ignore[assignment]
    held = attach(in_session())
    try:
        OpenReplayLogRecordProcessor(Settings()).on_emit(record)
    finally:
        detach(held)
    assert PREFIX + "boom" == record.log_record.body


def test_records_of_many_sessions_in_turn_get_their_own() -> None:
    """What is remembered of the last context never gets on a record of another one."""
    processor = OpenReplayLogRecordProcessor(Settings())
    contexts = [in_session(str(n)) for n in range(1, 6)] + [NO_SESSION]
    for n in range(300):
        context = contexts[(n * n + n // 7) % len(contexts)]
        expected = baggage.get_baggage("openreplay.session.id", context)
        record = writable("boom", context=context)
        processor.on_emit(record)
        assert expected == (record.log_record.attributes or {}).get("openreplay.session.id")
        assert str(record.log_record.body).startswith(f"[openReplaySession.id={expected}]") is (
            expected is not None
        )


class Hostile:
    """Fails at every touch."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("hostile")

    def __str__(self) -> str:
        raise RuntimeError("hostile")


@pytest.mark.parametrize(
    "broken",
    [
        {"context": Hostile()},
        {"attributes": Hostile()},
        {"attributes": [1, 2]},
        {"attributes": 5},
        {"body": Hostile()},
        {"severity_number": 17},
        {"severity_number": "ERROR"},
        {"observed_timestamp": None},
        {"observed_timestamp": "now"},
        {"attributes": {"tags": [Hostile()]}, "severity_number": SeverityNumber.ERROR},
        {"body": "x" * 1_000_000},
        {"body": "\ud800"},
    ],
    ids="-".join,
)
def test_a_broken_record_harms_nobody(
    broken: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is on a record, the app's logging call goes on, and no value is logged."""
    record = writable(context=in_session())
    for name, value in broken.items():
        setattr(record.log_record, name, value)
    with caplog.at_level(logging.DEBUG):
        OpenReplayLogRecordProcessor(Settings()).on_emit(record)
    assert "hostile" not in caplog.text


def test_no_record_at_all_harms_nobody() -> None:
    """Not even something that is no record."""
    OpenReplayLogRecordProcessor(Settings()).on_emit(None)  # type: ignore[arg-type]


def test_it_has_nothing_to_flush_or_to_end() -> None:
    """Flush and shutdown answer at once, and the processor goes on working."""
    processor = OpenReplayLogRecordProcessor(Settings())
    assert processor.force_flush(1) is True
    processor.shutdown()
    record = writable(context=in_session())
    processor.on_emit(record)
    assert PREFIX + "boom" == record.log_record.body


def test_a_logger_of_the_sdk_stamps_what_it_emits() -> None:
    """Through a provider, with an exception."""
    seen: list[Any] = []

    class Keep(OpenReplayLogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            seen.append(log_record.log_record)

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(OpenReplayLogRecordProcessor(Settings()))
    provider.add_log_record_processor(Keep(Settings()))
    logger = provider.get_logger("shop")
    error = {"exception.message": "bad"}
    logger.emit(body="boom", context=in_session(), timestamp=AT_NS, attributes=error)
    assert PREFIX + "boom" == seen[0].body
    assert ("error",) == seen[0].attributes["tags"]
