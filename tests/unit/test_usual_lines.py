"""The short way to a record's lines leads to the same document as the long one, or is not taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber

from openreplay_otel import OpenReplayLogRecordProcessor, Settings
from openreplay_otel.export.document import DocumentBuilder
from openreplay_otel.export.usual_lines import UsualLines
from openreplay_otel.stores.bulk_lines import documents_of

from .contract import EXAMPLE_ID
from .records import AT_NS, NO_SESSION, in_session, parsed, writable

if TYPE_CHECKING:
    from opentelemetry.context import Context

CODE = {"code.file.path": "/srv/app.py", "code.line.number": 7, "code.function.name": "pay"}


def both(record: Any, settings: Settings) -> tuple[Any, Any]:
    """The document by the short way (None: not taken), and by the long one."""
    OpenReplayLogRecordProcessor(settings).on_emit(record)
    short = UsualLines(settings, lambda _: "x" * 31).lines(record)
    long = DocumentBuilder(settings, next_id=lambda _: "x" * 31).build(record)
    if short is None:
        return None, long
    lines, has_session = short
    (document,) = documents_of(lines)
    assert has_session == (document.index != "logs-openreplay-default")
    return document, long


def assert_same(record: Any, settings: Settings, *, is_usual: bool | None = None) -> None:
    """The two ways agree."""
    short, long = both(record, settings)
    if is_usual is not None:
        assert is_usual == (short is not None)
    if short is not None:
        assert (short.index, short.id) == (long.index, long.id)
        assert parsed(short.source) == parsed(long.source)


@pytest.mark.parametrize("context", [in_session(), NO_SESSION])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"attributes": CODE | {"order_id": 7, "ok": True, "share": 0.5}},
        {"attributes": {"code.filepath": "/old.py", "code.lineno": 3, "user": "Zoë"}},
        {"attributes": CODE | {"code.column.number": 4}},
        {"attributes": {"thread.id": 77, "thread.name": "worker", "nothing": None}},
        {"severity_text": "INFO"},
        {"severity_number": None},
        {"severity_number": SeverityNumber.WARN, "severity_text": "WARNING"},
        {"timestamp": None},
        {"timestamp": AT_NS + 999},
    ],
)
def test_a_usual_record_takes_the_short_way(fields: dict[str, Any], context: Context) -> None:
    """Plain text and plain attributes, in a session or without: the same document, field by field."""
    assert_same(writable("paid 7", context=context, **fields), Settings(), is_usual=True)


@pytest.mark.parametrize("context", [in_session(), NO_SESSION])
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("grüße", {}),
        ("your session has ended", {}),
        (f"openReplaySession.id={EXAMPLE_ID}", {}),
        ("", {}),
        ("   ", {}),
        (None, {}),
        ({"a": 1}, {}),
        (b"bytes", {}),
        ("x" * 300_000, {}),
        ("boom", {"severity_number": SeverityNumber.ERROR}),
        ("boom", {"attributes": {"exception.type": "ValueError"}}),
        ("boom", {"attributes": {"exception.stacktrace": "Traceback …"}}),
        ("boom", {"attributes": {"tags": ("shop",)}}),
        ("boom", {"attributes": {"long": "y" * 10_000}}),
        ("boom", {"attributes": {"session.id": "the app's own"}}),
        ("boom", {"attributes": {"openreplay.session.id": "77"}}),
        ("boom", {"attributes": {"elasticsearch.document_id": "mine"}}),
        ("boom", {"event_name": "order.placed"}),
        ("boom", {"timestamp": 0, "observed_timestamp": 0}),
        ("boom", {"timestamp": -5}),
        ("boom", {"timestamp": AT_NS + 40 * 86_400 * 10**9}),
        ("boom", {"timestamp": 10**21}),
        ("boom", {"severity_text": "z" * 2000}),
    ],
)
def test_an_unusual_record_is_the_same_document_whichever_way_it_takes(
    body: Any, fields: dict[str, Any], context: Context
) -> None:
    """Where the short way is taken after all, it leads to the same."""
    assert_same(writable(body, context=context, **fields), Settings())


@pytest.mark.parametrize(
    "settings",
    [
        Settings(app_url="https://or.example.com", project_id=3),
        Settings(sessionless="drop"),
        Settings(stamp_message=False),
        Settings(tags=("openReplaySession.id", "openReplaySessionToken")),
        Settings(index="mine"),
    ],
)
@pytest.mark.parametrize("context", [in_session(), NO_SESSION])
def test_settings_count_on_both_ways(settings: Settings, context: Context) -> None:
    """Links, tags, index, and records of no session that are not wanted."""
    assert_same(writable("paid", context=context, attributes=CODE), settings)
    if settings.sessionless == "drop" and context is NO_SESSION:
        short, long = both(writable("paid", context=context), settings)
        assert (None, None) == (short, long)


def test_a_record_that_somebody_changed_after_the_stamp_takes_the_long_way() -> None:
    """What the stamp found out does not hold for another text."""
    settings = Settings()
    record = writable("paid", context=in_session())
    OpenReplayLogRecordProcessor(settings).on_emit(record)
    record.log_record.body = "changed"
    assert UsualLines(settings, str).lines(record) is None


def test_one_maker_serves_many_requests_and_seconds() -> None:
    """What is kept from one record to the next is never another request's or second's."""
    settings = Settings()
    stamp = OpenReplayLogRecordProcessor(settings)
    usual, build = UsualLines(settings, str), DocumentBuilder(settings, next_id=str).build
    contexts = [in_session(), NO_SESSION, in_session("77"), in_session(str(int(EXAMPLE_ID) + 1))]
    for number in range(200):
        record = writable(
            f"line {number}",
            context=contexts[number * 7 % 4],
            timestamp=AT_NS + number * 350_000_000,
            attributes=CODE | {"code.line.number": number % 3, "n": number},
        )
        stamp.on_emit(record)
        made, document = usual.lines(record), build(record)
        assert document is not None
        if made is not None:
            (short,) = documents_of(made[0])
            assert (document.index, document.id) == (short.index, short.id)
            assert parsed(document.source) == parsed(short.source)


values = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(max_size=5),
)
names = st.sampled_from(
    [*CODE, "order_id", "a.b", "thread.id", "exception.type", "tags", "session.id", "code.function"]
)


@given(
    body=st.one_of(st.text(max_size=30), st.integers(), st.none()),
    attributes=st.dictionaries(names, values, max_size=6),
    severity=st.sampled_from([None, *SeverityNumber]),
    context=st.sampled_from([in_session(), NO_SESSION]),
)
def test_any_record_is_the_same_document(
    body: Any, attributes: dict[str, Any], severity: Any, context: Context
) -> None:
    """Whatever an app logs."""
    record = writable(body, context=context, attributes=attributes, severity_number=severity)
    assert_same(record, Settings())
