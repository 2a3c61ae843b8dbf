"""What a person sees on the page: asked by HTTP of the real command."""

from __future__ import annotations

import csv
import io
import json
import re
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import Session, SessionLogs
from tests.unit.cli_harness import TOKEN, call
from tests.unit.contract import EXAMPLE_ID
from tests.viewer.serving import APP_URL, Seen, Serving, is_safe

if TYPE_CHECKING:
    from pathlib import Path

    from tests.viewer.conftest import Shop

_ITEM = re.compile(r'class="item" href="/session/(\d+)"')
_LINE = re.compile(r'<span class="text">([^<]*)')


def listed(page: Serving, address: str) -> list[str]:
    """The sessions of a list."""
    answer = page.get(address)
    assert answer.status == 200
    assert is_safe(Seen(answer.text))
    return _ITEM.findall(answer.text)


def lines(page: Serving, address: str) -> list[str]:
    """The messages of a session's page."""
    answer = page.get(address)
    assert answer.status == 200, answer.text
    assert is_safe(Seen(answer.text))
    return _LINE.findall(answer.text)


def link(page: Serving, address: str, text: str) -> str:
    """Where a link with a text leads."""
    found = re.search(rf'href="([^"]*)"[^>]*>{re.escape(text)}', page.get(address).text)
    assert found is not None, text
    return found[1].replace("&amp;", "&").partition("#")[0]


def test_sessions_with_errors_are_seen_first(page: Serving, shop: Shop) -> None:
    """The first page lists them with their figures and the link to the recording."""
    assert listed(page, "/") == [shop.failed]
    seen = Seen(page.get("/").text)
    for part in ("450", "1 error", "46.0 s", "bank", "shop"):
        assert part in " ".join(seen.text.split())
    assert f"{APP_URL}/7/session/{shop.failed}" in seen.links


def test_all_sessions_are_paged_newest_first(page: Serving, shop: Shop) -> None:
    """Fifty a page; the link to the older ones goes on where the page ends."""
    whole = [shop.failed, *shop.quiet[::-1]]
    assert listed(page, "/?show=all") == whole[:50]
    older = link(page, "/?show=all", "Older sessions")
    assert listed(page, older) == whole[50:]
    assert listed(page, link(page, older, "↑ Newest")) == whole[:50]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("service=bank", True),
        ("service=nobody", False),
        ("level=warning&service=bank", True),
        ("level=error&service=bank", False),
        ("text=%22card+declined%22", True),
        ("text=declined+card", True),
        ("text=%22declined+card%22", False),
        ("text=ConnectionError", True),
        ("since=24h", True),
        ("since=1m", False),
        ("until=2h", False),
        ("from=2024-01-01&until=2024-01-02+10:00", False),
        ("from=2024-01-01T00:00:00Z", True),
        ("from=2024-01-01+00:00", True),
    ],
)
def test_sessions_are_filtered(page: Serving, shop: Shop, query: str, *, found: bool) -> None:
    """By time, service, level and words; what is asked for stays in the form."""
    assert listed(page, f"/?{query}") == ([shop.failed] if found else [])
    text = page.get(f"/?{query}").text
    if not found:
        assert "No session with errors fits" in text
        assert "Take the filters away" in text


@pytest.mark.parametrize(
    "what",
    [EXAMPLE_ID, f" {EXAMPLE_ID} ", TOKEN, f"https://replay.example.org/7/session/{EXAMPLE_ID}"],
)
def test_the_search_box_takes_an_id_a_token_and_a_link(page: Serving, what: str) -> None:
    """All lead to the session's page, and the address holds the id alone."""
    answer = page.post("/search", {"q": what})
    assert (answer.status, answer.headers["Location"]) == (303, f"/session/{EXAMPLE_ID}")


def test_the_search_box_takes_words(page: Serving, shop: Shop) -> None:
    """They lead to the sessions that hold them, those without an error too."""
    address = page.post("/search", {"q": '"visit 7"'}).headers["Location"]
    assert listed(page, address) == [shop.quiet[7]]
    assert page.post("/search", {"q": " "}).headers["Location"] == "/"


def test_a_session_shows_its_records_page_by_page(page: Serving, shop: Shop) -> None:
    """Two hundred a page, forwards, backwards and from the end; nothing is missing or shown twice."""
    whole = [*(f"step {n}" for n in range(448)), "card declined", "order failed"]
    first = f"/session/{shop.failed}"
    assert lines(page, first) == whole[:200]
    second = link(page, first, "↓ Later records")
    assert lines(page, second) == whole[200:400]
    third = link(page, second, "↓ Later records")
    assert lines(page, third) == whole[400:]
    assert "That is the end of the session" in page.get(third).text
    assert lines(page, link(page, third, "↑ Earlier records")) == whole[200:400]
    assert lines(page, link(page, third, "↑↑ First")) == whole[:200]
    assert lines(page, link(page, first, "↓↓ Last")) == whole[250:]


