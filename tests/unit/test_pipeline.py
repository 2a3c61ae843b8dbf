"""configure(): adds to what is there, changes nothing twice, and takes all of it away again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from opentelemetry import propagate
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from openreplay_otel import OpenReplayPropagator, Pipeline, SettingsError, configure
from openreplay_otel.stores.sqlite.store import SqliteStore

from .contract import EXAMPLE_ID, token
from .faults import FaultyStore
from .processes import run_python
from .records import in_session
from .spooled import wait_until
from .stored import ids_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = f"[openReplaySession.id={EXAMPLE_ID}] "


@pytest.fixture
def provider() -> Iterator[LoggerProvider]:
    """A provider of the app's own; what was changed around it is checked to be as before."""
    handlers, textmap = list(logging.getLogger().handlers), propagate.get_global_textmap()
    made = LoggerProvider(Resource({"service.name": "shop"}), shutdown_on_exit=False)
    yield made
    made.shutdown()
    assert handlers == logging.getLogger().handlers
    assert propagate.get_global_textmap() is textmap


@pytest.fixture
def app_exporter(provider: LoggerProvider) -> InMemoryLogRecordExporter:
    """Another exporter, which the app had added before."""
    exporter = InMemoryLogRecordExporter()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    return exporter


def log(text: str, session_id: str | None = EXAMPLE_ID) -> None:
    """A line of the app's, inside a request of a session."""
    held = attach(in_session(session_id)) if session_id else None
    try:
        logging.getLogger("shop").warning(text)
    finally:
        if held:
            detach(held)


def bodies(exporter: InMemoryLogRecordExporter) -> list[Any]:
    """What the app's own exporter saw."""
    return [data.log_record.body for data in exporter.get_finished_logs()]


def test_a_line_of_the_app_is_stored(provider: LoggerProvider) -> None:
    """From ``logging`` to the store, with the session, the logger and the place in the code."""
    store = FaultyStore()
    with configure(store, logger_provider=provider) as pipeline:
        log("boom")
        assert pipeline.force_flush() is True
        counts = pipeline.processor.counts
        assert (1, 1, {}) == (counts.accepted, counts.delivered, counts.dropped)
    (document,) = store.kept.values()
    source = orjson.loads(document.source)
    assert PREFIX + "boom" == source["message"]
    assert ("shop", "shop", "warning") == (
        source["log.logger"],
        source["service.name"],
        source["level"],
    )
    assert __file__ == source["log.origin.file.name"]


