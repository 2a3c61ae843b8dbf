"""The session of a request as the server sees it: from before the framework until after the access log."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, attach, detach, get_current

from ..names import (
    BAGGAGE_HEADER,
    COOKIE_HEADER,
    GENERIC_SESSION_ID_HEADER,
    SESSION_ID_HEADER,
)
from ..session import session_id_or_none
from .carriers import KNOWN_HEADERS, CarrierReader
from .exception_memory import remember, settle
from .session_context import with_session_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextvars import Token

    from ..settings import Settings

_ID_HEADER: Final = SESSION_ID_HEADER.lower()


class RequestReader:
    """Finds the session of a request in what a server hands on; never raises.

    Args:
        settings: Header names, cookie and token secret.
    """

    def __init__(self, settings: Settings) -> None:
        self._reader = CarrierReader(
            headers=settings.headers, cookie=settings.cookie, token_secret=settings.token_secret
        )
        names = [*settings.headers, *KNOWN_HEADERS, BAGGAGE_HEADER, GENERIC_SESSION_ID_HEADER]
        if settings.cookie is not None:
            names.append(COOKIE_HEADER)
        self._in_environ = {
            "HTTP_" + name.upper().replace("-", "_"): name.lower() for name in names
        }
        self._in_headers: dict[str | bytes, str] = {}
        for name in names:
            for spelled in (name.lower(), name.upper(), name):
                self._in_headers[spelled] = name.lower()
                self._in_headers[spelled.encode()] = name.lower()

    def of_environ(self, environ: Mapping[str, Any]) -> str | None:
        """The session id in a WSGI environ."""
        found = {name: [environ[key]] for key, name in self._in_environ.items() if key in environ}
        return self._session_id(found) if found else None

    def of_headers(self, headers: Iterable[tuple[str | bytes, str | bytes]]) -> str | None:
        """The session id in pairs of name and value, as ASGI has them (bytes), or as text."""
        found: dict[str, list[Any]] = {}
        known = self._in_headers
        for name, value in headers:
            short = known.get(name)
            if short is None:
                short = known.get(name.lower())
            if short is not None:
                found.setdefault(short, []).append(value)
        return self._session_id(found) if found else None

    def _session_id(self, found: dict[str, list[Any]]) -> str | None:
        plain = found.get(_ID_HEADER)
        if plain is not None and len(found) == len(plain) == 1:
            # The usual request: nothing has to be weighed against the id.
            session_id = session_id_or_none(_text(plain[0]))
            if session_id is not None:
                return session_id

        def lookup(name: str) -> list[str]:
            values = found.get(name.lower(), ())
            return [_text(value) for value in values]

        return self._reader.session_id(lookup, now_ms=int(time.time() * 1000))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def enter(session_id: str | None) -> Token[Context]:
    """Make the session the current one, until :func:`leave`.

    Without a session too: what an instrumentation inside forgets to take back (a response that was
    never read to its end), the next request on this thread must not find.

    Args:
        session_id: The request's session, or None.
    """
    context = get_current()
    return attach(context if session_id is None else with_session_id(session_id, context))


def leave(token: Token[Context]) -> None:
    """End what :func:`enter` began; an exception that passes remembers the session."""
    error = sys.exc_info()[1]
    if error is not None:
        remember(error)
    detach(token)
    settle()
