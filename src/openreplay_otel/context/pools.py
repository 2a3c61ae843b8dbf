"""Process and thread pools: a job carries the session of whoever submits it; a worker belongs to nobody.

A pool begins its workers at its first jobs, within some visitor's request, and they work for everybody. Threads of
``concurrent.futures`` are OpenTelemetry's own business (its instrumentation of ``threading``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .request_scope import leave
from .session_context import (
    attach_owned,
    life_of,
    session_id_of,
    with_session_id,
    without_session_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches

_EXECUTORS: Final = (
    "concurrent.futures.process",
    "loky.process_executor",
    "joblib.externals.loky.process_executor",
)
# The second is what pathos and others use: the first, with another way of pickling.
_POOLS: Final = ("multiprocessing.pool", "multiprocess.pool")
_PROCESSES: Final = ("multiprocessing.process", "multiprocess.process")
_POOL_METHODS: Final = (
    "apply_async", "imap", "imap_unordered", "map", "map_async", "starmap", "starmap_async",
)  # fmt: skip
"""Methods of ``multiprocessing.pool.Pool`` that take a function; ``apply`` calls the first."""


class Carried:
    """A function that is called in a session, or in none, wherever it is called; it can be pickled where that can.

    Args:
        function: The function.
        session_id: The session, or None.
    """

    __slots__ = ("_function", "_session_id")

    def __init__(self, function: Callable[..., Any], session_id: str | None) -> None:
        self._function = function
        self._session_id = session_id

    def __reduce__(self) -> Any:
        return (type(self), (self._function, self._session_id))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        token = attach_owned(self._context())
        try:
            return self._function(*args, **kwargs)
        finally:
            leave(token)

    def _context(self) -> Any:
        if self._session_id is None:
            return without_session_id()
        return with_session_id(self._session_id)


class Inherited(Carried):
    """What a process does whose end nobody waits for, perhaps: its request may be over as soon as it begins."""

    __slots__ = ()

    def _context(self) -> Any:
        context = super()._context()
        life = life_of(context)
        if life is not None:
            life.end()
        return context


def hook_pools(patches: Patches) -> None:
    """Carry the session with the jobs of pools, and with processes of ``multiprocessing``."""
    for module in _EXECUTORS:
        patches.after_import(
            module, lambda it: patches.wrap(it.ProcessPoolExecutor, "submit", _submit)
        )

    def patch_pool(module: Any) -> None:
        give = _giving(module.ThreadPool)
        for name in _POOL_METHODS:
            patches.wrap(module.Pool, name, give)

    for module in _POOLS:
        patches.after_import(module, patch_pool)
    for module in _PROCESSES:
        patches.after_import(
            module, lambda it: patches.wrap(it.BaseProcess, "__init__", _make_process)
        )


def _submit(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    # Its processes belong to nobody, so that a job of nobody needs nothing.
    session_id = session_id_of()
    if session_id is None or not args:
        return wrapped(*args, **kwargs)
    return wrapped(Carried(args[0], session_id), *args[1:], **kwargs)


def _giving(thread_pool: type) -> Any:
    def give(
        wrapped: Callable[..., Any], pool: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        session_id = session_id_of()
        # Threads have the session that they were begun in: a job of nobody has to be told so.
        if session_id is None and not isinstance(pool, thread_pool):
            return wrapped(*args, **kwargs)
        if args:
            return wrapped(Carried(args[0], session_id), *args[1:], **kwargs)
        if "func" in kwargs:
            kwargs = {**kwargs, "func": Carried(kwargs["func"], session_id)}
        return wrapped(**kwargs)

    return give


def _make_process(
    wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    session_id = session_id_of()
    if session_id is None:
        return wrapped(*args, **kwargs)
    return _make_in_session(wrapped, session_id, *args, **kwargs)


def _make_in_session(
    wrapped: Callable[..., Any],
    session_id: str,
    group: Any = None,
    target: Any = None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    if target is not None:
        works_for_all = getattr(target, "__module__", None) in (*_EXECUTORS, *_POOLS)
        target = Carried(target, None) if works_for_all else Inherited(target, session_id)
    return wrapped(group, target, *args, **kwargs)
