"""Where a context ends, its session begins to end too; and an exception that passes remembers the session.

Every instrumentation, also of a server or a queue that this package does not know, begins its context with
OpenTelemetry's ``attach`` and ends it with ``detach``. The latter runs while an exception is on its way up, to whoever
logs it. Threads and tasks that were begun in between keep the context for as long as they live.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from opentelemetry import context
from opentelemetry.baggage.propagation import W3CBaggagePropagator

from .. import forks
from .exception_memory import remember
from .session_context import Life, end_life, life_of, own, without_ended_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches


class _Forks:
    """In a child, the end of the request that it was forked in is not seen. Watched as long as somebody has it."""

    def forget(self) -> None:
        """Nothing to do: whoever had this had it."""

    def before_fork(self) -> None:
        """Nothing to do."""

    def after_fork_in_parent(self) -> None:
        """Nothing to do."""

    def after_fork_in_child(self) -> None:
        """Take the request's end for now."""
        life = life_of()
        if life is not None:
            life.end_all()


def hook_detach(patches: Patches, seconds_after_request: float) -> None:
    """Let sessions end with their contexts, and exceptions that pass the end remember the session.

    Args:
        patches: Takes the patches off again.
        seconds_after_request: How long a session goes on in what was begun in its request.
    """
    # The object behind attach() and detach(): modules that imported those by name are reached as well.
    runtime: Any = context._RUNTIME_CONTEXT  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - it has no public name
    context.get_current()  # makes it, where an SDK makes it late
    patches.put_over(Life, "seconds_after", lambda _: seconds_after_request)
    patches.put_over(type(runtime), "attach", lambda original: _attaching(original, patches))
    patches.put_over(type(runtime), "detach", lambda original: _detaching(original, patches))
    # Beside ours, it would hand on to other services what does not count here any more.
    patches.wrap(W3CBaggagePropagator, "inject", _inject)
    at_forks = _Forks()
    forks.watch(at_forks)
    patches.at_removal(at_forks.forget)


def _attaching(original: Callable[..., Any], patches: Patches) -> Callable[..., Any]:
    @functools.wraps(original)
    def attach(self: Any, context: Any) -> Any:
        token = original(self, context)
        if patches.is_on:
            own(context, token)
        return token

    return attach


def _detaching(original: Callable[..., None], patches: Patches) -> Callable[..., None]:
    @functools.wraps(original)
    def detach(self: Any, token: Any) -> None:
        if patches.is_on:
            error = sys.exc_info()[1]
            if error is not None:
                remember(error)
            end_life(token)
        original(self, token)

    return detach


def _inject(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    return _inject_without_ended(wrapped, *args, **kwargs)


def _inject_without_ended(
    wrapped: Callable[..., Any], carrier: Any, context: Any = None, *args: Any, **kwargs: Any
) -> Any:
    return wrapped(carrier, without_ended_session(context), *args, **kwargs)
