"""The columns of the table: what is asked of a server, and what has to be stored of it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.frameworks.serving import Serving, at_once, new_session, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.frameworks.rows import Row

CASES: Final = {
    "child": "a line of a child logger",
    "handled": "a handled error",
    "fail": "an unhandled exception, the server's traceback included",
    "missing": "a 404",
    "background": "a background task, a thread",
    "slow": "two sessions at the same time",
    "stream": "a streamed answer that breaks off",
    "after": "the next request, which has no session",
}


@dataclass
class Asked:
    """What was asked: the requests' numbers, each with its session (None: without one)."""

    sessions: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    numbers: dict[str, list[str]] = field(default_factory=dict[str, "list[str]"])

    def request(self, server: Serving, case: str, path: str, *, session: bool = True) -> None:
        """Send a request of a session of its own."""
        number = number_of(case)
        session_id = new_session() if session else None
        self.sessions[number] = session_id
        self.numbers.setdefault(case, []).append(number)
        server.get(f"{path}?n={number}" if case != "missing" else f"{path}/{number}", session_id)


def ask(server: Serving) -> Asked:
    """Send the requests of all cases."""
    asked = Asked()
    for case in ("child", "handled", "fail", "background"):
        asked.request(server, case, f"/{case}")
    asked.request(server, "missing", "/no-such-page")
    at_once(
        lambda: asked.request(server, "slow", "/slow"),
        lambda: asked.request(server, "slow", "/slow"),
        lambda: asked.request(server, "slow", "/slow", session=False),
    )
    asked.request(server, "stream", "/stream")
    # Several, so that each worker and thread that has answered before answers one of them.
    for _ in range(6):
        asked.request(server, "after", "/child", session=False)
    at_once(*[lambda: asked.request(server, "after", "/slow", session=False)] * 4)
    return asked


def outcome(row: Row, case: str, asked: Asked, documents: Iterable[dict[str, Any]]) -> str:
    """``yes``, or what is wrong with the records of a case; a reason in brackets is no fault."""
    documents = list(documents)
    for number in asked.numbers[case]:
        own = [document for document in documents if number in json.dumps(document)]
        wrong = {d.get("openreplay.session.id") for d in own} - {asked.sessions[number]}
        if wrong:
            lines = [d["message"] for d in own if d.get("openreplay.session.id") in wrong]
            return f"records of another session, or of none: {lines}"
        if case == "missing" and not own and not row.logs_access:
            return "(nobody logs one)"
        missing = [what for what, is_there in _EXPECTED[case].items() if not is_there(own)]
        if missing:
            return f"no record of {', '.join(missing)} among {[d['message'] for d in own]}"
    return "yes"


def _says(word: str) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda own: any(word in document["message"] for document in own)


def _fails_with(word: str) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda own: (
        1
        == sum(
            # werkzeug writes the traceback into the message.
            word in f"{document['message']}{document.get('error.stack_trace')}"
            and document["level"] == "error"
            for document in own
        )
    )


_EXPECTED: Final[dict[str, dict[str, Callable[[list[dict[str, Any]]], bool]]]] = {
    "child": {"the line": _says("child ")},
    "handled": {"the error, once": _fails_with("ValueError: handled")},
    "fail": {"the exception, once": _fails_with("RuntimeError: unhandled")},
    "missing": {"the request": bool},
    "background": {"the task": lambda own: sum("task " in d["message"] for d in own) >= 2},
    "slow": {"the begin": _says("slow begins"), "the end": _says("slow ends")},
    "stream": {"the line": _says("streaming"), "the exception": _fails_with("RuntimeError: stream broke")},
    "after": {"the line": bool},
}  # fmt: skip


def stored(file: Path) -> list[dict[str, Any]]:
    """All documents of an SQLite store, those without a session too."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        return [json.loads(text) for (text,) in database.execute("SELECT document FROM logs")]
