"""Programs that write log files as people's programs do: ``python -m tests.frameworks.log_writers KIND``.

Each plays the same scene with its own logging: two sessions and nobody take turns, with exceptions, warnings, prints
and crashes between the lines. Each text says in it whose it is: ``A-1``, ``B-2``, ``none-3``.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from itertools import count
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SESSIONS: Final = {"A": "2618307011354435587", "B": "2618307011354435999"}
LOGGING: Final = {
    "basicConfig": logging.BASIC_FORMAT,
    "time - name - level": "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    "time - level": "%(asctime)s - %(levelname)s - %(message)s",
    "time level name": "%(asctime)s %(levelname)s %(name)s: %(message)s",
    "time level name dash": "%(asctime)s %(levelname)s %(name)s - %(message)s",
    "time [level] name": "%(asctime)s [%(levelname)s] %(name)s: %(message)s",
    "[time] [level] name": "[%(asctime)s] [%(levelname)-8s] %(name)s: %(message)s",
    "time bars": "%(asctime)s | %(levelname)-8s | %(name)s | %(message)s",
    "time name level": "%(asctime)s %(name)s %(levelname)s: %(message)s",
    "time level": "%(asctime)s %(levelname)s %(message)s",
    "level time": "%(levelname)s %(asctime)s %(module)s %(process)d %(thread)d %(message)s",
    "[level] name": "[%(levelname)s] %(name)s: %(message)s",
    "time with a zone": "%(asctime)s+0000 %(levelname)s %(name)s: %(message)s",
    "thread": "%(asctime)s [%(threadName)s] %(levelname)s %(name)s - %(message)s",
    "OpenTelemetry": (
        "%(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] [trace_id=0 span_id=0"
        " resource.service.name=shop trace_sampled=False] - %(message)s"
    ),
    "of no known format": "%(asctime)s;%(levelname)s;%(name)s;%(message)s",
    "only the message": "%(message)s",
}
LIBRARIES: Final = (
    "loguru", "loguru coloured", "loguru JSON", "structlog console", "structlog JSON",
    "structlog logfmt", "python-json-logger", "ecs-logging",
)  # fmt: skip
SERVERS: Final = ("uvicorn", "gunicorn", "hypercorn", "waitress", "Django", "Celery")

_numbers = count(1)


def of(who: str) -> str:
    """The next text of a session or of nobody, with the tag of its session."""
    text = f"{who}-{next(_numbers)} said"
    return text if who == "none" else f"[openReplaySession.id={SESSIONS[who]}] {text}"


def plain(who: str) -> str:
    """The same without a tag."""
    return f"{who}-{next(_numbers)} said"


def printed() -> None:
    """Somebody's print, as other code has it."""
    print(plain("none"), flush=True)


def fail(who: str) -> None:
    """Raise an exception with a cause."""
    try:
        raise KeyError(plain(who))
    except KeyError as error:
        raise ValueError(plain(who)) from error


def crash() -> None:
    """An exception in a thread, of nobody."""
    thread = threading.Thread(target=fail, args=("none",))
    thread.start()
    thread.join()


def scene(
    info: Callable[[str], Any], error: Callable[[str], Any], exception: Callable[[str], Any]
) -> None:
    """Two sessions and nobody take turns."""
    for who, other in (("A", "B"), ("B", "A")):
        info(of(who))
        printed()
        info(of(other))
        crash()
        try:
            fail(who)
        except ValueError:
            exception(of(who))
        printed()
        error(of(other))
        info(of("none"))
        try:
            fail("none")
        except ValueError:
            exception(of("none"))
        crash()
        info(of(who))
        warnings.warn(plain("none"), UserWarning, stacklevel=1)
        info(of(other))
        try:
            fail("none")
        except ValueError:
            traceback.print_exc()
        error(of(who))
        warnings.warn(plain("none"), DeprecationWarning, stacklevel=1)


def with_logging(formatter: logging.Formatter) -> None:
    """The scene by logging."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.DEBUG, handlers=[handler])
    log = logging.getLogger("shop")
    scene(log.info, log.error, log.exception)


def with_loguru(kind: str) -> None:
    """The scene by loguru."""
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, colorize="coloured" in kind, serialize="JSON" in kind)
    scene(logger.info, logger.error, logger.exception)


def with_structlog(kind: str) -> None:
    """The scene by structlog."""
    import structlog

    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    if "console" not in kind:
        is_json = "JSON" in kind
        renderer: Any = (
            structlog.processors.JSONRenderer()
            if is_json
            else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
        )
        structlog.configure([*shared, structlog.processors.format_exc_info, renderer])
    log = structlog.get_logger()
    scene(log.info, log.error, log.exception)


def worked(path: str) -> str:
    """What a request does in the servers' apps."""
    log = logging.getLogger("shop")
    who = path.strip("/")
    log.info(of(who))
    printed()
    try:
        fail(who)
    except ValueError:
        log.exception(of(who))
    printed()
    if who == "none":
        fail("none")
    return "done"


def with_celery() -> None:
    """Tasks of a worker in this process."""
    from celery import Celery
    from celery.utils.log import get_task_logger
    from celery.worker import state

    app = Celery("shop", broker="memory://")
    log = get_task_logger("shop")

    @app.task
    def work(who: str) -> None:
        log.info(of(who))
        try:
            fail(who)
        except ValueError:
            log.exception(of(who))
        if who == "none":
            fail("none")

    @app.task
    def stop() -> None:
        state.should_stop = 0

    tasks: Any = (work, stop)
    for who in ("A", "none", "B", "A"):
        tasks[0].delay(who)
    tasks[1].delay()
    app.worker_main(
        ["worker", "--pool=solo", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
    )


def main(kind: str) -> None:
    """Play the scene."""
    warnings.simplefilter("always")
    if kind in LOGGING:
        with_logging(logging.Formatter(LOGGING[kind]))
    elif kind == "python-json-logger":
        from pythonjsonlogger.json import JsonFormatter

        with_logging(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    elif kind == "ecs-logging":
        import ecs_logging

        with_logging(ecs_logging.StdlibFormatter())
    elif kind == "Celery":
        with_celery()
    elif kind.startswith("loguru"):
        with_loguru(kind)
    else:
        with_structlog(kind)


if __name__ == "__main__":
    main(sys.argv[1])
