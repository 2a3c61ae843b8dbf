"""Hostile messages and requests, and what becomes of each: run as tests, written into the docs as a table.

``python -m tests.viewer.hostile --write`` writes the table into ``docs/viewer-security.md``.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

import orjson

from openreplay_otel import OpenReplayLogExporter, open_store
from openreplay_otel.session import Session
from openreplay_otel.stores.base import Document
from openreplay_otel.stores.times import to_text
from tests.emitting import App
from tests.unit.cli_harness import TOKEN
from tests.viewer.serving import Answer, Seen, Serving, is_safe

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[2] / "docs" / "viewer-security.md"
BEGIN = "<!-- the table is made by tests/viewer/hostile.py -->\n"
SECRET_TOKEN = "a-token-of-more-than-sixteen-characters"
MARKUP = "<script>alert(1)</script>"
QUOTES = '"><img src=x onerror=alert(1)>'


@dataclass(frozen=True)
class Rig:
    """What the cases are run on.

    Attributes:
        page: A page of this machine, without a token.
        locked: The same store behind a token.
        behind: The same behind a proxy that is not this machine.
        session: The session that holds the hostile records.
    """

    page: Serving
    locked: Serving
    behind: Serving
    session: str

    def lines(self, query: str = "") -> Answer:
        """The session's page."""
        return self.page.get(f"/session/{self.session}{query}")

    def record(self, words: str) -> Answer:
        """The page of the one record that holds some words."""
        found = re.findall(r"record\?id=([^\"]+)\"", self.lines(f"?text={quote(words)}").text)
        assert len(found) == 1, found
        return self.page.get(f"/session/{self.session}/record?id={found[0]}")


Case: TypeAlias = "tuple[str, str, Callable[[Rig], None]]"
CASES: list[Case] = []


def case(what: str, result: str) -> Callable[[Callable[[Rig], None]], Callable[[Rig], None]]:
    """Add a row."""

    def add(run: Callable[[Rig], None]) -> Callable[[Rig], None]:
        CASES.append((what, result, run))
        return run

    return add


def shown(answer: Answer, text: str) -> None:
    """The page is safe, and shows the text as text."""
    seen = Seen(answer.text)
    assert answer.status == 200
    assert is_safe(seen)
    assert text in seen.text


# What is logged


def fill(url: str, session_id: str) -> None:
    """Store the hostile records."""
    app, odd = App("shop"), App(QUOTES)
    began = Session(session_id).started_at_ms
    at = iter(range(began + 1000, began + 10**6, 10))

    def log(text: str, **extra: Any) -> None:
        app.log(session_id, text, at_ms=next(at), **extra)

    log(f"markup {MARKUP}")
    log(f"attribute {QUOTES} ' onload=x")
    odd.log(session_id, "from an odd service", at_ms=next(at))
    log("template {{ 7*7 }} {% raise %} ${7*7} #{7*7}")
    log("ansi \x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J")
    log("bidi \u202egnp.exe \u2066 \u200f")
    log("control \x00 \x08 \x7f \x9b \u2028 \r overwritten")
    log(f"surrogate \ud800 {'x' * 5} \udfff")
    log("megabyte " + "m" * 1_000_000)
    log("lines\n" + "\n".join(f"line {n}" for n in range(10_000)))
    log('=HYPERLINK("https://evil.example","formula")')
    log('breaks "}\n{"_id":"forged","message":"two lines"}')
    try:
        raise ValueError(f"</pre></details></li></ol><form action=https://evil.example>{MARKUP}")
    except ValueError as error:
        log("closing tags", level=logging.ERROR, error=error)
    try:
        raise RuntimeError("deep " + "t" * 1_000_000)
    except RuntimeError as error:
        log("huge trace", level=logging.ERROR, error=error)
    exporter = OpenReplayLogExporter(url)
    exporter.export([*app.take(), *odd.take()])
    assert exporter.counts.refused == 0
    exporter.shutdown()
    store = open_store(url)
    moment = to_text(Session(session_id).started_at)
    source = {
        "@timestamp": moment, "message": "hostile fields", "level": f"info {MARKUP}",
        "openreplay.session.id": session_id, "service.name": "shop", "log.logger": QUOTES,
        "openreplay.session.url": "javascript:alert(1)", "trace.id": QUOTES, "labels.x": {MARKUP: [1]},
    }  # fmt: skip
    store.write([Document("index", 'id"><b>&', orjson.dumps(source))])
    store.close()


