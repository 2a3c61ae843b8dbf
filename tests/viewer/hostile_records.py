"""What hostile records become on the page."""

from __future__ import annotations

import csv
import io
import json
import logging
from typing import Any
from urllib.parse import quote

import orjson

from openreplay_otel import OpenReplayLogExporter, open_store
from openreplay_otel.session import Session
from openreplay_otel.stores.base import Document
from openreplay_otel.stores.timestamps import to_text
from tests.emitting import App
from tests.viewer.hostile_cases import MARKUP, QUOTES, Rig, case, shown
from tests.viewer.serving import Seen


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
    assert exporter.force_flush()
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


@case("a document's id with quotes and tags", "is escaped in addresses; its page opens")
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
