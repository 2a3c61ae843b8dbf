"""Fails or logs in a session in one way, with instrumentations in force that tell of it as well.

``python -m tests.frameworks.apps.tells_twice WAY MODE``; MODE is ``zero-code``, or whether ``configure()`` comes
before or after the instrumentations.
"""

from __future__ import annotations

import asyncio
import gc
import http.client
import logging
import socket
import sys
import threading

import openreplay_otel
from openreplay_otel import use_session

SESSION = "2618307011354435587"
log = logging.getLogger("shop")


def fail():
    """The failure, and nothing else."""
    raise ValueError("failed")


def program():
    """Ends the program."""
    with use_session(SESSION):
        fail()


def logged_and_uncaught():
    """Logged, and then uncaught."""
    with use_session(SESSION):
        try:
            fail()
        except ValueError:
            log.exception("caught")
            raise


def thread():
    """Ends a thread."""
    with use_session(SESSION):
        failing = threading.Thread(target=fail)
        failing.start()
        failing.join()


def task():
    """Of a task that nobody awaits; asyncio logs it."""

    async def fails():
        fail()

    async def main():
        with use_session(SESSION):
            failing = asyncio.create_task(fails())
        await asyncio.wait([failing])
        del failing
        gc.collect()

    asyncio.run(main())


def without_a_session():
    """Ends the program, outside of any session."""
    fail()


def line():
    """A line, no exception."""
    with use_session(SESSION):
        log.error("failed")


def structlog_to_logging():
    """A line that structlog renders and hands to logging."""
    import structlog

    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    with use_session(SESSION):
        structlog.get_logger("shop").error("failed")


def structlog_of_an_exception():
    """An exception that is logged after its session, by structlog's way to a formatter."""
    import structlog

    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    try:
        with use_session(SESSION):
            fail()
    except ValueError:
        structlog.get_logger("shop").exception("caught")


def structlog_alone():
    """The same, printed by structlog itself."""
    import structlog

    try:
        with use_session(SESSION):
            fail()
    except ValueError:
        structlog.get_logger().error("caught", exc_info=True)


def fastapi():
    """Ends a request; uvicorn logs it."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()
    app.get("/")(fail)
    own = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    serving = threading.Thread(target=server.run, kwargs={"sockets": [own]})
    serving.start()
    connection = http.client.HTTPConnection(*own.getsockname()[:2], timeout=60)
    connection.request("GET", "/", headers={"openReplaySession.id": SESSION})
    connection.getresponse().read()
    server.should_exit = True
    serving.join()


def instrument():
    """Turn on what `opentelemetry-instrument` turns on by itself."""
    from opentelemetry.instrumentation.exceptions import UnhandledExceptionInstrumentor
    from opentelemetry.instrumentation.structlog import StructlogInstrumentor

    UnhandledExceptionInstrumentor().instrument()
    StructlogInstrumentor().instrument()


if __name__ == "__main__":
    way, mode = sys.argv[1:]
    if mode == "configure first":
        openreplay_otel.configure()
        instrument()
    elif mode == "configure last":
        instrument()
        openreplay_otel.configure()
    globals()[way]()
