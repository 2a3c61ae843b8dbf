"""Processes that end without Python's own end: what is done at exit would not be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry._logs import get_logger_provider

from .deferred import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches

_MOST_MILLIS: Final = 5000


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
        force_flush(_MOST_MILLIS)


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
