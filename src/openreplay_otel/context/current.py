"""The current session in code: to use one outside of a request, to work for none, and to ask for it."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..session import Session
from .exception_memory import left
from .session_context import (
    attach_owned,
    detach_quietly,
    session_id_of,
    with_session_id,
    without_session_id,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from contextlib import AbstractContextManager
    from contextvars import Token

    from opentelemetry.context import Context

    _FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


def current_session() -> Session | None:
    """The session whose request, job or ``with use_session(…)`` block is being worked on, or None."""
    session_id = session_id_of()
    return None if session_id is None else Session(session_id)


class _Scope:
    """A block, or each call of a function, in a context of its own."""

    def __init__(self) -> None:
        self._tokens: list[Token[Context]] = []

    def _begin(self) -> None:
        self._tokens.append(attach_owned(self._context()))

    def _end(self) -> None:
        detach_quietly(self._tokens.pop())

    def _context(self) -> Context:
        raise NotImplementedError

    def _another(self) -> AbstractContextManager[object]:
        """The same scope, for one call."""
        raise NotImplementedError

    def _run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self._another():
            return function(*args, **kwargs)

    def __call__(self, function: _FunctionT) -> _FunctionT:
        """Decorate a function, an ``async`` one, or a generator of either kind, whose steps alone are in the scope."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self._another():
                    return await function(*args, **kwargs)

            return cast("_FunctionT", awaited)
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            def async_generated(*args: Any, **kwargs: Any) -> Any:
                return self._async_steps(function(*args, **kwargs))

            return cast("_FunctionT", async_generated)
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generated(*args: Any, **kwargs: Any) -> Any:
                return self._steps(function(*args, **kwargs))

            return cast("_FunctionT", generated)

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            return self._run(function, *args, **kwargs)

        return cast("_FunctionT", called)

    def _steps(self, made: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        step: Callable[[Any], Any] = made.send
        given: Any = None
        while True:
            try:
                value = self._run(step, given)
            except StopIteration as end:
                return end.value
            try:
                step, given = made.send, (yield value)
            except GeneratorExit:
                self._run(made.close)
                raise
            except BaseException as error:  # noqa: BLE001 - it goes into the generator
                step, given = made.throw, error

    async def _async_steps(self, made: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
        step: Callable[[Any], Any] = made.asend
        given: Any = None
        while True:
            try:
                with self._another():
                    value = await step(given)
            except StopAsyncIteration:
                return
            try:
                step, given = made.asend, (yield value)
            except GeneratorExit:
                with self._another():
                    await made.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - it goes into the generator
                step, given = made.athrow, error


class use_session(_Scope):  # noqa: N801 - reads as a function, like OpenTelemetry's use_span
    """Works on behalf of a session: all that is logged in the block belongs to it.

    ::

        with openreplay_otel.use_session(message["session"]) as session:
            log.info("order is packed")


        @openreplay_otel.use_session("2618307011354435587")
        async def repair() -> None: ...

    Calls to other services in the block carry the session on. Blocks may be nested; the inner one counts. Decorate a
    generator rather than writing the block into it: Python shares a block's context with whoever takes the steps.

    Args:
        session: A decimal id, a token, the link of a recording, or a :class:`~openreplay_otel.Session`.

    Raises:
        InvalidSessionError: It is none of these.
    """

    def __init__(self, session: str | Session) -> None:
        super().__init__()
        self.session = session if isinstance(session, Session) else Session.parse(session)

    def _context(self) -> Context:
        return with_session_id(self.session.id)

    def _another(self) -> use_session:
        return use_session(self.session)

    def __enter__(self) -> Session:
        """Make it the current session."""
        self._begin()
        return self.session

    def __exit__(self, *_: object) -> None:
        """Go back to the session before; an exception that passes stays this session's."""
        error = sys.exc_info()[1]
        if error is not None:
            left(error)
        self._end()


class no_session(_Scope):  # noqa: N801 - see use_session
    """Works on behalf of nobody: what is begun in the block does not belong to the request in which it is begun.

    For what outlives the request and works for others too: a consumer thread, a pool, a task that reads a queue.

    ::

        with openreplay_otel.no_session():
            asyncio.create_task(read_the_queue())


        @openreplay_otel.no_session()
        def connect() -> None: ...
    """

    def _context(self) -> Context:
        return without_session_id()

    def _another(self) -> no_session:
        return no_session()

    def __enter__(self) -> None:
        """Have no current session."""
        self._begin()

    def __exit__(self, *_: object) -> None:
        """Go back to the session before."""
        self._end()
