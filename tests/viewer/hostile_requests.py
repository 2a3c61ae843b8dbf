"""What the page answers to hostile requests."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from tests.unit.cli_harness import TOKEN
from tests.viewer.hostile_cases import MARKUP, QUOTES, SECRET_TOKEN, Rig, case
from tests.viewer.serving import Answer, Seen, is_safe


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


@case("`Host: 127.0.0.1` by a proxy that was not named", "403, whichever header tells of the proxy")
def _(rig: Rig) -> None:
    for name in (
        "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Server",
        "X-Original-URL", "X-Envoy-External-Address", "CF-Connecting-IP", "True-Client-IP", "X-Real-IP",
    ):  # fmt: skip
        headers: dict[str, Any] = {name: "10.1.2.3"}
        refused(rig.page.get("/", Host="127.0.0.1", **headers), 403, rig.session)


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


@case("a form of ten megabytes, one that is no form, one of thirty fields", "413, 415, 400")
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
    refused(rig.page.get("/search", method="POST", body=b"&a=b" * 30, Content_Type=kind), 400)


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
            refused(answer, 401, "logs.db", 'class="record', "markup")
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


@case(
    "a form of signing in that leads to `//evil.example` or `/\\evil.example`",
    "leads to this page",
)
def _(rig: Rig) -> None:
    for address in (
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\n/evil.example",
    ):
        answer = rig.locked.post("/sign-in", {"token": SECRET_TOKEN, "address": address})
        assert (answer.status, answer.headers["Location"]) == (303, "/")


@case("another site's form that signs people out", "403")
def _(rig: Rig) -> None:
    refused(rig.locked.post("/sign-out", {}, Origin="https://evil.example"), 403)
    foreign = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    refused(rig.locked.post("/sign-out", {}, **foreign), 403)


@case("anybody who asks past the proxy that is named", "403")
def _(rig: Rig) -> None:
    forwarded = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1"}
    refused(rig.behind.ask("GET", "/", forwarded), 403, rig.session)