@case(f"a message with `{MARKUP}`", "shown as text; no script of a page runs but its own file")
def _(rig: Rig) -> None:
    shown(rig.lines(), f"markup {MARKUP}")


@case(f"a message with `{QUOTES}`", "shown as text")
def _(rig: Rig) -> None:
    shown(rig.lines(), f"attribute {QUOTES}")


@case(
    "the same as name of a service and of a logger",
    "shown as text, in the filters and in the list too",
)
def _(rig: Rig) -> None:
    shown(rig.lines(), QUOTES)
    shown(rig.page.get("/"), QUOTES)
    shown(rig.lines(f"?service={quote(QUOTES)}"), "from an odd service")


@case("a message with a template's language, `{{ 7*7 }}`", "shown as text, computed by nobody")
def _(rig: Rig) -> None:
    shown(rig.lines(), "template {{ 7*7 }} {% raise %} ${7*7} #{7*7}")


@case(
    "a stored link `javascript:alert(1)`",
    "is no link: links are made of `app_url` and the session's id",
)
def _(rig: Rig) -> None:
    answer = rig.record("hostile fields")
    shown(answer, "javascript:alert(1)")
    assert not [one for one in Seen(answer.text).links if "javascript" in one]


@case("a level and a field's name with markup", "shown as text, the level in no class of a style")
def _(rig: Rig) -> None:
    answer = rig.record("hostile fields")
    shown(answer, f"info {MARKUP}")
    assert f"labels.x.{MARKUP}" in Seen(answer.text).text
    assert 'class="record other"' in rig.lines("?text=hostile").text


@case("a document's id with quotes and tags", "stands in addresses as an escape; its page opens")
def _(rig: Rig) -> None:
    assert "record?id=id%22%3E%3Cb%3E%26" in rig.lines("?text=hostile").text
    assert rig.record("hostile fields").status == 200


@case(
    "ANSI codes: colours, a window's title, a cleared screen",
    "shown as `\\x1b[31m`, in downloads as well",
)
def _(rig: Rig) -> None:
    shown(rig.lines(), "ansi \\x1b[31mred")
    for kind in ("csv", "jsonl"):
        assert "\x1b" not in rig.page.get(f"/session/{rig.session}/download.{kind}").text


@case("bidi controls (`U+202E`), which show a name back to front", "shown as `\\u202e`")
def _(rig: Rig) -> None:
    shown(rig.lines(), "bidi \\u202egnp.exe \\u2066 \\u200f")


@case("NUL, backspace, C1 codes, `U+2028`, a lone carriage return", "shown as escapes")
def _(rig: Rig) -> None:
    shown(rig.lines(), "\\x08 \\x7f \\x9b \\u2028 \\x0d overwritten")


@case("lone surrogates, which are no text", "the page stays valid UTF-8")
def _(rig: Rig) -> None:
    shown(rig.lines("?text=surrogate"), "xxxxx")


@case(
    "a message of one megabyte in one line",
    "300 characters in the list, all that is stored on its own page",
)
def _(rig: Rig) -> None:
    answer = rig.lines("?text=megabyte")
    shown(answer, "megabyte mmm")
    assert len(answer.body) < 100_000
    assert len(rig.record("megabyte").body) > 30_000


@case("a message of 10,000 lines", "its first line in the list, the rest behind it, cut")
def _(rig: Rig) -> None:
    answer = rig.lines('?text="line+9"')
    shown(answer, "line 9")
    assert "line 9999" not in answer.text
    assert len(answer.body) < 100_000


@case("an exception with a megabyte of text", "its end in the list; the page stays small")
def _(rig: Rig) -> None:
    answer = rig.lines('?text="huge+trace"')
    shown(answer, "RuntimeError: deep ttt")
    assert len(answer.body) < 100_000


@case(
    "an exception that closes the page's tags and opens a form",
    "shown as text; all forms lead to this page",
)
def _(rig: Rig) -> None:
    shown(rig.lines("?show=errors"), "</pre></details></li></ol><form action=https://evil.example>")


@case("a message that begins with `=`, downloaded as CSV", "a quote is put before it: no formula")
def _(rig: Rig) -> None:
    text = rig.page.get(f"/session/{rig.session}/download.csv").text
    csv.field_size_limit(10**7)
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


