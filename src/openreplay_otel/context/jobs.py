"""RQ and dramatiq, which OpenTelemetry does not instrument: a job carries the session of whoever queued it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..names import SESSION_ID_HEADER
from ..session import session_id_or_none
from .request_scope import enter, leave
from .session_context import session_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches


def hook_jobs(patches: Patches) -> None:
    """Carry the session with RQ's jobs, in their ``meta``, and with dramatiq's messages, in their options.

    Celery's instrumentation does it by itself.
    """
    patches.after_import("rq.job", lambda module: patches.wrap(module.Job, "create", _create))

    def patch(module: Any) -> None:
        # The method has moved between versions; subclasses inherit it.
        for name in ("BaseWorker", "Worker"):
            kind = getattr(module, name, None)
            if kind is not None and "perform_job" in vars(kind):
                patches.wrap(kind, "perform_job", _perform)

    patches.after_import("rq.worker", patch)
    patches.after_import(
        "dramatiq.actor",
        lambda module: patches.wrap(module.Actor, "message_with_options", _message_with_options),
    )
    # It has no public name; its middleware could not be around what is logged of a failure.
    patches.after_import(
        "dramatiq.worker",
        lambda module: patches.wrap(module._WorkerThread, "process_message", _process),  # noqa: SLF001 - see above
    )


def _create(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    job = wrapped(*args, **kwargs)
    session_id = session_id_of()
    if session_id is not None:
        job.meta.setdefault(SESSION_ID_HEADER, session_id)
    return job


def _perform(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    job = args[0] if args else kwargs.get("job")
    return _in_carried_session(getattr(job, "meta", None), wrapped, args, kwargs)


def _message_with_options(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    session_id = session_id_of()
    if session_id is not None:
        kwargs = {SESSION_ID_HEADER: session_id, **kwargs}
    return wrapped(*args, **kwargs)


def _process(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    message = args[0] if args else kwargs.get("message")
    return _in_carried_session(getattr(message, "options", None), wrapped, args, kwargs)


def _in_carried_session(
    carried: Mapping[str, Any] | None,
    wrapped: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    value = (carried or {}).get(SESSION_ID_HEADER)
    token = enter(session_id_or_none(value) if isinstance(value, str) else None)
    try:
        return wrapped(*args, **kwargs)
    finally:
        leave(token)
