"""Flush in processes that skip ``atexit``."""

from __future__ import annotations

import sys
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from opentelemetry._logs import get_logger_provider

from .deferred import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches

_MOST_MILLIS: Final = 5000
_LAST: Final = -1_000_000
_is_ending: ContextVar[bool] = ContextVar("openreplay_otel_is_ending", default=False)


def is_ending() -> bool:
    """Whether a flush is for the end of the process, which a store that is away must not delay."""
    return _is_ending.get()


def at_child_end(action: Callable[[], object]) -> None:
    """Do something at the end of this process where it is a child of ``multiprocessing``.

    Such a child leaves by ``os._exit()``: ``atexit`` does nothing there. What it left, its parent clears away
    before it runs, so this has to be called in the child.

    Args:
        action: A bound method; its object is not kept alive.
    """
    # Not imported here: whoever is such a child has it.
    multiprocessing: Any = sys.modules.get("multiprocessing")
    util: Any = sys.modules.get("multiprocessing.util")
    if util is None or multiprocessing is None or multiprocessing.parent_process() is None:
        return
    reference = weakref.WeakMethod(action)  # pyright: ignore[reportArgumentType] - of a method, as said

    def act() -> None:
        found = reference()
        if found is not None:
            found()

    # Behind the end of its own children, and of its pools' threads.
    util.Finalize(None, act, exitpriority=_LAST)


def hook_ends(patches: Patches) -> None:
    """Bring the records to their exporters before uvicorn ends by its signal, and a worker's child at once."""
    patches.after_import(
        "uvicorn.server", lambda module: patches.wrap(module.Server, "shutdown", _shutdown)
    )
    patches.after_import("celery.signals", lambda module: _connect(patches, module))
    patches.after_import(
        "rq.worker.worker_classes",
        lambda module: patches.wrap(module.Worker, "main_work_horse", _main_work_horse),
    )


def flush(**_: object) -> None:
    """Bring the records to their exporters, also those of exceptions that nobody has logged so far."""
    settle()
    force_flush: Any = getattr(get_logger_provider(), "force_flush", None)
    if force_flush is not None:
        token = _is_ending.set(True)
        try:
            force_flush(_MOST_MILLIS)
        finally:
            _is_ending.reset(token)


async def _shutdown(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    try:
        return await wrapped(*args, **kwargs)
    finally:
        flush()


def _connect(patches: Patches, module: Any) -> None:
    # Prefork: a child ends after max_tasks_per_child tasks, and at the end of the worker.
    module.worker_process_shutdown.connect(flush, weak=False)
    patches.at_removal(lambda: module.worker_process_shutdown.disconnect(flush))


def _main_work_horse(
    wrapped: Callable[..., Any], instance: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    perform = instance.perform_job

    def perform_job(*given: Any, **named: Any) -> Any:
        try:
            return perform(*given, **named)
        finally:
            flush()

    # In the forked child alone, which does this one job and ends by os._exit().
    instance.perform_job = perform_job
    return wrapped(*args, **kwargs)