@case("a message that forges a second line of JSON", "stays inside its own line")
def _(rig: Rig) -> None:
    text = rig.page.get(f"/session/{rig.session}/download.jsonl").text
    documents = [json.loads(line) for line in text.splitlines()]
    assert "forged" not in [document["_id"] for document in documents]


# What is asked


def refused(answer: Answer, status: int, *never: str) -> None:
    """A clear answer with the headers of every page, and nothing of what was sent."""
    assert answer.status == status, answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for text in (*never, "Traceback"):
        assert text not in answer.text


@case("`Host: evil.example` (DNS rebinding)", "421")
def _(rig: Rig) -> None:
    refused(rig.page.get("/", Host="evil.example"), 421, "evil.example", rig.session)
    refused(rig.page.get("/", Host="127.0.0.1.evil.example"), 421)
    assert rig.page.get("/", Host="localhost:1").status == 200


@case("no `Host`, or two of them", "refused (400 or 421)")
def _(rig: Rig) -> None:
    for lines in (b"", b"Host: 127.0.0.1\r\nHost: evil.example\r\n"):
        answer = rig.page.raw(b"GET / HTTP/1.1\r\n" + lines + b"Connection: close\r\n\r\n")
        assert answer.split()[1] in {b"400", b"421"}
        assert rig.session.encode() not in answer


@case(
    "another site's page that loads this one (`fetch`, `img`, a frame)",
    "403, and frames are forbidden",
)
def _(rig: Rig) -> None:
    for mode in ("cors", "no-cors", "same-origin"):
        answer = rig.page.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode=mode)
        refused(answer, 403, rig.session)
    answer = rig.page.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    assert answer.status == 200
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Access-Control-Allow-Origin"] is None


@case("another site's form that is sent here", "403")
def _(rig: Rig) -> None:
    given = {"q": rig.session}
    answer = rig.page.post("/search", given, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    refused(answer, 403)
    refused(rig.page.post("/search", given, Origin="https://evil.example"), 403)
    refused(rig.page.post("/search", given, Origin="null"), 403)


@case("`PUT`, `DELETE`, `PATCH`, `OPTIONS`, and `POST` to a page", "405: it only reads")
def _(rig: Rig) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "POST", "TRACE"):
        refused(rig.page.get(f"/session/{rig.session}", method=method), 405)


@case(
    "`/static/../../etc/passwd`, also with `%2e%2e%2f`",
    "404: three files by their names, and no folder",
)
def _(rig: Rig) -> None:
    for path in (
        "../../etc/passwd",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cx",
        "viewer.css/",
        "",
    ):
        refused(rig.page.get(f"/static/{path}"), 404, "root:")


@case("`/session/<script>`, and ids that are none", "400 or 404, and no echo")
def _(rig: Rig) -> None:
    for text in (MARKUP, "0", "-1", "9" * 30, "٣", "1e5", "%00", "%ff"):
        answer = rig.page.get(f"/session/{quote(text, safe='%')}")
        assert answer.status in {400, 404}
        refused(answer, answer.status, MARKUP)
        assert is_safe(Seen(answer.text))


@case("markup in a filter of the address", "shown in the form as text")
def _(rig: Rig) -> None:
    for name in ("text", "service", "since", "level", "before", "trace", "at", "after"):
        for path in ("/", f"/session/{rig.session}"):
            answer = rig.page.get(f"{path}?{name}={quote(QUOTES + MARKUP)}")
            assert answer.status in {200, 400}
            assert is_safe(Seen(answer.text))


@case("line ends in a search (`%0d%0aSet-Cookie:`)", "escaped in the address that it leads to")
def _(rig: Rig) -> None:
    answer = rig.page.post("/search", {"q": "word\r\nSet-Cookie: a=b"})
    assert answer.status == 303
    assert answer.headers["Set-Cookie"] is None
    assert answer.headers["Location"] == "/?show=all&text=word%0D%0ASet-Cookie%3A+a%3Db"


@case("`' OR 1=1 --` and the language of the full-text search", "plain words")
def _(rig: Rig) -> None:
    for text in ("' OR 1=1 --", "x OR markup", "NEAR(markup)", "text:markup", '"', "mark*", "*:*"):
        for path in ("/?show=all&", f"/session/{rig.session}?"):
            answer = rig.page.get(f"{path}text={quote(text)}")
            assert answer.status == 200
        assert 'class="record' not in rig.lines(f"?text={quote(text + ' zzz')}").text


