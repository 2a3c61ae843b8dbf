"""Lines of ``logging`` are taken whatever happens in the log call, and the app goes on as without this package."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

import pytest
from opentelemetry.context import attach, detach
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from openreplay_otel import (
    DurableLogRecordProcessor,
    OpenReplayLogRecordProcessor,
    Settings,
    add_first,
    use_session,
)
from openreplay_otel.capture import LoggingCapture
from openreplay_otel.context.exception_memory import is_logged, remember

from .contract import EXAMPLE_ID
from .faults import FaultyStore
from .processes import run_python
from .records import in_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk._logs import ReadableLogRecord


class Taken:
    """What a provider got."""

    def __init__(self) -> None:
        self.exporter = InMemoryLogRecordExporter()
        self.provider = LoggerProvider(shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))
        add_first(self.provider, OpenReplayLogRecordProcessor(Settings()))

    @property
    def records(self) -> list[ReadableLogRecord]:
        """The records."""
        return list(self.exporter.get_finished_logs())

    @property
    def bodies(self) -> list[Any]:
        """Their texts."""
        return [record.log_record.body for record in self.records]

    def attribute(self, name: str) -> Any:
        """An attribute of the only record."""
        (record,) = self.records
        return (record.log_record.attributes or {})[name]


@pytest.fixture
def taken() -> Iterator[Taken]:
    """Takes the lines of all loggers but ``noisy``."""
    made = Taken()
    capture = LoggingCapture(made.provider, ["noisy"])
    capture.start()
    yield made
    capture.stop()
    made.provider.shutdown()


def test_it_comes_off_again() -> None:
    """``callHandlers`` is the very function that it was, whoever of several takers stops last."""
    before = logging.Logger.__dict__["callHandlers"]
    one, other = LoggingCapture(Taken().provider), LoggingCapture(Taken().provider)
    one.start()
    other.start()
    one.stop()
    assert logging.Logger.__dict__["callHandlers"] is not before
    other.stop()
    assert logging.Logger.__dict__["callHandlers"] is before


def test_a_patch_of_others_over_it_stays_and_nothing_comes_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sentry's is put in the same place: ours below it does nothing once it is off."""
    first, second = Taken(), Taken()
    capture = LoggingCapture(first.provider)
    capture.start()
    ours = logging.Logger.callHandlers

    def of_others(logger: logging.Logger, record: logging.LogRecord) -> Any:
        return ours(logger, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", of_others)
    capture.stop()
    again = LoggingCapture(second.provider)
    again.start()
    logging.getLogger("shop").warning("once")
    again.stop()
    assert ([], ["once"]) == (first.bodies, second.bodies)


@pytest.mark.parametrize("name", ["noisy", "noisy.child", "openreplay_otel.export"])
def test_loggers_are_left_out_with_their_children(name: str, taken: Taken) -> None:
    """Those that the setting names, and this package's own, which would feed themselves."""
    logging.getLogger(name).warning("no")
    logging.getLogger("noisy_neighbour").warning("yes")
    assert ["yes"] == taken.bodies


def test_levels_and_filters_of_loggers_hold(taken: Taken) -> None:
    """What ``logging`` itself drops before its handlers is no record."""
    logger = logging.getLogger("shop.quiet")
    logger.addFilter(lambda record: "secret" not in record.getMessage())
    logger.debug("below the level")
    logger.warning("a secret")
    logger.disabled = True
    logger.warning("disabled")
    logger.disabled = False
    logger.warning("heard")
    assert ["heard"] == taken.bodies


class LogsWithin:
    """Its text logs."""

    def __str__(self) -> str:
        logging.getLogger("shop").warning("within")
        return "text"


def test_a_log_call_within_a_log_call_is_taken_too(taken: Taken) -> None:
    """The inner one first, since the outer one waits for its text; each once for each reading of the text."""
    logging.getLogger("shop").info("not heard")
    with use_session(EXAMPLE_ID):
        logging.getLogger("shop").warning("outer %s", LogsWithin())
    tag = f"[openReplaySession.id={EXAMPLE_ID}] "
    assert f"{tag}outer text" == taken.bodies[-1]
    assert {f"{tag}within"} == set(taken.bodies[:-1])


class Silent(logging.Handler):
    """Reads nothing of a line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Nothing."""


class LogsItself:
    """Its text logs itself, twice."""

    def __str__(self) -> str:
        log = logging.getLogger("shop.endless")
        log.warning("again %s", self)
        log.warning("and again %s", self)
        return "text"


def test_log_calls_without_end_end(taken: Taken) -> None:
    """Below a handler that reads no text, nothing but our reading would go on for ever; the next line is taken."""
    logger = logging.getLogger("shop.endless")
    logger.propagate = False
    handler = Silent()
    logger.addHandler(handler)
    try:
        logger.warning("outer %s", LogsItself())
    finally:
        logger.propagate = True
        logger.removeHandler(handler)
    assert "outer text" == taken.bodies[-1]
    assert len(taken.bodies) < 2**9
    logging.getLogger("shop").warning("next")
    assert "next" == taken.bodies[-1]


SIGNALS = """
import logging, signal, sys
from openreplay_otel import configure
pipeline = configure(sys.argv[1])
log = logging.getLogger("shop")
log.propagate = False
handler = logging.Handler()
handler.emit = lambda line: None
log.addHandler(handler)
class SoftLimit(Exception):
    pass
class Handlers:
    raised = 0
    def method(self, *_):
        self.raised += 1
        raise SoftLimit
handlers, caught = Handlers(), 0
signal.signal(signal.SIGALRM, handlers.method)
while handlers.raised < 200:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005 + handlers.raised % 97 * 1e-5)
        while True:
            log.warning("line")
    except SoftLimit:
        caught += 1
before = pipeline.processor.counts.accepted
for _ in range(100):
    log.warning("after")
print(caught == handlers.raised, pipeline.processor.counts.accepted - before)
"""


def test_an_exception_of_a_signal_handler_goes_on_and_leaves_nothing_behind(tmp_path: Any) -> None:
    """Wherever in a log call it strikes, the app gets it, and this thread's next lines are taken."""
    done = run_python(SIGNALS, {"XDG_STATE_HOME": str(tmp_path)}, f"sqlite:///{tmp_path}/logs.db")
    assert "True 100\n" == done.stdout


def test_an_error_of_a_processor_of_others_does_not_come_out_of_the_log_call(taken: Taken) -> None:
    """The app's own code would fail by it."""

    class Fails(LogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            raise RuntimeError("a bug")

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    taken.provider.add_log_record_processor(Fails())
    logging.getLogger("shop").warning("line")
    assert ["line"] == taken.bodies


def test_an_error_of_a_handler_is_the_apps_and_the_line_is_taken(taken: Taken) -> None:
    """A handler that raises is seen as without this package."""
    handler = logging.Handler()

    def emit(record: logging.LogRecord) -> None:
        raise KeyboardInterrupt

    handler.emit = emit
    logger = logging.getLogger("shop.raising")
    logger.addHandler(handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            logger.warning("line")
    finally:
        logger.removeHandler(handler)
    assert ["line"] == taken.bodies


HANDLERS = """
import logging, sys
import openreplay_otel
before = list(logging._handlerList)
with openreplay_otel.configure(sys.argv[1]):
    assert list(logging._handlerList) == before
    assert logging.getLogger().handlers == []
    logging.basicConfig()
    assert len(logging.getLogger().handlers) == 1
    logging.getLogger("shop").warning("x")
    logging.shutdown()
"""


def test_no_handler_is_added(tmp_path: Any) -> None:
    """So ``basicConfig`` does its work, and ``logging.shutdown()`` has nothing of ours to wait for."""
    run_python(HANDLERS, {"XDG_STATE_HOME": str(tmp_path)}, f"sqlite:///{tmp_path}/logs.db")


def test_the_session_of_an_exception_counts_where_the_context_has_none(taken: Taken) -> None:
    """A server logs it when the request is over."""
    error = ValueError("boom")
    with use_session(EXAMPLE_ID):
        remember(error)
    logging.getLogger("server").error("request failed", exc_info=error)
    assert is_logged(error)
    assert EXAMPLE_ID == taken.attribute("openreplay.session.id")
    assert "ValueError" == taken.attribute("exception.type")
    assert "boom" == taken.attribute("exception.message")


def test_an_exception_given_to_opentelemetry_has_its_session(taken: Taken) -> None:
    """``Logger.emit(exception=…)`` after the session's end; the exception counts as logged."""
    error = ValueError("boom")
    with use_session(EXAMPLE_ID):
        remember(error)
    taken.provider.get_logger("other").emit(body="failed", exception=error)
    assert EXAMPLE_ID == taken.attribute("openreplay.session.id")
    assert is_logged(error)


def test_the_stamp_gives_nobody_a_reason_to_make_records() -> None:
    """A provider whose processors want nothing answers as before once the stamp is there."""

    class WantsNothing(DurableLogRecordProcessor):
        def enabled(self, **_: Any) -> bool:
            return False

    provider = LoggerProvider(shutdown_on_exit=False)
    processor = WantsNothing(FaultyStore())
    provider.add_log_record_processor(processor)
    logger = provider.get_logger("shop")
    assert logger.enabled() is False
    add_first(provider, OpenReplayLogRecordProcessor(Settings()))
    assert logger.enabled() is False
    provider.shutdown()


@pytest.mark.parametrize(
    ("sessionless", "session_id", "is_wanted"),
    [("keep", None, True), ("drop", None, False), ("drop", EXAMPLE_ID, True)],
)
def test_the_durable_processor_says_what_it_would_keep(
    sessionless: Literal["keep", "drop"], session_id: str | None, is_wanted: bool
) -> None:
    """So that nobody makes a record that would be dropped: asked with a context, or in the current one."""
    processor = DurableLogRecordProcessor(FaultyStore(), sessionless=sessionless)
    context = in_session(session_id) if session_id else None
    assert is_wanted is processor.enabled(context=context)
    token = attach(context) if context is not None else None
    try:
        assert is_wanted is processor.enabled()
    finally:
        if token is not None:
            detach(token)
        processor.shutdown()
