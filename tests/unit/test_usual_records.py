"""The short way from ``logging`` to OpenTelemetry's record makes the same as the handler's own, or is not taken."""

from __future__ import annotations

import functools
import io
import logging
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk._logs import LoggingHandler as SdkLoggingHandler
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)

from openreplay_otel.patching import Patches
from openreplay_otel.stamp.log_handler import hook_log_handler
from openreplay_otel.stamp.usual_records import UsualRecords

from .processes import run_python
from .records import in_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


DROPPED = "ignore:Log record attributes were dropped"


class Kept(LogRecordProcessor):
    """Keeps what it is given, and may do something with it."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.then: Callable[[], object] = lambda: None

    def on_emit(self, log_record: Any) -> None:
        """Keep it."""
        self.records.append(log_record)
        self.then()

    def shutdown(self) -> None:
        """Nothing."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits."""
        return True


class Ways:
    """A provider with OpenTelemetry's handler, and the short way beside it."""

    def __init__(self, *, kind: type = LoggingHandler, **arguments: Any) -> None:
        self.kept = Kept()
        self.provider = LoggerProvider(Resource({"service.name": "shop"}), shutdown_on_exit=False)
        self.provider.add_log_record_processor(self.kept)
        self.handler = kind(logger_provider=self.provider, **arguments)

    @functools.cached_property
    def usual(self) -> UsualRecords:
        """The short way."""
        return UsualRecords(self.handler)

    def both(self, record: logging.LogRecord) -> tuple[Any, Any]:
        """By the short way (None: not taken), and by the handler."""
        is_usual = self.usual.emit(record)
        assert is_usual == bool(self.kept.records)
        self.handler.emit(record)
        records, self.kept.records = self.kept.records, []
        return (records[0] if is_usual else None), records[-1]


def line(
    text: Any = "paid %d", *arguments: Any, level: int = logging.INFO, **extra: Any
) -> logging.LogRecord:
    """What ``logger.log(level, text, *arguments, extra=extra)`` makes."""
    logger = logging.getLogger("shop.checkout")
    return logger.makeRecord(
        logger.name, level, "/srv/app.py", 7, text, arguments, None, "pay", extra
    )


def assert_alike(ours: Any, theirs: Any) -> None:
    """The same objects with the same in them, but for the moment at which they were seen."""
    for one, other, apart in (
        (ours, theirs, {"log_record", "limits"}),
        (ours.log_record, theirs.log_record, {"attributes", "observed_timestamp"}),
        (ours.log_record.attributes, theirs.log_record.attributes, {"_lock"}),
    ):
        assert type(one) is type(other)
        assert {k: v for k, v in vars(one).items() if k not in apart} == {
            k: v for k, v in vars(other).items() if k not in apart
        }
    assert abs(ours.log_record.observed_timestamp - theirs.log_record.observed_timestamp) < 60e9
    assert vars(ours.limits) == vars(theirs.limits)


@pytest.fixture
def in_span() -> Iterator[None]:
    """A session and a span are current."""
    span = NonRecordingSpan(SpanContext(7 << 100, 8, is_remote=True, trace_flags=TraceFlags(1)))
    token = attach(set_span_in_context(span, in_session()))
    yield
    detach(token)


@pytest.mark.parametrize("notes_code", [True, False])
@pytest.mark.parametrize(
    "record",
    [
        line("paid"),
        line("paid %d", 7),
        line("%(order)s paid", {"order": 7}),
        line("100 % paid"),
        line("grüße \ud800"),
        line(""),
        line("paid", order_id=7, ok=True, share=0.5, who="Zoë", huge=2**70),
        line("paid", level=logging.DEBUG),
        line("paid", level=logging.WARNING),
        line("paid", level=logging.ERROR),
        line("paid", level=logging.CRITICAL),
        line("paid", level=25),
        line("paid", level=1),
        line("paid", level=99),
        line("paid", eventual="no event", otelTraceID="0"),
    ],
    ids=lambda record: (
        f"{record.levelname} {record.getMessage()!a}"
        if isinstance(record, logging.LogRecord)
        else None
    ),
)
@pytest.mark.usefixtures("in_span")
def test_a_usual_record_takes_the_short_way(record: logging.LogRecord, notes_code: bool) -> None:
    """And comes out as by the handler."""
    ours, theirs = Ways(log_code_attributes=notes_code).both(record)
    assert_alike(ours, theirs)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.usefixtures("in_span")