@case("an address of 20,000 characters, 5,000 words, a header of 100,000", "414, 400, 431")
def _(rig: Rig) -> None:
    refused(rig.page.get("/?text=" + "x" * 20_000), 414)
    refused(rig.page.get("/?text=" + "x+" * 1_000), 400)
    refused(rig.page.get("/", X="x" * 40_000), 431)
    head = (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX: "
        + b"x" * 100_000
        + b"\r\n\r\n"
    )
    # Too large even for the server that reads it, or for this page.
    assert rig.page.raw(head).split()[1] in {b"400", b"431"}


@case("a form of ten megabytes, or one that is no form", "413, 415")
def _(rig: Rig) -> None:
    kind = "application/x-www-form-urlencoded"
    try:
        answer = rig.page.get(
            "/search", method="POST", body=b"q=" + b"x" * 10**7, Content_Type=kind
        )
        refused(answer, 413)
    except (BrokenPipeError, ConnectionResetError):
        pass  # answered, and hung up, before all of it was sent
    refused(
        rig.page.get("/search", method="POST", body=b"{}", Content_Type="application/json"), 415
    )


@case(
    "a session's token in the search box", "leads to the session's id; the token is in no address"
)
def _(rig: Rig) -> None:
    answer = rig.page.post("/search", {"q": TOKEN})
    assert answer.status == 303
    assert TOKEN.rsplit(".", 1)[-1] not in str(answer.headers) + answer.text


@case("half a token in the search box", "400: taken for no words, and not repeated")
def _(rig: Rig) -> None:
    half = TOKEN[: len(TOKEN) - 3] + "!"
    refused(rig.page.post("/search", {"q": half}), 400, half, half.split(".")[-1])


@case(
    "no token, a wrong one, a made-up cookie, where a token is needed",
    "401, the form and nothing else",
)
def _(rig: Rig) -> None:
    for path in (
        "/",
        f"/session/{rig.session}",
        f"/session/{rig.session}/download.csv",
        "/none",
        "/search",
    ):
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Cookie": "openreplay_otel_viewer=1"},
        ):
            answer = rig.locked.ask("GET", path, headers)
            refused(answer, 401, rig.session, "logs.db")
    refused(rig.locked.get("/?token=wrong-wrong-wrong-wrong"), 401, "wrong-wrong")
    refused(rig.locked.post("/sign-in", {"token": "ü" * 20}), 401)
    assert rig.locked.get("/", Authorization=f"Bearer {SECRET_TOKEN}").status == 200


@case(
    "the page's token in an address",
    "a cookie that holds it not, and at once the address without it",
)
def _(rig: Rig) -> None:
    answer = rig.locked.get(f"/session/{rig.session}?token={SECRET_TOKEN}&level=error")
    assert (answer.status, answer.headers["Location"]) == (
        303,
        f"/session/{rig.session}?level=error",
    )
    cookie = str(answer.headers["Set-Cookie"])
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert SECRET_TOKEN not in cookie
    page = rig.locked.get("/", Cookie=cookie.partition(";")[0])
    assert page.status == 200
    assert SECRET_TOKEN not in page.text


@case("`//evil.example/?token=…`, to be led elsewhere", "leads to this page")
def _(rig: Rig) -> None:
    for path in ("//evil.example/", "/\\evil.example/", "///evil.example"):
        answer = rig.locked.get(f"{path}?token={SECRET_TOKEN}")
        location = str(answer.headers["Location"])
        assert re.match(r"/(?![/\\])", location), location


@case("anybody who asks past the proxy that is named", "403")
def _(rig: Rig) -> None:
    forwarded = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1"}
    refused(rig.behind.ask("GET", "/", forwarded), 403, rig.session)


def table() -> str:
    """The table of the docs."""
    rows = [f"| {n} | {what} | {result} |" for n, (what, result, _) in enumerate(CASES, 1)]
    return "\n".join(["| | what comes | what happens |", "|---|---|---|", *rows]) + "\n"


def written(page: str) -> str:
    """The docs' page with the table of this moment."""
    head, mark, rest = page.partition(BEGIN)
    assert mark, f"{PAGE.name} has no place for the table"
    return head + mark + table() + rest[rest.index("\n\n") + 1 :]


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
