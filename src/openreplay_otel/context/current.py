"""The current session in code: to use one outside of a request, and to ask for it."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any, TypeVar, cast

from opentelemetry.context import Context, attach, detach

from ..session import Session
from .exception_memory import left
from .session_context import session_id_of, with_session_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

    _FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


def current_session() -> Session | None:
    """The session whose request, job or ``with use_session(…)`` block is being worked on, or None."""
    session_id = session_id_of()
    return None if session_id is None else Session(session_id)


class use_session:  # noqa: N801 - reads as a function, like OpenTelemetry's use_span
    """Works on behalf of a session: all that is logged in the block belongs to it.

    ::

        with openreplay_otel.use_session(message["session"]) as session:
            log.info("order is packed")


        @openreplay_otel.use_session("2618307011354435587")
        async def repair() -> None: ...

    Calls to other services in the block carry the session on. Blocks may be nested; the inner one counts.

    Args:
        session: A decimal id, a token, the link of a recording, or a :class:`~openreplay_otel.Session`.

    Raises:
        InvalidSessionError: It is none of these.
    """

    def __init__(self, session: str | Session) -> None:
        self.session = session if isinstance(session, Session) else Session.parse(session)
        self._tokens: list[Token[Context]] = []

    def __enter__(self) -> Session:
        """Make it the current session."""
        self._tokens.append(attach(with_session_id(self.session.id)))
        return self.session

    def __exit__(self, *_: object) -> None:
        """Go back to the session before; an exception that passes stays this session's."""
        error = sys.exc_info()[1]
        if error is not None:
            left(error)
        detach(self._tokens.pop())

    def __call__(self, function: _FunctionT) -> _FunctionT:
        """Decorate a function, or an ``async`` one."""
        session = self.session
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with use_session(session):
                    return await function(*args, **kwargs)

            return cast("_FunctionT", awaited)

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with use_session(session):
                return function(*args, **kwargs)

        return cast("_FunctionT", called)
