"""Requests as texts that somebody else can send: for Kibana's console, or as cURL lines. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from ..errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

FORMS: Final = ("console", "curl")
"""What ``--print`` takes."""


class Request(NamedTuple):
    """One request.

    Attributes:
        method: HTTP method.
        path: Path and query.
        body: JSON, or None.
        what: What it does, in a few words.
    """

    method: str
    path: str
    body: Any
    what: str


def checked_form(text: str) -> str:
    """One of :data:`FORMS`.

    Raises:
        SettingsError: It is none.
    """
    word = text.strip().lower()
    if word not in FORMS:
        raise SettingsError(f"print: expected console or curl, got {text[:20]!r}")
    return word


def as_text(requests: Iterable[Request], form: str, url: str | None) -> str:
    """Requests as a text to paste.

    Args:
        requests: In the order in which they are to be sent.
        form: One of :data:`FORMS`.
        url: The cluster without credentials, for cURL; None for a variable in its place.
    """
    make = _console if form == "console" else _curl
    return "\n\n".join(make(request, url) for request in requests)


def _console(request: Request, url: str | None) -> str:
    del url
    body = "" if request.body is None else "\n" + _json(request.body)
    return f"# {request.what}\n{request.method} {request.path.lstrip('/')}{body}"


def _curl(request: Request, url: str | None) -> str:
    # Asks for the password instead of having it in the shell's history.
    where = shlex.quote(f"{url}{request.path}") if url else f'"$ELASTICSEARCH_URL{request.path}"'
    lines = [f"# {request.what}", f"curl --fail-with-body -u elastic -X {request.method} {where}"]
    if request.body is not None:
        lines[-1] += " \\"
        lines.append(f"  -H 'Content-Type: application/json' -d {shlex.quote(_json(request.body))}")
    return "\n".join(lines)


def _json(body: Any) -> str:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