def test_the_handler_of_the_sdk_itself() -> None:
    """Some distros still set up that one."""
    ours, theirs = Ways(kind=SdkLoggingHandler).both(line("paid %d", 7, order_id=7))
    assert_alike(ours, theirs)


@pytest.mark.filterwarnings(DROPPED)
@given(
    st.text(),
    st.dictionaries(
        st.text(max_size=8).map("x".__add__),
        st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False),
        max_size=200,
    ),
    st.integers(-5, 200),
)
def test_any_text_with_any_plain_extras(text: str, extra: dict[str, Any], level: int) -> None:
    """Comes out alike, or takes the handler's way: so with more attributes than may be."""
    record = line(text, level=level, **extra)
    ours, theirs = Ways(log_code_attributes=True).both(record)
    assert (ours is not None) == (len(extra) + 3 <= 128)
    if ours is not None:
        assert_alike(ours, theirs)


def test_another_handler_has_formatted_it() -> None:
    """What that one leaves on the record is no attribute."""
    record = line("paid %d", 7)
    console = logging.StreamHandler(io.StringIO())
    console.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    console.handle(record)
    ours, theirs = Ways().both(record)
    assert_alike(ours, theirs)
    assert "message" not in dict(ours.log_record.attributes)


UNNAMED: dict[str, Any] = {"": 7}
EVENT: dict[str, Any] = {"event.name": "paid"}
OTEL_EVENT: dict[str, Any] = {"otel.event.name": "paid"}


def _raised() -> Any:
    try:
        raise ValueError("broken")
    except ValueError as error:
        return type(error), error, error.__traceback__


@pytest.mark.parametrize(
    "record",
    [
        line(7),
        line(None),
        line({"a": 1}),
        line("paid", order=[1, 2]),
        line("paid", order={"a": 1}),
        line("paid", order=None),
        line("paid", order=b"7"),
        line("paid", order=ValueError("7")),
        line("paid", **UNNAMED),
        line("paid", **EVENT),
        line("paid", **OTEL_EVENT),
        logging.makeLogRecord({"msg": "paid", "levelno": 20, "exc_info": _raised()}),
        logging.makeLogRecord({"msg": "paid", "levelno": 20, "funcName": None}),
    ],
)
@pytest.mark.filterwarnings(DROPPED)
def test_an_unusual_record_takes_the_handlers_way(record: logging.LogRecord) -> None:
    """Nothing is done by the short way."""
    ours, theirs = Ways(log_code_attributes=True).both(record)
    assert ours is None
    assert theirs.log_record.severity_number is not None


def test_a_formatter_makes_records_unusual() -> None:
    """Also one that is set later."""
    ways = Ways()
    assert ways.both(line("paid"))[0] is not None
    ways.handler.setFormatter(logging.Formatter("at the shop: %(message)s"))
    ours, theirs = ways.both(line("paid"))
    assert ours is None
    assert "at the shop: paid" == theirs.log_record.body


def test_arguments_that_do_not_fit() -> None:
    """The handler is left to say so."""
    ways = Ways()
    record = line("paid %d", "seven")
    assert not ways.usual.emit(record)
    with pytest.raises(TypeError):
        ways.handler.emit(record)


