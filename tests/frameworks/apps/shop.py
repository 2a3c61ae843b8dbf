"""What every app does: log lines that name the request's number, by which the tests know them again."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("shop.orders")
_pool = ThreadPoolExecutor(2)
_OVERLAP_SECONDS = 0.3


def child(number: str) -> str:
    """One line of a child logger."""
    log.info("child %s", number)
    return "ok"


def lines(number: str) -> str:
    """Ten lines."""
    for line in range(10):
        log.info("line %d of %s", line, number)
    return "ok"


def handled(number: str) -> str:
    """An error that the app handles and logs."""
    try:
        raise ValueError(f"handled {number}")
    except ValueError:
        log.exception("caught %s", number)
    return "ok"


def fail(number: str) -> str:
    """An error that nobody handles."""
    raise RuntimeError(f"unhandled {number}")


def slow(number: str) -> str:
    """Takes long enough for another request to come in between."""
    log.info("slow begins %s", number)
    time.sleep(_OVERLAP_SECONDS)
    log.info("slow ends %s", number)
    return "ok"


async def slow_async(number: str) -> str:
    """The same, without holding up the loop."""
    log.info("slow begins %s", number)
    await asyncio.sleep(_OVERLAP_SECONDS)
    log.info("slow ends %s", number)
    return "ok"


def later(number: str) -> None:
    """A background task: it goes on after the answer."""
    time.sleep(0.1)
    log.info("task %s", number)


async def later_async(number: str) -> None:
    """The same with asyncio."""
    await asyncio.sleep(0.1)
    log.info("task %s", number)


def background(number: str) -> str:
    """A background task where the framework has none of its own: a thread, and one of a pool."""
    threading.Thread(target=later, args=(number,)).start()
    _pool.submit(later, number)
    return "ok"


async def background_async(number: str) -> str:
    """The same with asyncio: a task, and a thread of the loop's executor."""
    loop = asyncio.get_running_loop()
    _tasks.append(asyncio.create_task(later_async(number)))
    _tasks.append(loop.run_in_executor(None, later, number))
    return "ok"


_tasks: list[asyncio.Future[None]] = []


def stream(number: str) -> Iterator[bytes]:
    """A body that is made while it is sent, and fails in the end."""
    yield b"first\n"
    log.info("streaming %s", number)
    yield b"second\n"
    raise RuntimeError(f"stream broke {number}")


async def stream_async(number: str) -> AsyncIterator[bytes]:
    """The same for asyncio."""
    yield b"first\n"
    log.info("streaming %s", number)
    yield b"second\n"
    raise RuntimeError(f"stream broke {number}")


ACTIONS = {
    "/child": child,
    "/lines": lines,
    "/handled": handled,
    "/fail": fail,
    "/slow": slow,
    "/background": background,
}