def test_configuring_again_changes_nothing(
    provider: LoggerProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """The same pipeline comes back, a line is stored once, and what the later calls ask for in vain is told."""
    store = FaultyStore()
    with configure(store, logger_provider=provider) as pipeline:
        textmap, handlers = propagate.get_global_textmap(), list(logging.getLogger().handlers)
        for _ in range(3):
            assert configure(FaultyStore(), logger_provider=provider) is pipeline
        assert "before" not in caplog.text
        assert (
            configure(FaultyStore(), logger_provider=provider, cookie="x", token_secret="hunter2")
            is pipeline
        )
        assert (
            "with other settings (cookie, token_secret); those of the first call stay"
            in caplog.text
        )
        assert "hunter2" not in caplog.text
        assert propagate.get_global_textmap() is textmap
        assert handlers == logging.getLogger().handlers
        log("boom")
    assert 1 == len(store.kept)


def test_what_the_provider_has_goes_on_and_sees_the_stamp(
    provider: LoggerProvider, app_exporter: InMemoryLogRecordExporter
) -> None:
    """The app's exporter, added before, gets the stamped record; each record once."""
    store = FaultyStore()
    with configure(store, logger_provider=provider):
        log("with")
        log("without", None)
    assert [PREFIX + "with", "without"] == bodies(app_exporter)
    assert [PREFIX + "with", "without"] == store.messages()


def test_shutdown_flushes_and_takes_all_of_it_away(
    provider: LoggerProvider, app_exporter: InMemoryLogRecordExporter
) -> None:
    """Afterwards the app's provider, handlers and propagator are as they were (the fixture looks)."""
    store = FaultyStore()
    pipeline = configure(store, logger_provider=provider)
    log("before")
    assert {} == store.kept
    pipeline.shutdown()
    pipeline.shutdown()
    assert [PREFIX + "before"] == store.messages()
    provider.get_logger("shop").emit(body="after", context=in_session())
    provider.force_flush()
    assert [PREFIX + "before", "after"] == bodies(app_exporter)
    assert [PREFIX + "before"] == store.messages()
    assert (0, True) == (store.closed, pipeline.force_flush())


def test_it_can_be_configured_anew_after_shutdown(provider: LoggerProvider) -> None:
    """With other settings, as often as one likes."""
    stores = [FaultyStore() for _ in range(3)]
    for n, store in enumerate(stores):
        with configure(store, logger_provider=provider, project_id=n + 1) as pipeline:
            assert n + 1 == pipeline.settings.project_id
            log(f"round {n}")
    assert [store.messages() for store in stores] == [[f"{PREFIX}round {n}"] for n in range(3)]


def test_an_exception_in_the_with_block_goes_through(provider: LoggerProvider) -> None:
    """Leaving by an exception flushes too and hides nothing."""
    store = FaultyStore()

    def fail() -> None:
        with configure(store, logger_provider=provider):
            log("boom")
            raise KeyError("the app's own")

    with pytest.raises(KeyError, match="the app's own"):
        fail()
    assert 1 == len(store.kept)


def test_handlers_of_the_app_see_what_they_saw_before(
    provider: LoggerProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """The stamp is on OpenTelemetry's records, not on those of ``logging``."""
    with configure(FaultyStore(), logger_provider=provider):
        log("boom")
    assert ["boom"] == caplog.messages
    assert [] == [name for name in vars(caplog.records[0]) if "session" in name]


def test_a_handler_of_opentelemetry_that_is_there_is_used(provider: LoggerProvider) -> None:
    """Where another distro handles ``logging`` already, no line comes twice and its handler stays."""
    handler = LoggingHandler(logger_provider=provider)
    logging.getLogger().addHandler(handler)
    try:
        store = FaultyStore()
        with configure(store, logger_provider=provider):
            log("boom")
        assert [PREFIX + "boom"] == store.messages()
        assert handler in logging.getLogger().handlers
    finally:
        logging.getLogger().removeHandler(handler)


def test_the_propagator_is_added_behind_the_present_ones(provider: LoggerProvider) -> None:
    """What was there still works, and a token in incoming baggage is taken out again."""
    with configure(FaultyStore(), logger_provider=provider):
        carrier = {
            "baggage": f"user=u,openreplay.session.id={token()}",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "X-OpenReplay-SessionToken": token(expires_ms=2**50),
        }
        outgoing: dict[str, str] = {}
        propagate.inject(outgoing, propagate.extract(carrier))
    assert {"baggage", "traceparent", "openReplaySession.id"} == set(outgoing)
    assert EXAMPLE_ID == outgoing["openReplaySession.id"]
    assert f"user=u,openreplay.session.id={EXAMPLE_ID}" == outgoing["baggage"]


@pytest.mark.parametrize("nested", [False, True])
def test_a_propagator_of_ours_that_is_there_is_used(provider: LoggerProvider, nested: bool) -> None:
    """``OTEL_PROPAGATORS=tracecontext,openreplay`` and configure() together read a request once."""
    before = propagate.get_global_textmap()
    ours = CompositePropagator([before, OpenReplayPropagator()])
    propagate.set_global_textmap(CompositePropagator([ours]) if nested else ours)
    present = propagate.get_global_textmap()
    try:
        with configure(FaultyStore(), logger_provider=provider):
            assert propagate.get_global_textmap() is present
        assert propagate.get_global_textmap() is present
    finally:
        propagate.set_global_textmap(before)


def test_a_propagator_that_the_app_sets_later_stays(provider: LoggerProvider) -> None:
    """Shutdown takes away only what is its own."""
    before = propagate.get_global_textmap()
    theirs = CompositePropagator([])
    try:
        with configure(FaultyStore(), logger_provider=provider):
            propagate.set_global_textmap(theirs)
        assert propagate.get_global_textmap() is theirs
    finally:
        propagate.set_global_textmap(before)


def test_a_provider_that_the_app_ends_first_harms_nobody(provider: LoggerProvider) -> None:
    """In whichever order app and pipeline end, everything emitted before is stored."""
    store = FaultyStore()
    pipeline = configure(store, logger_provider=provider)
    log("boom")
    provider.shutdown()
    pipeline.shutdown()
    assert [PREFIX + "boom"] == store.messages()


def test_a_wrong_setting_installs_nothing(provider: LoggerProvider) -> None:
    """The error comes before anything is changed (the fixture looks)."""
    wrong: list[dict[str, Any]] = [{"app_url": "x"}, {"no_such": 1}, {"store": "mysql://x"}]
    for arguments in wrong:
        with pytest.raises(SettingsError):
            configure(logger_provider=provider, **arguments)
    with configure(FaultyStore(), logger_provider=provider) as pipeline:
        assert isinstance(pipeline, Pipeline)


def test_a_store_that_is_down_costs_the_app_nothing(provider: LoggerProvider) -> None:
    """Logging goes on, nothing is raised, and the next process delivers what waits, each record once."""
    from openreplay_otel import StoreAccessError

    store = FaultyStore(*[StoreAccessError("no")] * 99)
    with configure(store, logger_provider=provider) as pipeline:
        for n in range(100):
            log(f"{n}")
        assert pipeline.force_flush(100) is False
    counts = pipeline.processor.counts
    assert (100, 0, {}) == (counts.accepted, counts.delivered, counts.dropped)
    assert {} == store.kept
    store.outcomes = []
    with configure(store, logger_provider=provider) as pipeline:
        log("next")
        wait_until(lambda: len(store.kept) == 101)
    assert sorted(f"{PREFIX}{n}" for n in (*range(100), "next")) == sorted(store.messages())
    assert 101 == pipeline.processor.counts.delivered


def test_own_lines_do_not_feed_themselves(provider: LoggerProvider) -> None:
    """With everything logged at DEBUG, a delivery that fails and logs makes no further records."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    store = FaultyStore(RuntimeError("a bug"))
    try:
        with configure(store, logger_provider=provider) as pipeline:
            for _ in range(3):
                log("boom")
                pipeline.force_flush()
            counts = pipeline.processor.counts
    finally:
        root.setLevel(level)
    assert [PREFIX + "boom"] * 3 == store.messages()
    assert (3, 3, {}) == (counts.accepted, counts.delivered, counts.dropped)


def test_an_embedded_store_of_a_url_is_opened_and_closed(
    provider: LoggerProvider, tmp_path: Path
) -> None:
    """By URL; after shutdown only the file is left, and it holds the line."""
    with configure(f"sqlite:///{tmp_path}/logs.db", logger_provider=provider):
        log("boom")
    assert ["logs.db"] == [path.name for path in tmp_path.glob("logs.db*")]
    assert 1 == len(ids_of(SqliteStore(tmp_path / "logs.db")))


STORED_AT_EXIT = """
import logging, os, sys
import openreplay_otel
from openreplay_otel.context import with_session_id
from opentelemetry import context, propagate
openreplay_otel.configure(service_name="script")
openreplay_otel.configure()
assert "openReplaySession.id" in propagate.get_global_textmap().fields
context.attach(with_session_id(sys.argv[1]))
logging.error("from the parent")
child = os.fork()
logging.error("from the child" if child == 0 else "the parent again")
if child:
    assert os.waitpid(child, 0)[1] == 0
try:
    1 / 0
except ZeroDivisionError:
    if child:
        logging.exception("failed")
"""


def test_a_script_stores_its_lines_at_its_end(tmp_path: Path) -> None:
    """Without a provider, a store or a flush: one is made, the user's file is taken, also after a fork."""
    run_python(STORED_AT_EXIT, {"XDG_STATE_HOME": str(tmp_path)}, EXAMPLE_ID)
    from openreplay_otel import SessionLogs

    with SessionLogs(f"sqlite:///{tmp_path}/openreplay-otel/logs.db") as logs:
        entries = list(logs.logs(EXAMPLE_ID))
    texts = ["failed", "from the child", "from the parent", "the parent again"]
    assert texts == sorted(entry.message for entry in entries)
    assert {"script"} == {entry.service for entry in entries}
    (failed,) = (entry for entry in entries if entry.message == "failed")
    assert failed.exception is not None
    assert "ZeroDivisionError" == failed.exception.type
