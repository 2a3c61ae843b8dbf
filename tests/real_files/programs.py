"""Programs that write log files as people's programs do: ``python -m tests.real_files.programs KIND``.

Each plays the same scene with its own logging: two sessions and nobody take turns, with exceptions, warnings, prints
and crashes between the lines. See :mod:`tests.real_files.texts` for what they say.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import logging.handlers
import socket
import sys
import threading
import traceback
import warnings
from typing import TYPE_CHECKING, Any, Final

from .texts import NOBODY, SESSIONS, failed, said, text

if TYPE_CHECKING:
    from collections.abc import Callable

LOGGING: Final = {
    "basicConfig": logging.BASIC_FORMAT,
    "time - name - level": "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    "time - level": "%(asctime)s - %(levelname)s - %(message)s",
    "time level name": "%(asctime)s %(levelname)s %(name)s: %(message)s",
    "time level name dash": "%(asctime)s %(levelname)s %(name)s - %(message)s",
    "time [level] name": "%(asctime)s [%(levelname)s] %(name)s: %(message)s",
    "[time] [level] name": "[%(asctime)s] [%(levelname)-8s] %(name)s: %(message)s",
    "[level] [time]": "[%(levelname)s] [%(asctime)s] %(message)s",
    "time bars": "%(asctime)s | %(levelname)-8s | %(name)s | %(message)s",
    "time name level": "%(asctime)s %(name)s %(levelname)s: %(message)s",
    "time name:level:": "%(asctime)s %(name)s:%(levelname)s:%(message)s",
    "time level": "%(asctime)s %(levelname)s %(message)s",
    "level time": "%(levelname)s %(asctime)s %(module)s %(process)d %(thread)d %(message)s",
    "[level] name": "[%(levelname)s] %(name)s: %(message)s",
    "time with a zone": "%(asctime)s+0000 %(levelname)s %(name)s: %(message)s",
    "thread": "%(asctime)s [%(threadName)s] %(levelname)s %(name)s - %(message)s",
    "file and line": "%(asctime)s %(levelname)-8s %(name)s %(filename)s:%(lineno)d: %(message)s",
    "pytest's": "%(levelname)-8s %(name)s:%(filename)s:%(lineno)d %(message)s",
    "OpenTelemetry": (
        "%(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] [trace_id=0 span_id=0"
        " resource.service.name=shop trace_sampled=False] - %(message)s"
    ),
    "of no known format": "%(asctime)s;%(levelname)s;%(name)s;%(message)s",
    "only the message": "%(message)s",
}
DATES: Final = {
    "whole seconds": "%Y-%m-%d %H:%M:%S",
    "ISO with a zone": "%Y-%m-%dT%H:%M:%S%z",
    "only a clock": "%H:%M:%S",
    "day first": "%d.%m.%Y %H:%M:%S",
    "bars and slashes": "%m/%d/%Y %I:%M:%S %p",
}
LIBRARIES: Final = (
    "loguru", "loguru coloured", "loguru JSON", "structlog console", "structlog plain console", "structlog JSON",
    "structlog JSON with dicts", "structlog logfmt", "python-json-logger", "JSON with the session as a field",
    "ecs-logging", "ecs-logging, dotted", "rich",
)  # fmt: skip


def printed() -> None:
    """Somebody's print, as other code has it."""
    print(text(NOBODY, "printed"), flush=True)


def fail(who: str) -> None:
    """Raise an exception with a cause."""
    try:
        raise KeyError(text(who, "raised"))
    except KeyError as error:
        raise ValueError(text(who, "raised")) from error


def fail_noted(who: str) -> None:
    """Raise an exception while another is handled, with a text of two lines."""
    try:
        raise KeyError(text(who, "raised"))
    except KeyError:
        raise TypeError(f"{text(who, 'raised')}\n{text(who, 'further')}") from None


def fail_together(who: str) -> None:
    """Raise a group, where Python has any."""
    errors = [ValueError(text(who, "raised")), TypeError(text(who, "raised"))]
    if sys.version_info < (3, 11):
        raise errors[0]
    raise ExceptionGroup(text(who, "raised"), errors)  # noqa: F821 - ruff does not see the check above


def crash() -> None:
    """An exception in a thread, of nobody."""
    thread = threading.Thread(target=fail, args=(NOBODY,))
    thread.start()
    thread.join()


def crash_when_deleted() -> None:
    """An exception that Python ignores, of nobody."""

    class Broken:
        def __del__(self) -> None:
            fail(NOBODY)

    Broken()
    gc.collect()


def forget_a_task() -> None:
    """A task that failed and that nobody awaited: asyncio logs it."""

    async def forget() -> None:
        async def work() -> None:
            fail(NOBODY)

        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(forget())


def scene(
    info: Callable[[str], Any], error: Callable[[str], Any], exception: Callable[[str], Any]
) -> None:
    """Two sessions and nobody take turns."""
    for who, other in (("A", "B"), ("B", "A")):
        info(said(who))
        printed()
        info(said(other))
        crash()
        logged(fail, who, exception)
        printed()
        error(failed(other))
        info(said(NOBODY))
        logged(fail, NOBODY, exception)
        crash()
        info(said(who))
        warnings.warn(text(NOBODY, "printed"), UserWarning, stacklevel=1)
        info(said(other))
        try:
            fail(NOBODY)
        except ValueError:
            traceback.print_exc()
        error(failed(who))
        warnings.warn(text(NOBODY, "printed"), DeprecationWarning, stacklevel=1)
        logged(fail_noted, other, exception)
        logged(fail_together, who, exception)
        info(said(NOBODY))
        crash_when_deleted()
        info(f"{said(who)}\n{text(who, 'further')}")
        info(said(other))
        try:
            fail_together(NOBODY)
        except Exception:  # noqa: BLE001 - a group is one only from Python 3.11 on
            traceback.print_exc()
        error(failed(who))
        forget_a_task()