def test_a_record_tells_offset_level_source_message_and_exception(
    page: Serving, shop: Shop
) -> None:
    """And links into the recording five seconds before."""
    seen = Seen(page.get(f"/session/{shop.failed}?show=errors").text)
    text = " ".join(seen.text.split())
    for part in ("+00:47.000", "error", "shop", "shop.checkout", "order failed",
                 "RuntimeError: nothing was charged", "caused by ConnectionError: the bank hung up",
                 "Traceback (most recent call last)", "Recording at this moment (\N{MINUS SIGN}5 s)"):  # fmt: skip
        assert part in text, part
    assert f"{APP_URL}/7/session/{shop.failed}?jumpto=42000" in seen.links
    assert seen.count("details") == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("service=bank", ["card declined"]),
        ("level=warning", ["card declined", "order failed"]),
        ("show=errors", ["order failed"]),
        ("text=%22step+17%22", ["step 17"]),
        ("at=%2B45.5s", ["step 445", "step 446", "step 447", "card declined", "order failed"]),
        ("at=45.7", None),
        ("live=1&level=warning", ["card declined", "order failed"]),
    ],
)
def test_records_are_filtered(
    page: Serving, shop: Shop, query: str, expected: list[str] | None
) -> None:
    """By service, level, words, errors and place in the recording."""
    address = f"/session/{shop.failed}?{query}"
    if expected is None:
        assert page.get(address).status == 400
        return
    assert lines(page, address) == expected


def test_the_records_of_one_trace_are_picked_out(page: Serving, shop: Shop, tmp_path: Path) -> None:
    """By the link of one of them."""
    assert call("demo", "--json", "--store", f"sqlite:///{tmp_path}/d.db", state=tmp_path).code == 0
    with Serving(f"sqlite:///{tmp_path}/d.db", tmp_path) as demo:
        (session,) = set(listed(demo, "/")[:1])
        address = f"/session/{session}"
        with SessionLogs(f"sqlite:///{tmp_path}/d.db") as logs:
            entries = list(logs.logs(session))
        wanted = [entry.message for entry in entries if entry.trace_id == entries[0].trace_id]
        assert 0 < len(wanted) < len(entries)
        found = lines(demo, link(demo, address, "Only this trace"))
        assert len(found) == len(wanted)


def test_the_strip_shows_errors_over_time_and_leads_there(page: Serving, shop: Shop) -> None:
    """Bars of records, one of them with errors; each leads to the records of its time."""
    text = page.get(f"/session/{shop.failed}").text
    seen = Seen(text)
    assert seen.count("rect", class_="errors") == 1
    assert seen.count("rect", class_="all") > 100
    assert "errors in 1 of 120 parts" in text
    (address,) = re.findall(r'<a href="([^"]*)"[^>]*><title>[^<]*1 with an error', text)
    found = lines(page, address.replace("&amp;", "&").partition("#")[0])
    assert found == ["order failed"]


def test_a_record_has_a_page_of_its_own(page: Serving, shop: Shop) -> None:
    """With all of its fields, and the way back to the session at its place."""
    address = link(page, f"/session/{shop.failed}", "All fields")
    answer = page.get(address)
    seen = Seen(answer.text)
    assert is_safe(seen)
    for part in ("step 0", "labels.order", "log.logger", "openreplay.session.id"):
        assert part in seen.text
    assert lines(page, link(page, address, "Among the session"))[0] == "step 0"
    assert page.get(f"/session/{shop.failed}/record?id=none").status == 404
    other = address.replace(shop.failed, shop.quiet[0])
    assert page.get(other).status == 404


def test_records_are_downloaded_as_json_lines(page: Serving, shop: Shop) -> None:
    """All of them, each the document as it is stored; filters count."""
    answer = page.get(f"/session/{shop.failed}/download.jsonl")
    documents = [json.loads(line) for line in answer.text.splitlines()]
    assert len(documents) == 450
    assert documents[-1]["error.type"] == "RuntimeError"
    assert f'filename="session-{shop.failed}.jsonl"' in answer.headers["Content-Disposition"]
    with SessionLogs(shop.url) as logs:
        expected = [{"_id": e.document_id, **e.document} for e in logs.logs(shop.failed)]
    assert documents == expected
    only = page.get(f"/session/{shop.failed}/download.jsonl?service=bank")
    assert only.text.count("\n") == 1


