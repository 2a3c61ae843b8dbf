"""Work that leaves its request, in every way that Python has; each way says for which request it works."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import queue
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache, partial
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING, Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.background import BackgroundScheduler
from fastapi import FastAPI
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

import openreplay_otel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("shop.later")
_METHODS = ("fork", "spawn", "forkserver")
_SHORTLY = 0.3
"""Seconds after which a request is answered."""
_ends: list[Callable[[], object]] = []
_tasks: list[Any] = []


def line(number: str) -> None:
    """What is done: one line."""
    log.info("work for %s", number)


async def line_later(number: str) -> None:
    """The same, once the request is answered."""
    await asyncio.sleep(_SHORTLY)
    line(number)


def line_then_end(number: str) -> None:
    """The same, in a process of its own."""
    line(number)
    logging.shutdown()


# What works for one request


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)


@cache
def _processes(method: str) -> ProcessPoolExecutor:
    made = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method))
    _ends.append(made.shutdown)
    return made


@cache
def _pool(method: str) -> Any:
    made = multiprocessing.get_context(method).Pool(1)
    _ends.append(made.terminate)
    return made


@cache
def _thread_pool() -> ThreadPool:
    return ThreadPool(1)


async def create_task(number: str) -> None:
    """A task."""
    _tasks.append(asyncio.create_task(line_later(number)))


async def call_later(number: str) -> None:
    """A timer of the loop."""
    asyncio.get_running_loop().call_later(_SHORTLY, line, number)


async def to_thread(number: str) -> None:
    """The loop's own threads."""
    _tasks.append(asyncio.create_task(asyncio.to_thread(line, number)))


async def loop_in_processes(number: str) -> None:
    """A pool of processes by the loop."""
    await asyncio.get_running_loop().run_in_executor(_processes("fork"), line, number)


def thread(number: str) -> None:
    """A thread."""
    threading.Thread(target=line, args=[number]).start()


def timer(number: str) -> None:
    """A timer."""
    threading.Timer(_SHORTLY, line, [number]).start()


def executor(number: str) -> None:
    """A pool of threads, begun in the first request."""
    _threads().submit(line, number)


def thread_pool(number: str) -> None:
    """The other pool of threads."""
    _thread_pool().apply_async(line, [number])


def submit(number: str, method: str) -> None:
    """A pool of processes."""
    _processes(method).submit(line, number).result()


def submit_many(number: str, method: str) -> None:
    """The same, by its ``map``."""
    assert list(_processes(method).map(line, [number])) == [None]


def apply(number: str, method: str) -> None:
    """The other pool of processes."""
    _pool(method).apply(line, [number])


def starmap(number: str, method: str) -> None:
    """The same, by another of its methods."""
    assert _pool(method).starmap(line, [[number]]) == [None]


def imap(number: str, method: str) -> None:
    """The same, by a third."""
    assert list(_pool(method).imap_unordered(line, [number])) == [None]


def parallel(number: str) -> None:
    """Joblib's processes, by which scikit-learn computes; they stay for the next one who asks."""
    assert Parallel(n_jobs=2)(delayed(line)(number) for _ in range(1)) == [None]


def process(number: str, method: str) -> None:
    """A process of its own."""
    context: Any = multiprocessing.get_context(method)
    begun = context.Process(target=line_then_end, args=[number])
    begun.start()
    begun.join()


# What works for everybody, and is begun in the first request that needs it


class Consumers:
    """What was begun, each by its name."""

    def __init__(self) -> None:
        self.begun: dict[str, Any] = {}

    def get(self, name: str, begin: Callable[[], Any]) -> Any:
        """Begin it at the first call."""
        if name not in self.begun:
            self.begun[name] = begin()
        return self.begun[name]


_consumers = Consumers()


async def _read(numbers: asyncio.Queue[str]) -> None:
    while True:
        await line_later(await numbers.get())


def _begin_task() -> asyncio.Queue[str]:
    numbers: asyncio.Queue[str] = asyncio.Queue()
    _tasks.append(asyncio.create_task(_read(numbers)))
    return numbers


