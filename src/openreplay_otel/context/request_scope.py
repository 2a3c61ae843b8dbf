"""The session of a request as the server sees it: from before the framework until after the access log."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.context import get_current

from .exception_memory import left
from .session_context import attach_owned, detach_quietly, with_session_id
from .session_sources import CarrierReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextvars import Token

    from opentelemetry.context import Context

    from ..settings import Settings
    from .session_sources import Headers


class RequestReader:
    """Finds the session of a request in what a server hands on; never raises.

    Args:
        settings: Header names, cookie and token secret.
    """

    def __init__(self, settings: Settings) -> None:
        self._reader = CarrierReader(
            headers=settings.headers, cookie=settings.cookie, token_secret=settings.token_secret
        )

    def of_environ(self, environ: Mapping[str, Any]) -> str | None:
        """The session id in a WSGI environ."""
        return self._session_id(self._reader.of_environ(environ))

    def of_headers(self, headers: Iterable[tuple[str | bytes, str | bytes]]) -> str | None:
        """The session id in pairs of name and value, as ASGI has them (bytes), or as text."""
        return self._session_id(self._reader.of_pairs(headers))

    def _session_id(self, headers: Headers) -> str | None:
        return self._reader.session_id_in(headers, now_ms=int(time.time() * 1000))


def enter(session_id: str | None) -> Token[Context]:
    """Make the session the current one, until :func:`leave`.

    Without a session too: what an instrumentation inside forgets to take back (a response that was
    never read to its end), the next request on this thread must not find.

    Args:
        session_id: The request's session, or None.
    """
    context = get_current()
    return attach_owned(context if session_id is None else with_session_id(session_id, context))


def leave(token: Token[Context], *, is_app: bool = False) -> None:
    """End what :func:`enter` began; an exception that passes remembers the session.

    Args:
        token: What :func:`enter` returned.
        is_app: Whether it was around the app alone: what the app lets out is an unhandled exception.
    """
    error = sys.exc_info()[1]
    if error is not None:
        left(error, is_unhandled=is_app)
    detach_quietly(token)
