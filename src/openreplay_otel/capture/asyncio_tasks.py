"""Exceptions of asyncio tasks that nobody awaits: reported late, outside of the task's context."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from opentelemetry.context import attach, detach, get_current

from ..context.exception_memory import session_id_of_exception
from ..context.session_context import session_id_of, with_session_id
from .exceptions import record_uncaught

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Mapping, MutableMapping, Sequence

    from opentelemetry.context import Context

    from ..patching import Patches

# A task tells its context from Python 3.12 on; before that, OpenTelemetry's part of it is noted at its making.
_tells_context = sys.version_info >= (3, 12)


def hook_asyncio(patches: Patches) -> None:
    """Let loops report a task's exception with the session in which the task was made."""
    contexts: WeakKeyDictionary[Task[Any], Context] = WeakKeyDictionary()

    def call_exception_handler(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        reported: Mapping[str, Any] = args[0] if args else kwargs["context"]
        error = reported.get("exception")
        session_id = session_id_of() or session_id_of_exception(error)
        if session_id is None:
            task = reported.get("task") or reported.get("future")
            session_id = _session_id_of_task(task, contexts)
        if session_id is None:
            return wrapped(*args, **kwargs)
        token = attach(with_session_id(session_id))
        try:
            return wrapped(*args, **kwargs)
        finally:
            if isinstance(error, BaseException):
                record_uncaught(error, "an asyncio task")
            detach(token)

    def patch(module: Any) -> None:
        loop = module.BaseEventLoop
        patches.wrap(loop, "call_exception_handler", call_exception_handler)
        if not _tells_context:
            patches.put_over(loop, "create_task", lambda it: _noting_context(it, patches, contexts))

    patches.after_import("asyncio.base_events", patch)


def _noting_context(
    original: Callable[..., Any], patches: Patches, contexts: MutableMapping[Any, Context]
) -> Callable[..., Any]:
    @functools.wraps(original)
    def create_task(self: Any, *args: Any, **kwargs: Any) -> Any:
        task = original(self, *args, **kwargs)
        if patches.is_on and session_id_of() is not None:
            contexts[task] = get_current()
        return task

    return create_task


def _session_id_of_task(task: Any, contexts: Mapping[Any, Context]) -> str | None:
    try:
        if _tells_context:
            found: str | None = task.get_context().run(session_id_of)
            return found
        noted = contexts.get(task)
        return None if noted is None else session_id_of(noted)
    except Exception:  # noqa: BLE001 - a future, or a task of another make
        return None