async def queue_task(number: str) -> None:
    """A task that reads a queue."""
    _consumers.get("queue_task", _begin_task).put_nowait(number)


async def queue_task_of_nobody(number: str) -> None:
    """The same, begun outside of any session."""
    with openreplay_otel.no_session():
        numbers = _consumers.get("queue_task_of_nobody", _begin_task)
    numbers.put_nowait(number)


def _work(numbers: queue.Queue[str]) -> None:
    while number := numbers.get():
        time.sleep(_SHORTLY)
        line(number)


def _begin_thread() -> queue.Queue[str]:
    numbers: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_work, args=[numbers], daemon=True).start()
    return numbers


def queue_thread(number: str) -> None:
    """A thread that reads a queue."""
    _consumers.get("queue_thread", _begin_thread).put(number)


def queue_in_executor(number: str) -> None:
    """A job of a pool that never ends."""

    def begin() -> queue.Queue[str]:
        numbers: queue.Queue[str] = queue.Queue()
        pool = ThreadPoolExecutor(1)
        pool.submit(_work, numbers)
        _ends.append(lambda: numbers.put(""))
        return numbers

    _consumers.get("queue_in_executor", begin).put(number)


def queue_process(number: str) -> None:
    """A process that reads a queue."""

    def begin() -> Any:
        context = multiprocessing.get_context("fork")
        numbers = context.Queue()
        context.Process(target=_work, args=[numbers], daemon=True).start()
        return numbers

    _consumers.get("queue_process", begin).put(number)


def forked(number: str) -> None:
    """A process that was forked by hand."""

    def begin() -> Any:
        reader, writer = os.pipe()
        if not os.fork():
            with os.fdopen(reader) as lines:
                for each in lines:
                    time.sleep(_SHORTLY)
                    line(each.strip())
            os._exit(0)
        os.close(reader)
        return os.fdopen(writer, "w", buffering=1)

    print(number, file=_consumers.get("forked", begin))


def scheduler(number: str) -> None:
    """APScheduler's threads, begun in the first request."""

    def begin() -> BackgroundScheduler:
        made = BackgroundScheduler()
        made.start()
        _ends.append(partial(made.shutdown, wait=False))
        return made

    _at_once(_consumers.get("scheduler", begin), number)


async def async_scheduler(number: str) -> None:
    """APScheduler in the loop."""

    def begin() -> AsyncIOScheduler:
        made = AsyncIOScheduler()
        made.start()
        _ends.append(partial(made.shutdown, wait=False))
        return made

    _at_once(_consumers.get("async_scheduler", begin), number)


def _at_once(made: Any, number: str) -> None:
    from datetime import datetime, timedelta, timezone

    made.add_job(
        line, "date", args=[number],
        run_date=datetime.now(timezone.utc) + timedelta(seconds=_SHORTLY), misfire_grace_time=60,
    )  # fmt: skip


JOBS: dict[str, Callable[[str], Any]] = {
    function.__name__: function
    for function in (
        create_task, call_later, to_thread, loop_in_processes, thread, timer, executor, thread_pool, parallel,
    )
} | {
    f"{function.__name__}_{method}": partial(function, method=method)
    for function in (submit, submit_many, apply, starmap, imap, process)
    for method in _METHODS
}  # fmt: skip
"""What belongs to the request that asks for it."""
LASTING: dict[str, Callable[[str], Any]] = {
    function.__name__: function
    for function in (
        queue_task, queue_task_of_nobody, queue_thread, queue_in_executor, queue_process, forked, scheduler,
        async_scheduler,
    )
}  # fmt: skip
"""What works for everybody."""


@contextlib.asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    for end in _ends:
        end()
    get_reusable_executor().shutdown()


app = FastAPI(lifespan=_lifespan)


@app.get("/{way}")
async def do(way: str, n: str) -> str:
    """Do it, where the app's own code runs."""
    function = (JOBS | LASTING)[way]
    done = await asyncio.to_thread(function, n) if _is_plain(function) else await function(n)
    return str(done)


def _is_plain(function: Any) -> bool:
    return not asyncio.iscoroutinefunction(function)
