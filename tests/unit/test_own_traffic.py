"""A store's own requests: no log lines and no spans of them, and all of the app's."""

from __future__ import annotations

import logging
import threading

import pytest
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from openreplay_otel.stores.own_traffic import keep_quiet, own_traffic

LOGGERS = [
    "elastic_transport.transport",
    "elastic_transport.node",
    "elastic_transport.node_pool",
    "urllib3.connectionpool",
    "urllib3.connection",
]


@pytest.mark.parametrize("name", LOGGERS)
def test_lines_about_own_requests_are_stopped_and_the_apps_pass(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client's lines are told apart by who asked for the request; asking twice changes nothing."""
    keep_quiet()
    keep_quiet()
    logger = logging.getLogger(name)
    with caplog.at_level(logging.DEBUG, logger=name):
        logger.warning("before")
        with own_traffic():
            logger.error("own")
            with own_traffic():
                logger.error("own")
            logger.error("own")
            logging.getLogger("app").warning("app")
        logger.debug("after")
    assert ["before", "app", "after"] == caplog.messages
    assert 1 == sum(type(one).__name__ == "_OwnTrafficFilter" for one in logger.filters)


def test_own_requests_make_no_spans() -> None:
    """Instrumentation of the client is off inside, and on again outside, also after an error."""
    assert is_instrumentation_enabled()
    with own_traffic():
        assert not is_instrumentation_enabled()
    with pytest.raises(KeyError), own_traffic():
        raise KeyError
    assert is_instrumentation_enabled()


def test_other_threads_are_the_apps() -> None:
    """A request of the app's at the same time, in another thread, is not taken for ours."""
    seen: list[bool] = []
    with own_traffic():
        thread = threading.Thread(target=lambda: seen.append(is_instrumentation_enabled()))
        thread.start()
        thread.join()
    assert [True] == seen
