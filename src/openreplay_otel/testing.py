"""For the tests of your own app: does this endpoint log with the session? A pytest fixture.

Name it in your ``conftest.py``::

    pytest_plugins = ["openreplay_otel.testing"]

and use it with whatever client your framework's tests have::

    def test_checkout_logs_with_the_session(openreplay_session, client):
        client.get("/checkout", headers=openreplay_session.headers)
        openreplay_session.assert_logged("payment failed", level="error")

Nothing is sent or stored: the records stay in the test's process.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord

from .capture import LoggingCapture
from .context.current import use_session
from .context.global_propagator import AddedPropagator
from .hooks import install_hooks
from .message_tag import without_prefix
from .names import ATTRIBUTE_SESSION_ID, SESSION_ID_HEADER
from .session import Session
from .settings import Settings
from .stamp import OpenReplayLogRecordProcessor, add_first
from .stamp.order import remove

if TYPE_CHECKING:
    from collections.abc import Generator

_ID_EPOCH_MS: Final = 1_550_000_000_000


class _Keeper(LogRecordProcessor):
    def __init__(self) -> None:
        self.kept: list[Any] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self.kept.append(log_record.log_record)

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class SessionUnderTest:
    """A made-up session, and what was logged in it.

    Attributes:
        session: The session, which began just now.
        headers: Request headers with which a client belongs to it.
    """

    def __init__(self, keeper: _Keeper) -> None:
        began_ms = int(time.time() * 1000)
        self.session = Session(str((began_ms - _ID_EPOCH_MS) << 24 | 1))
        self.headers = {SESSION_ID_HEADER: self.session.id}
        self._keeper = keeper

    def use(self) -> use_session:
        """A ``with`` block that works in the session, for code without a request."""
        return use_session(self.session)

    @property
    def messages(self) -> list[str]:
        """The texts of the session's records so far, without the tag, in their order."""
        return [message for _, message in self._own()]

    def assert_logged(self, text: str, *, level: str | None = None) -> None:
        """Fail unless a record of the session has a text.

        Args:
            text: Part of the message.
            level: Name of the level it has to have, as ``logging`` has it, such as ``error``; None for any.

        Raises:
            AssertionError: None has it; the message shows what was logged, with and without a session.
        """
        own = self._own()
        for severity, message in own:
            if text in message and (level is None or severity == level.lower()):
                return
        wanted = repr(text) if level is None else f"{text!r} at level {level}"
        others = [
            without_prefix(str(record.body))
            for record in self._keeper.kept
            if _session_of(record) != self.session.id
        ]
        raise AssertionError(
            f"no record of session {self.session.id} says {wanted}."
            f"\nIn the session: {own}\nOutside of it: {others}"
        )

    def _own(self) -> list[tuple[str, str]]:
        return [
            (_level_of(record), without_prefix(str(record.body)))
            for record in self._keeper.kept
            if _session_of(record) == self.session.id
        ]


def _session_of(record: Any) -> object:
    attributes: dict[str, Any] = record.attributes or {}
    return attributes.get(ATTRIBUTE_SESSION_ID)


def _level_of(record: Any) -> str:
    level = str(record.severity_text).lower()
    return {"warn": "warning", "fatal": "critical"}.get(level, level)


@pytest.fixture
def openreplay_session() -> Generator[SessionUnderTest]:
    """A session, whose headers a test sends and whose records it looks at."""
    settings = Settings.load()
    provider = get_logger_provider()
    if not isinstance(provider, LoggerProvider):
        provider = LoggerProvider(shutdown_on_exit=False)
        set_logger_provider(provider)
    keeper, stamp = _Keeper(), OpenReplayLogRecordProcessor(settings)
    provider.add_log_record_processor(keeper)
    add_first(provider, stamp)
    capture = LoggingCapture(provider, settings.excluded_loggers)
    capture.start()
    propagator, hooks = AddedPropagator.add(settings), install_hooks(settings)
    try:
        yield SessionUnderTest(keeper)
    finally:
        hooks.remove()
        if propagator is not None:
            propagator.remove()
        capture.stop()
        remove(provider, stamp)
        remove(provider, keeper)
