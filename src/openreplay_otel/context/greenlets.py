"""Greenlets and the thread pools beside them: each works in the context in which it was begun, as threads do."""

from __future__ import annotations

import functools
from contextvars import Context as Variables
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import attach, detach, get_current

from .session_context import session_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches

_SPAWNS: Final = ("spawn", "spawn_n", "spawn_after", "spawn_after_local", "spawn_raw")
"""Functions that return a greenlet which has not begun: eventlet's, and the last one gevent's."""


def hook_greenlets(patches: Patches) -> None:
    """Carry the session into what gevent and eventlet begin in a request."""
    patches.after_import("gevent", lambda module: _hook_gevent(module, patches))
    # Each has them under names of its own.
    patches.after_import("gevent.hub", lambda module: _hook_spawns(module, patches))
    patches.after_import("gevent.threadpool", lambda module: _hook_pool(module, patches))
    patches.after_import("eventlet.greenthread", lambda module: _hook_spawns(module, patches))
    patches.after_import("eventlet", lambda module: _hook_spawns(module, patches))
    patches.after_import(
        "eventlet.tpool", lambda module: patches.wrap(module, "execute", _in_a_thread)
    )


def _hook_gevent(module: Any, patches: Patches) -> None:
    module.Greenlet.add_spawn_callback(_give_context)
    patches.at_removal(lambda: module.Greenlet.remove_spawn_callback(_give_context))
    patches.wrap(module, "spawn_raw", _spawn)


def _hook_pool(module: Any, patches: Patches) -> None:
    patches.wrap(module.ThreadPool, "spawn", _in_a_thread)


def _hook_spawns(module: Any, patches: Patches) -> None:
    for name in _SPAWNS:
        if hasattr(module, name):
            patches.wrap(module, name, _spawn)


def _spawn(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    greenlet = wrapped(*args, **kwargs)
    _give_context(greenlet)
    return greenlet


def _give_context(greenlet: Any) -> None:
    """Let a greenlet that has not begun work in the current context, where that has a session.

    Of the variables of ``contextvars`` it gets this one: a greenlet begins with none, and apps rely on it.
    """
    if session_id_of() is None:
        return
    variables = greenlet.gr_context
    if variables is None:
        variables = greenlet.gr_context = Variables()
    elif variables.run(session_id_of) is not None:
        return
    variables.run(attach, get_current())


def _in_a_thread(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Call a function that hands its first argument to a thread."""
    if session_id_of() is None or not args:
        return wrapped(*args, **kwargs)
    function, context = args[0], get_current()

    @functools.wraps(function)
    def in_context(*given: Any, **named: Any) -> Any:
        token = attach(context)
        try:
            return function(*given, **named)
        finally:
            detach(token)

    return wrapped(in_context, *args[1:], **kwargs)
