"""Finds the session in a request's headers: which carriers, in which order (design: where a session comes from)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote_plus

from ..names import (
    BAGGAGE_HEADER,
    BAGGAGE_SESSION_ID,
    COOKIE_HEADER,
    GENERIC_SESSION_ID_HEADER,
    SESSION_ID_HEADER,
    SESSION_ID_HEADER_DOT_FREE,
    SESSION_TOKEN_HEADER,
    SESSION_TOKEN_HEADER_AXIOS,
)
from ..session import LONGEST_VALUE, is_plausible, session_id_from_request, session_id_or_none

HeaderLookup = Callable[[str], Iterable[str]]
"""Gives the values of a header by name; empty where the request has none."""

Headers = dict[str, list[str]]
"""Those headers of a request that may hold a session, by their names in lower case."""

KNOWN_HEADERS: Final = (
    SESSION_ID_HEADER,
    SESSION_ID_HEADER_DOT_FREE,
    SESSION_TOKEN_HEADER,
    SESSION_TOKEN_HEADER_AXIOS,
)
"""Headers that may hold an id or a token, in the order in which they are asked."""

MOST_VALUES: Final = 8
"""Headers of one name, and cookies of one name, that are looked at: a request has one."""
LONGEST_BAGGAGE: Final = 8192
"""Characters of a baggage header; W3C's limit, above which OpenTelemetry's propagator reads nothing of it either."""
LONGEST_COOKIES: Final = 16 * 1024
"""Characters of cookies that are looked at; the rest of a longer header is not."""
_TOKEN_HEADERS: Final = frozenset({SESSION_TOKEN_HEADER, SESSION_TOKEN_HEADER_AXIOS})
"""With a secret these prove what they say, so a bare id is none there."""
_ID_HEADER: Final = SESSION_ID_HEADER.lower()


class CarrierReader:
    """Reads the session of a request; never raises on what a client sent.

    Args:
        headers: Further header names, asked before the known ones.
        cookie: Name of a cookie that may hold the session; None for none.
        token_secret: The OpenReplay server's secret, to check signatures of tokens.
    """

    def __init__(
        self,
        *,
        headers: Iterable[str] = (),
        cookie: str | None = None,
        token_secret: str | None = None,
    ) -> None:
        self._headers = (*headers, *KNOWN_HEADERS)
        self._cookie = cookie
        self._token_secret = token_secret
        names = [*self._headers, BAGGAGE_HEADER, GENERIC_SESSION_ID_HEADER]
        if cookie is not None:
            names.append(COOKIE_HEADER)
        self._in_environ = {
            "HTTP_" + name.upper().replace("-", "_"): name.lower() for name in names
        }
        self._in_pairs: dict[str | bytes, str] = {}
        for name in names:
            for spelled in (name.lower(), name.upper(), name):
                self._in_pairs[spelled] = name.lower()
                self._in_pairs[spelled.encode()] = name.lower()

    def of_environ(self, environ: Mapping[str, Any]) -> Headers:
        """What a WSGI environ has of the headers that count, in one pass."""
        return {name: [environ[key]] for key, name in self._in_environ.items() if key in environ}

    def of_pairs(self, pairs: Iterable[tuple[str | bytes, str | bytes]]) -> Headers:
        """The same of pairs of name and value, as ASGI has them (bytes), or as text."""
        found: Headers = {}
        known = self._in_pairs
        for name, value in pairs:
            short = known.get(name)
            if short is None:
                short = known.get(name.lower())
            if short is not None:
                found.setdefault(short, []).append(_text(value))
        return found

    def session_id(self, lookup: HeaderLookup, *, now_ms: int) -> str | None:
        """The first valid session id among the carriers.

        Args:
            lookup: The request's headers.
            now_ms: The present in Unix milliseconds.
        """
        for name in self._headers:
            for value in islice(lookup(name), MOST_VALUES):
                found = session_id_from_request(
                    value, now_ms=now_ms, token_secret=self._token_secret,
                    takes_ids=self._token_secret is None or name not in _TOKEN_HEADERS,
                )  # fmt: skip
                if found is not None:
                    return found
        for value in reversed(baggage_values(lookup)):
            found = baggage_session_id_or_none(value)
            if found is not None:
                return found
        for value in islice(self._cookie_values(lookup), MOST_VALUES):
            found = session_id_from_request(value, now_ms=now_ms, token_secret=self._token_secret)
            if found is not None:
                return found
        for value in islice(lookup(GENERIC_SESSION_ID_HEADER), MOST_VALUES):
            found = session_id_or_none(value)
            if found is not None and is_plausible(found, now_ms):
                return found
        return None

    def session_id_in(self, headers: Headers, *, now_ms: int) -> str | None:
        """The same, of what :meth:`of_environ` or :meth:`of_pairs` found."""
        plain = headers.get(_ID_HEADER)
        if plain is not None and len(headers) == len(plain) == 1:
            # The usual request: nothing has to be weighed against the id.
            session_id = session_id_or_none(plain[0])
            if session_id is not None:
                return session_id
        return self.session_id(lookup_in(headers), now_ms=now_ms) if headers else None

    def _cookie_values(self, lookup: HeaderLookup) -> Iterator[str]:
        if self._cookie is None:
            return
        room = LONGEST_COOKIES
        # HTTP/2 may send each cookie in a header of its own.
        for header in lookup(COOKIE_HEADER):
            if room <= 0:
                return
            # Whole cookies only: half of an id is another id.
            looked_at = header if len(header) <= room else header[:room].rpartition(";")[0]
            room -= len(header) + 1
            for part in looked_at.split(";"):
                name, _, value = part.partition("=")
                if name.strip() == self._cookie:
                    yield value.strip().strip('"')


def lookup_in(headers: Headers) -> HeaderLookup:
    """Look headers up that were found already."""
    return lambda name: headers.get(name.lower(), ())


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def baggage_session_id_or_none(value: str) -> str | None:
    """The session id in a value of our baggage entry; its properties (after ";") do not matter."""
    return session_id_or_none(value[: LONGEST_VALUE + 1].partition(";")[0])


def baggage_values(lookup: HeaderLookup) -> tuple[str, ...]:
    """The raw values of our entries in the request's baggage header, as the W3C propagator reads them.

    Of several entries it takes the last one that is well-formed.
    """
    found: list[str] = []
    for header in islice(lookup(BAGGAGE_HEADER), MOST_VALUES):
        if len(header) > LONGEST_BAGGAGE or BAGGAGE_SESSION_ID not in unquote_plus(header):
            continue
        for entry in header.split(","):
            name, _, value = entry.partition("=")
            if unquote_plus(name).strip() == BAGGAGE_SESSION_ID:
                found.append(unquote_plus(value.strip(" \t")).strip())
        # The W3C propagator reads the first header of that name and no other.
        break
    return tuple(found)
