"""Which session an exception belongs to, remembered as long as the exception lives and no longer.

A server logs the traceback of a failed request when the context of that request is gone already. The
exception object is what both have in hand.
"""

from __future__ import annotations

import builtins
import logging
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from .session_context import session_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_logger = logging.getLogger(__name__)

_ATTRIBUTE: Final = "__openreplay_otel__"
_LONGEST_CHAIN: Final = 8
_GROUP: Final[Any] = getattr(builtins, "BaseExceptionGroup", Exception)
"""From Python 3.11 on: a group of errors is no Exception where one of them is none."""


class _Memory:
    """What is known of one exception; it dies with it."""

    __slots__ = ("__weakref__", "if_never_logged", "is_logged", "session_id")

    def __init__(self) -> None:
        self.session_id: str | None = None
        self.is_logged = False
        self.if_never_logged: Callable[[], None] | None = None

    def __reduce__(self) -> Any:
        # An exception that is pickled or copied takes along nothing of ours but an empty text, which
        # a process without this package can read as well.
        return (str, ())

    def __del__(self) -> None:
        if self.if_never_logged is not None and not self.is_logged:
            # Not done here: this may run anywhere, with any lock held.
            _unlogged.append(self.if_never_logged)


_by_id: dict[int, tuple[weakref.ref[BaseException], _Memory]] = {}
_unlogged: deque[Callable[[], None]] = deque()
_waiting: weakref.WeakSet[_Memory] = weakref.WeakSet()


def remember(error: BaseException) -> None:
    """Remember the current context's session for an exception that passes; the first session stays."""
    # Nobody logs a GeneratorExit, a CancelledError or an exit as an error.
    if isinstance(error, (Exception, _GROUP)):
        session_id = session_id_of()
        if session_id is not None:
            memory = _memory_of(error, make=True)
            if memory is not None and memory.session_id is None:
                memory.session_id = session_id


def session_id_of_exception(error: BaseException | None) -> str | None:
    """The session in which an exception was raised, or the one that caused it; None where unknown."""
    for one in chain(error):
        memory = _memory_of(one)
        if memory is not None and memory.session_id is not None:
            return memory.session_id
    return None


def mark_logged(error: BaseException) -> None:
    """Note that an exception stands in a record now, and with it those that caused it."""
    for one in chain(error):
        memory = _memory_of(one, make=True)
        if memory is not None:
            memory.is_logged = True
            memory.if_never_logged = None


def is_logged(error: BaseException) -> bool:
    """Tell whether a record has this exception."""
    memory = _memory_of(error)
    return memory is not None and memory.is_logged


def if_never_logged(error: BaseException, action: Callable[[], None]) -> None:
    """Do something once the exception is gone, unless it was logged by then; see :func:`settle`.

    Args:
        error: The exception; a second call for it changes nothing.
        action: Must not refer to the exception, which would never go away.
    """
    memory = _memory_of(error, make=True)
    if memory is not None and not memory.is_logged and memory.if_never_logged is None:
        memory.if_never_logged = action
        _waiting.add(memory)


def settle(*, also_alive: bool = False) -> None:
    """Do what was put off for exceptions that are gone now and were never logged.

    Args:
        also_alive: True at the end, when nobody will log those that still live either.
    """
    while _unlogged:
        try:
            action = _unlogged.popleft()
        except IndexError:  # another thread was quicker
            break
        _do(action)
    if also_alive:
        for memory in list(_waiting):
            action, memory.if_never_logged = memory.if_never_logged, None
            if action is not None and not memory.is_logged:
                _do(action)


def _do(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception as failure:  # noqa: BLE001 - it would come out of the app's own code
        _logger.debug("recording an exception failed: %s", type(failure).__name__)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those that it names as its causes, as a traceback shows them."""
    for _ in range(_LONGEST_CHAIN):
        if error is None:
            return
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _memory_of(error: BaseException, *, make: bool = False) -> _Memory | None:
    found = _by_id.get(id(error))
    if found is not None and found[0]() is error:
        return found[1]
    own: object = error.__dict__.get(_ATTRIBUTE) if hasattr(error, "__dict__") else None
    if isinstance(own, _Memory):
        return own
    if not make:
        return None
    memory = _Memory()
    key = id(error)
    try:
        _by_id[key] = (weakref.ref(error, lambda _: _by_id.pop(key, None)), memory)
    except TypeError:
        # Python's own exceptions take no weak references. What stands in the exception goes with it.
        try:
            error.__dict__[_ATTRIBUTE] = memory
        except (AttributeError, TypeError):
            return None
    return memory