def test_records_are_downloaded_as_csv(page: Serving, shop: Shop) -> None:
    """A row each, below the names of the columns."""
    answer = page.get(f"/session/{shop.failed}/download.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["message"] for row in rows[:2]] == ["step 0", "step 1"]
    assert rows[-1]["error_message"] == "nothing was charged"
    assert rows[-1]["offset"] == "00:47.000"
    assert len(rows) == 450
    assert page.get(f"/session/{shop.failed}/download.xml").status == 404


def test_a_session_without_records_says_what_to_check(page: Serving) -> None:
    """The store, the requests, the id; one of seven digits is hardly whole."""
    answer = page.get("/session/1234567")
    assert answer.status == 404
    for part in ("No records of this session", "X-OpenReplay-SessionToken", "hardly so"):
        assert part in answer.text
    recent = page.get(f"/session/{Session('2618307011354435587').id}")
    assert "hardly so" not in recent.text


def test_filters_that_nothing_fits_say_so(page: Serving, shop: Shop) -> None:
    """With what the session holds, and the way back."""
    text = page.get(f"/session/{shop.failed}?text=nowhere").text
    assert "No record of this session fits" in text
    assert "1 error, 1 warning, 448 info" in text


def test_a_store_that_is_not_there_yet_is_no_error(tmp_path: Path) -> None:
    """The page says what to do until something was logged, and then shows it."""
    store = f"sqlite:///{tmp_path}/none.db"
    with Serving(store, tmp_path) as page:
        answer = page.get("/")
        assert answer.status == 200
        assert "No session has been logged here yet" in answer.text
        assert "sessionTokenHeader: true" in answer.text
        assert call("demo", "--json", "--store", store, state=tmp_path).code == 0
        assert len(listed(page, "/")) == 2


def test_a_store_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    """With the reason, without the password."""
    with Serving("http://elastic:s3cret-word@127.0.0.1:9", tmp_path) as page:
        answer = page.get("/")
        assert answer.status == 503
        assert "http://127.0.0.1:9 cannot be reached" in answer.text
        assert "s3cret" not in answer.text
    assert "s3cret" not in page.said


def test_the_page_ends_with_ctrl_c(shop: Shop, tmp_path: Path) -> None:
    """Quietly, as the way to end it."""
    page = Serving(shop.url, tmp_path)
    assert page.get("/").status == 200
    assert page.end() == 0
    assert page.said == ""


def test_the_demo_is_shown_on_the_page(tmp_path: Path) -> None:
    """``demo --serve``: its two sessions with errors, with links, until Ctrl-C."""
    with Serving(None, tmp_path, command=("demo", "--serve")) as page:
        sessions = listed_with(page, "https://openreplay.example.com")
        assert len(sessions) == 2
        text = page.get(f"/session/{sessions[0]}?show=errors").text
        assert "PaymentError" in text
        assert page.end() == 0


def listed_with(page: Serving, app_url: str) -> list[str]:
    """The sessions of the first page, whose links lead to a dashboard."""
    text = page.get("/").text
    assert is_safe(Seen(text), app_url)
    return _ITEM.findall(text)


def test_a_port_that_is_taken_is_said_in_one_sentence(
    page: Serving, shop: Shop, tmp_path: Path
) -> None:
    """With what to do."""
    done = call("serve", "--store", shop.url, "--port", str(page.port), state=tmp_path)
    assert done.code == 1
    assert "cannot listen at 127.0.0.1" in done.err
    assert "--port" in done.err
    assert done.err.count("\n") == 1


def test_a_page_has_names_for_what_it_shows(page: Serving, shop: Shop) -> None:
    """For screen readers: language, title, one heading of the first rank, labels of all fields."""
    for address in ("/", f"/session/{shop.failed}", "/session/7", "/?text=nowhere"):
        text = page.get(address).text
        seen = Seen(text)
        assert seen.count("html", lang="en") == 1
        assert seen.count("h1") == 1
        assert seen.count("main") == 1
        fields = [
            a for tag, a in seen.tags if tag in {"input", "select"} and a.get("type") != "hidden"
        ]
        assert text.count("<label") == len(fields)
        assert all(a.get("alt") is not None for tag, a in seen.tags if tag == "img")


def test_an_address_is_kept_as_it_was_asked_for(page: Serving) -> None:
    """Words with signs of their own come back whole in the form and in the links."""
    text = 'a&b=c "d+e" <f>'
    body = page.get(f"/?text={urllib.parse.quote_plus(text)}").text
    assert 'value="a&amp;b=c &#34;d+e&#34; &lt;f&gt;"' in body
    assert "text=a%26b%3Dc+%22d%2Be%22+%3Cf%3E" in body