def test_each_record_has_attributes_of_its_own() -> None:
    """That can be written to like the SDK's, and do not show in the next record."""
    ways = Ways()
    first = ways.both(line("paid", order=1))[0].log_record.attributes
    assert isinstance(first, BoundedAttributes)
    first["more"] = 7
    second = ways.both(line("paid", order=2))[0].log_record.attributes
    assert (1, 7, 2, None) == (first["order"], first["more"], second["order"], second.get("more"))


def test_a_handler_that_does_otherwise_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that notes something of its own, or what somebody has put over its methods."""
    original = LoggingHandler._translate

    def notes_thread(self: LoggingHandler, record: logging.LogRecord) -> Any:
        made = original(self, record)
        made.attributes = {**(made.attributes or {}), "thread.name": record.threadName}
        return made

    ways = Ways()
    assert ways.both(line("paid"))[0] is not None
    monkeypatch.setattr(LoggingHandler, "_translate", notes_thread)
    for one in (ways, Ways()):
        ours, theirs = one.both(line("paid"))
        assert ours is None
        assert "thread.name" in theirs.log_record.attributes


@pytest.mark.filterwarnings(DROPPED)
def test_limits_that_shorten_values_make_records_unusual(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK shortens them; a limit to their number is kept by going its way."""
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")
    ours, theirs = Ways().both(line("paid", customer="c-1234567"))
    assert ours is None
    assert "c-123" == theirs.log_record.attributes["customer"]
    monkeypatch.delenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")
    monkeypatch.setenv("OTEL_ATTRIBUTE_COUNT_LIMIT", "20")
    ways = Ways(log_code_attributes=True)
    extra: dict[str, Any] = {f"x{number}": number for number in range(18)}
    ours, theirs = ways.both(line("paid", **extra))
    assert ours is None
    assert 20 == len(theirs.log_record.attributes)
    extra.popitem()
    assert_alike(*ways.both(line("paid", **extra)))


def test_a_hooked_handler_takes_the_short_way() -> None:
    """Until the hook is off, and not where a class of the app's is derived from it."""

    class Derived(LoggingHandler):
        """The app's."""

    patches = Patches()
    ways, derived = Ways(), Ways(kind=Derived)
    emit_usual = Mock(wraps=ways.usual.emit)
    ways.handler.openreplay_emit_usual = emit_usual
    record = line("paid")
    hook_log_handler(patches)
    for one in (ways, derived):
        one.handler.emit(record)
    patches.remove()
    for one in (ways, derived):
        one.handler.emit(record)
        assert_alike(*one.kept.records)
    assert 1 == emit_usual.call_count
    assert derived.handler.openreplay_emit_usual is None


def test_a_processor_that_logs_ends_by_itself() -> None:
    """The handler's guard against endless turns is kept; older ones have none."""
    ways = Ways()
    if not hasattr(ways.handler, "_is_emitting"):
        return
    inner: list[bool] = []
    ways.kept.then = lambda: inner.append(ways.usual.emit(line("again")))
    assert ways.usual.emit(line("paid"))
    assert [False] == inner
    assert 1 == len(ways.kept.records)


def test_a_provider_that_is_set_later() -> None:
    """Before it, records go nowhere, as they do without this package; after it, they take the short way."""
    run_python(
        "import logging\n"
        "from opentelemetry._logs import set_logger_provider\n"
        "from opentelemetry.instrumentation.logging.handler import LoggingHandler\n"
        "from opentelemetry.sdk._logs import LoggerProvider\n"
        "from openreplay_otel.stamp.usual_records import UsualRecords\n"
        "from tests.unit.test_usual_records import Kept, line\n"
        "handler = LoggingHandler()\n"
        "usual = UsualRecords(handler)\n"
        "assert not usual.emit(line('before'))\n"
        "kept = Kept()\n"
        "provider = LoggerProvider(shutdown_on_exit=False)\n"
        "provider.add_log_record_processor(kept)\n"
        "set_logger_provider(provider)\n"
        "assert usual.emit(line('after'))\n"
        "assert ['after'] == [made.log_record.body for made in kept.records]\n"
    )