def logged(work: Callable[[str], None], who: str, exception: Callable[[str], Any]) -> None:
    """Work that fails, and its exception logged."""
    try:
        work(who)
    except Exception:  # noqa: BLE001 - a group is one only from Python 3.11 on
        exception(failed(who))


def with_logging(handler: logging.Handler, formatter: logging.Formatter | None = None) -> None:
    """The scene by logging; at its end the program crashes."""
    if formatter is not None:
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    log = logging.getLogger("shop")
    scene(log.info, log.error, log.exception)


def with_fields(formatter: logging.Formatter) -> None:
    """The scene by logging, the session not in the text but in a field of its own."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    log = logging.getLogger("shop")

    def by(write: Callable[..., None]) -> Callable[[str], None]:
        def call(tagged: str) -> None:
            head, separator, rest = tagged.partition("] ")
            session_id = head.rpartition("=")[2] if head[:1] == "[" else ""
            if session_id in SESSIONS.values() and separator:
                write(rest, extra={"openreplay.session.id": session_id})
            else:
                write(tagged)

        return call

    scene(by(log.info), by(log.error), by(log.exception))


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
    if "plain" in kind:
        renderer: Any = structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
        structlog.configure([*shared, renderer])
    elif "console" not in kind:
        as_text = structlog.processors.format_exc_info
        with_trace = structlog.processors.dict_tracebacks if "dicts" in kind else as_text
        renderer = (
            structlog.processors.JSONRenderer()
            if "JSON" in kind
            else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
        )
        structlog.configure([*shared, with_trace, renderer])
    log = structlog.get_logger()
    scene(log.info, log.error, log.exception)


def with_ecs(*, is_dotted: bool) -> None:
    """The scene by ecs-logging: nested as it writes it, or with dotted names as other writers of ECS do."""
    import ecs_logging

    class Dotted(ecs_logging.StdlibFormatter):
        def format(self, record: logging.LogRecord) -> str:
            return json.dumps(_dotted(self.format_to_ecs(record)))

    with_logging(logging.StreamHandler(), Dotted() if is_dotted else ecs_logging.StdlibFormatter())


def _dotted(found: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            flat.update(_dotted(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def with_syslog() -> None:
    """The scene by SysLogHandler; what a daemon gets is written as one writes it, with line ends as ``#012``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        handler = logging.handlers.SysLogHandler(daemon.getsockname())
        handler.ident = "shop[77]: "

        def write(log: Callable[[str], Any]) -> Callable[[str], None]:
            def call(message: str) -> None:
                log(message)
                packet = daemon.recv(65536).decode().rstrip("\0").replace("\n", "#012")
                priority, _, rest = packet.partition(">")
                print(f"{priority}>Jan 24 02:27:39 web1 {rest}", file=sys.stderr, flush=True)

            return call

        logging.basicConfig(level=logging.INFO, handlers=[handler])
        logging.getLogger("asyncio").disabled = True
        log = logging.getLogger("shop")
        scene(write(log.info), write(log.error), write(log.exception))


def work_in_a_request(path: str) -> str:
    """What a request does in the servers' apps."""
    log = logging.getLogger("shop")
    who = path.strip("/")
    log.info(said(who))
    printed()
    logged(fail, who, log.exception)
    printed()
    if who == NOBODY:
        fail(NOBODY)
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
        log.info(said(who))
        logged(fail, who, log.exception)
        print(text(NOBODY, "printed"))
        if who == NOBODY:
            fail(NOBODY)

    @app.task
    def stop() -> None:
        state.should_stop = 0

    tasks: Any = (work, stop)
    for who in ("A", NOBODY, "B", "A"):
        tasks[0].delay(who)
    tasks[1].delay()
    app.worker_main(
        ["worker", "--pool=solo", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
    )


def main(kind: str) -> None:
    """Play the scene; a program by logging ends with an exception that nobody catches."""
    warnings.simplefilter("always")
    if kind in LOGGING or kind in DATES:
        form = LOGGING.get(kind, LOGGING["time level name"])
        with_logging(logging.StreamHandler(), logging.Formatter(form, DATES.get(kind)))
        fail(NOBODY)
    elif kind == "warnings captured":
        logging.captureWarnings(capture=True)
        with_logging(logging.StreamHandler(), logging.Formatter(LOGGING["time level name"]))
    elif kind == "python-json-logger":
        from pythonjsonlogger.json import JsonFormatter

        form = "%(asctime)s %(levelname)s %(name)s %(message)s"
        with_logging(logging.StreamHandler(), JsonFormatter(form))
    elif kind == "JSON with the session as a field":
        from pythonjsonlogger.json import JsonFormatter

        with_fields(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    elif kind.startswith("ecs-logging"):
        with_ecs(is_dotted="dotted" in kind)
    elif kind == "rich":
        from rich.logging import RichHandler

        with_logging(RichHandler(), logging.Formatter("%(message)s", "[%X]"))
    elif kind == "syslog":
        with_syslog()
    elif kind == "Celery":
        with_celery()
    elif kind.startswith("loguru"):
        with_loguru(kind)
    else:
        with_structlog(kind)


if __name__ == "__main__":
    main(sys.argv[1])
