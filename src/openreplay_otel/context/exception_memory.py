"""Which session an exception belongs to, remembered as long as the exception lives and no longer.

A server logs the traceback of a failed request when the context of that request is gone already. The
exception object is what both have in hand.
"""

from __future__ import annotations

import builtins
import weakref
from typing import TYPE_CHECKING, Any, Final

from .deferred import defer
from .session_context import session_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.context import Context

    from .deferred import Deferred


class _Key(str):
    """The key of a memory in an exception's ``__dict__``, which is pickled with the exception.

    Pickled, it is the name of an attribute that every exception has, and the memory is the value which that has
    in a new one: nothing of ours travels along.
    """

    __slots__ = ()

    def __reduce__(self) -> Any:
        return (str, ("__traceback__",))


_KEY: Final = _Key("__openreplay_otel__")
_LONGEST_CHAIN: Final = 8
_GROUP: Final[Any] = getattr(builtins, "BaseExceptionGroup", Exception)
"""From Python 3.11 on: a group of errors is no Exception where one of them is none."""


class Memory:
    """What is known of one exception; it dies with it.

    Attributes:
        session_id: The session in which it was raised, or None.
        is_logged: Whether a record has it, of a log line or one of ours.
        is_told: Whether an instrumentation has made a record of it, which counts as long as no log line has it.
        on_span: The context of the span that noted it first, or None.
        deferred: The record that is made of it unless another one has it in time, or None.
    """

    __slots__ = ("deferred", "is_logged", "is_told", "on_span", "session_id")

    def __init__(self) -> None:
        self.session_id: str | None = None
        self.is_logged = False
        self.is_told = False
        self.on_span: Context | None = None
        self.deferred: Deferred | None = None

    def call_off(self) -> None:
        """Do not make the record that waits."""
        if self.deferred is not None:
            self.deferred.cancel()
            self.deferred = None

    def __reduce__(self) -> Any:
        return (type(None), ())  # see _Key


_by_id: dict[int, tuple[weakref.ref[BaseException], Memory]] = {}
_at_leaving: list[Callable[[BaseException, bool], None]] = []


def remember(error: BaseException) -> None:
    """Remember the current context's session for an exception that passes; the first session stays."""
    # Nobody logs a GeneratorExit, a CancelledError or an exit as an error.
    if isinstance(error, (Exception, _GROUP)):
        session_id = session_id_of()
        if session_id is not None:
            memory = memory_of(error, make=True)
            if memory is not None and memory.session_id is None:
                memory.session_id = session_id


def session_id_of_exception(error: BaseException | None) -> str | None:
    """The session in which an exception was raised, or the one that caused it; None where unknown."""
    for one in chain(error):
        memory = memory_of(one)
        if memory is not None and memory.session_id is not None:
            return memory.session_id
    return None


def mark_logged(error: BaseException) -> None:
    """Note that an exception stands in a record now, and with it those that caused it."""
    for one in chain(error):
        memory = memory_of(one, make=True)
        if memory is not None:
            memory.is_logged = True
            memory.call_off()


def mark_told(error: BaseException) -> None:
    """Note that an instrumentation makes a record of an exception: it takes the place of one of ours."""
    for one in chain(error):
        memory = memory_of(one, make=True)
        if memory is not None:
            memory.is_told = True
            memory.call_off()


def is_logged(error: BaseException) -> bool:
    """Tell whether a record has this exception: of a log line, or one of ours."""
    memory = memory_of(error)
    return memory is not None and memory.is_logged


def is_recorded(error: BaseException) -> bool:
    """Tell whether a record has this exception, that of an instrumentation included."""
    memory = memory_of(error)
    return memory is not None and (memory.is_logged or memory.is_told)


def if_never_logged(error: BaseException, action: Callable[[], object]) -> None:
    """Do something in one second, unless the exception is logged by then; see :func:`.deferred.settle`.

    Args:
        error: The exception; a second call for it changes nothing. What was to be done for its causes is not
            done: who tells of it tells of them.
        action: Must not refer to the exception, which could not go away meanwhile.
    """
    memory = memory_of(error, make=True)
    if memory is None:
        action()
        return
    if memory.is_logged or memory.deferred is not None:
        return

    def act() -> None:
        memory.is_logged = True
        action()

    for cause in chain(error):
        known = memory_of(cause)
        if known is not None:
            known.call_off()
    memory.deferred = defer(act)


def left(error: BaseException, *, is_unhandled: bool = False) -> None:
    """Note that an exception leaves its request, or its block of a session; its session is remembered.

    Args:
        error: The exception.
        is_unhandled: Whether the app has let it out, rather than a server, which logs what it thinks worth it.
    """
    remember(error)
    for tell in _at_leaving:
        tell(error, is_unhandled)


def at_leaving(tell: Callable[[BaseException, bool], None]) -> Callable[[], None]:
    """Be told of each exception that leaves its request.

    Args:
        tell: Called with the arguments of :func:`left`; must not raise.

    Returns:
        What ends it.
    """
    _at_leaving.append(tell)
    return lambda: _at_leaving.remove(tell)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and those that it names as its causes, as a traceback shows them."""
    for _ in range(_LONGEST_CHAIN):
        if error is None:
            return
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def memory_of(error: BaseException, *, make: bool = False) -> Memory | None:
    """What is known of an exception.

    Args:
        error: The exception.
        make: Whether to begin a memory where there is none.

    Returns:
        None where nothing is known, or where the exception takes nothing along.
    """
    found = _by_id.get(id(error))
    if found is not None and found[0]() is error:
        return found[1]
    own: object = error.__dict__.get(_KEY) if hasattr(error, "__dict__") else None
    if isinstance(own, Memory):
        return own
    if not make:
        return None
    memory = Memory()
    key = id(error)
    try:
        _by_id[key] = (weakref.ref(error, lambda _: _by_id.pop(key, None)), memory)
    except TypeError:
        # Python's own exceptions take no weak references. What stands in the exception goes with it.
        try:
            error.__dict__[_KEY] = memory
        except (AttributeError, TypeError):
            return None
    return memory
