"""Sends requests to the user's own app, one with each header, and tells which sessions arrive."""

from __future__ import annotations

import http.client
import secrets
import ssl
import time
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from ..lookup.session_logs import SessionLogs
from ..names import (
    BAGGAGE_HEADER,
    BAGGAGE_SESSION_ID,
    COOKIE_HEADER,
    SESSION_ID_HEADER,
    SESSION_ID_HEADER_DOT_FREE,
    SESSION_TOKEN_HEADER,
    SESSION_TOKEN_HEADER_AXIOS,
)
from ..session import make_token
from ..text.typed import comma_list
from .probe import probe_session_id
from .result import Result, found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..settings import Settings
    from ..stores import Store

_TIMEOUT: Final = 10.0
_POLL_SECONDS: Final = 0.5
_TOKEN_MS: Final = 3_600_000
_FRONT_END_HEADERS: Final = (
    SESSION_ID_HEADER, SESSION_ID_HEADER_DOT_FREE, SESSION_TOKEN_HEADER, SESSION_TOKEN_HEADER_AXIOS,
)  # fmt: skip


class _Sent(NamedTuple):
    name: str
    session_id: str
    headers: dict[str, str]


def check_app(
    store: Store,
    settings: Settings,
    *,
    url: str | None,
    wait_seconds: float,
    remove: Callable[[Sequence[str]], bool],
) -> Iterator[Result]:
    """Which headers reach the app.

    Args:
        store: Where its records arrive.
        settings: Further headers and the cookie.
        url: Of the app; None for no check.
        wait_seconds: How long its records are waited for.
        remove: Removes the records of sessions; False where it could not.
    """
    if url is None:
        yield found("app.untested")
        return
    sent = _requests(settings)
    status = 0
    for one in sent:
        try:
            status = _get(url, one.headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            yield found("app.unreachable", url=url, reason=str(error) or type(error).__name__)
            return
    arrived = _arrived(store, settings, sent, wait_seconds)
    if not arrived:
        yield found("app.nothing", url=url, status=status, seconds=f"{wait_seconds:g}")
        return
    there = ", ".join(one.name for one in sent if one.session_id in arrived)
    missing = ", ".join(one.name for one in sent if one.session_id not in arrived)
    if missing:
        yield found("app.dropped", headers=missing, arrived=there)
    else:
        yield found("app.ok", headers=there)
    if not remove(sorted(arrived)):
        yield found("app.not-removed", sessions=", ".join(sorted(arrived)))


def check_cors(settings: Settings, *, url: str | None, origin: str | None) -> Iterator[Result]:
    """Whether a browser would let the front end send the headers."""
    if url is None or origin is None:
        yield found("cors.untested")
        return
    names = [*_FRONT_END_HEADERS, *settings.headers]
    try:
        answers = {name: _preflight(url, origin, name) for name in names}
    except (OSError, http.client.HTTPException, ValueError) as error:
        yield found("app.unreachable", url=url, reason=str(error) or type(error).__name__)
        return
    refused: dict[str, list[str]] = {}
    for name, reason in answers.items():
        if reason is not None:
            refused.setdefault(reason, []).append(name)
    for reason, headers in refused.items():
        yield found("cors.refused", headers=", ".join(headers), origin=origin, reason=reason)
    allowed = [name for name, reason in answers.items() if reason is None]
    if allowed:
        yield found("cors.ok", origin=origin, headers=", ".join(allowed))


def _requests(settings: Settings) -> list[_Sent]:
    now_ms = time.time_ns() // 1_000_000
    sent: list[_Sent] = []

    def add(name: str, header: str, value: Callable[[str], str]) -> None:
        session_id = probe_session_id(now_ms)
        sent.append(_Sent(name, session_id, {header: value(session_id)}))

    def token(session_id: str) -> str:
        secret = settings.token_secret or secrets.token_hex(16)
        return make_token(session_id, expires_at_ms=now_ms + _TOKEN_MS, secret=secret)

    for name in settings.headers:
        add(name, name, str)
    add(SESSION_ID_HEADER, SESSION_ID_HEADER, str)
    add(SESSION_ID_HEADER_DOT_FREE, SESSION_ID_HEADER_DOT_FREE, str)
    add(SESSION_TOKEN_HEADER, SESSION_TOKEN_HEADER, token)
    add(SESSION_TOKEN_HEADER_AXIOS, SESSION_TOKEN_HEADER_AXIOS, token)
    add(BAGGAGE_HEADER, BAGGAGE_HEADER, lambda session_id: f"{BAGGAGE_SESSION_ID}={session_id}")
    cookie = settings.cookie
    if cookie is not None:
        add(f"cookie {cookie}", COOKIE_HEADER, lambda session_id: f"{cookie}={session_id}")
    return sent


def _arrived(
    store: Store, settings: Settings, sent: Sequence[_Sent], wait_seconds: float
) -> set[str]:
    """The sessions of which a record came; waits a little longer for the others once one is there."""
    lookup = SessionLogs(store, settings=settings)
    arrived: set[str] = set()
    deadline = time.monotonic() + wait_seconds
    while True:
        before = len(arrived)
        for one in sent:
            if one.session_id not in arrived:
                entry = next(lookup.logs(one.session_id, limit=1), None)
                arrived |= set() if entry is None else {one.session_id}
        if len(arrived) == len(sent):
            return arrived
        if arrived and before == 0:
            # Exporters send in batches: what is not there by then was dropped on the way.
            deadline = min(deadline, time.monotonic() + wait_seconds / 2)
        if time.monotonic() >= deadline:
            return arrived
        time.sleep(_POLL_SECONDS)


def _preflight(url: str, origin: str, header: str) -> str | None:
    """Why a browser would not send a header; None where it would."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": header.lower(),
    }
    connection = _connect(url)
    try:
        connection.request("OPTIONS", _target(url), headers=asked)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        return f"OPTIONS is answered {answer.status}"
    allowed_origin = answer.getheader("Access-Control-Allow-Origin")
    if allowed_origin not in {"*", origin}:
        return f"Access-Control-Allow-Origin is {allowed_origin or 'missing'}"
    allowed = answer.getheader("Access-Control-Allow-Headers") or ""
    names = {*comma_list(allowed.lower())}
    has_credentials = (answer.getheader("Access-Control-Allow-Credentials") or "").lower() == "true"
    if header.lower() in names or ("*" in names and not has_credentials):
        return None
    return f"Access-Control-Allow-Headers is {allowed or 'missing'}"


def _get(url: str, headers: dict[str, str]) -> int:
    connection = _connect(url)
    try:
        connection.request(
            "GET", _target(url), headers={**headers, "User-Agent": "openreplay-otel"}
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.hostname is None:
        raise ValueError("expected http(s)://host/path")
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=_TIMEOUT, context=context
        )
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=_TIMEOUT)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
