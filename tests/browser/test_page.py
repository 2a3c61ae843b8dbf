"""The page in a real browser: keys, times, live tail, what runs in it, and how it looks."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import OpenReplayLogExporter
from tests.browser.gallery import fill_gallery
from tests.emitting import App, now_ms, session_id_begun_at
from tests.viewer.hostile_records import fill
from tests.viewer.serving import APP_URL, Serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

BEGAN_MS = now_ms() // 1000 * 1000 - 3_600_000
SESSION = session_id_begun_at(BEGAN_MS, 5)
GROWING = session_id_begun_at(BEGAN_MS - 60_000, 4)
HOSTILE = session_id_begun_at(BEGAN_MS + 60_000, 6)


def bank_failure(reason: str) -> Exception:
    """An exception that another one led to."""
    try:
        try:
            raise ConnectionRefusedError(reason)
        except ConnectionRefusedError as error:
            raise RuntimeError("the bank did not answer") from error
    except RuntimeError as error:
        return error


class Store:
    """A store that grows while the page looks at it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.shop, self.bank = App("shop"), App("payments")

    def export(self) -> None:
        """Bring what was logged to the store."""
        exporter = OpenReplayLogExporter(self.url)
        exporter.export([*self.shop.take(), *self.bank.take()])
        assert exporter.force_flush()
        exporter.shutdown()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One session with errors, one with hostile records."""
    made = Store(f"sqlite:///{tmp_path_factory.mktemp('page')}/logs.db")
    for n in range(60):
        made.shop.log(SESSION, "product %d shown", n, at_ms=BEGAN_MS + 2000 + 1500 * n)
    for n in (20, 45):
        at = BEGAN_MS + 2000 + 1500 * n
        made.bank.log(SESSION, "card declined, trying again", level=logging.WARNING, at_ms=at + 300)
        error = bank_failure("[Errno 111] Connection refused")
        made.shop.log(
            SESSION,
            "checkout of order %d failed",
            n,
            level=logging.ERROR,
            at_ms=at + 700,
            error=error,
        )
    for n in range(3):
        made.shop.log(GROWING, "item %d seen", n, at_ms=BEGAN_MS - 60_000 + 10_000 * n)
    made.export()
    fill(made.url, HOSTILE)
    return made


@pytest.fixture(scope="module")
def served(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The page."""
    links = ("--app-url", APP_URL, "--project-id", "7")
    with Serving(store.url, tmp_path_factory.mktemp("state"), *links) as serving:
        yield serving


@pytest.fixture
def page(browser: Browser, served: Serving) -> Iterator[Page]:
    """A tab in India; whatever it complains of is an error of the test."""
    context = browser.new_context(timezone_id="Asia/Kolkata", base_url=served.url)
    said: list[str] = []
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda error: said.append(str(error.error)))
    context.on("dialog", lambda dialog: said.append(dialog.message))
    foreign: list[str] = []
    context.on("request", lambda r: None if r.url.startswith(served.url) else foreign.append(r.url))
    yield context.new_page()
    context.close()
    assert said == []
    assert foreign == []


def focused(page: Page) -> str:
    """The text that has the focus."""
    return page.evaluate("document.activeElement.innerText ?? ''")


def test_a_session_is_found_read_and_opened_by_keys_alone(page: Page) -> None:
    """`/` and a link lead to it; `j`, `k` and `e` move, Enter opens and closes."""
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type(f"{APP_URL}/7/session/{SESSION}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/session/{SESSION}")
    for key, text in (
        ("j", "product 0 shown"), ("j", "product 1 shown"), ("k", "product 0 shown"),
        ("e", "checkout of order 20 failed"), ("e", "checkout of order 45 failed"),
        ("E", "checkout of order 20 failed"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert text in focused(page)
    page.keyboard.press("Enter")
    trace = page.get_by_text("Traceback (most recent call last)").first
    assert trace.is_visible()
    assert page.get_by_text(
        "ConnectionRefusedError: [Errno 111] Connection refused"
    ).first.is_visible()
    page.keyboard.press("Enter")
    assert not trace.is_visible()


def test_the_list_leads_to_a_session_by_keys(page: Page) -> None:
    """`j` to the first one, Enter."""
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert focused(page) == SESSION
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/session/{SESSION}")


def test_times_are_the_viewer_s_with_utc_on_hover(page: Page) -> None:
    """India is five and a half hours ahead."""
    page.goto(f"/session/{SESSION}")
    first = page.locator(".record .clock").first
    shown = re.fullmatch(r"(\d\d):(\d\d):(\d\d\.\d{3})", first.inner_text())
    utc = re.search(r"(\d\d):(\d\d):\d\d UTC", first.get_attribute("title") or "")
    assert shown is not None
    assert utc is not None
    minutes = (int(shown[1]) - int(utc[1])) * 60 + int(shown[2]) - int(utc[2])
    assert minutes % 1440 == 330


def test_choices_apply_at_once_and_stay(page: Page) -> None:
    """A level is chosen, the address holds just that, and going back shows all again."""
    page.goto(f"/session/{SESSION}")
    page.select_option('select[name="level"]', "warning")
    page.wait_for_url(f"**/session/{SESSION}?level=warning")
    assert page.locator(".record").count() == 4
    page.go_back()
    assert page.locator(".record").count() == 64


def test_the_live_page_shows_what_comes(page: Page, store: Store) -> None:
    """In its place by time, once, with the figures; what is open stays open."""
    page.goto(f"/session/{GROWING}")
    page.get_by_text("○ Live").click()
    page.wait_for_url("**live=1**")
    page.locator(".record summary").last.click()
    store.shop.log(GROWING, "one more record", at_ms=BEGAN_MS - 10_000)
    store.shop.log(GROWING, "late record", at_ms=BEGAN_MS - 59_999)
    store.export()
    page.get_by_text("one more record").wait_for()
    page.get_by_text("late record").wait_for()
    messages = page.locator(".record .text").all_inner_texts()
    assert messages == [
        "item 0 seen",
        "late record",
        "item 1 seen",
        "item 2 seen",
        "one more record",
    ]
    assert page.locator("#figures").get_by_text("5", exact=True).is_visible()
    assert page.locator("details[open]").count() == 1


def test_the_recording_opens_five_seconds_before(page: Page) -> None:
    """From a record that was opened."""
    page.goto(f"/session/{SESSION}?show=errors")
    page.locator(".record summary").first.click()
    link = page.locator(".record a.recording").first
    assert link.get_attribute("href") == f"{APP_URL}/7/session/{SESSION}?jumpto=27700"


def test_hostile_records_run_nothing(page: Page) -> None:
    """Every page of them: no script, no dialog, no request to anybody, no word in the console."""
    for path in (
        "/",
        f"/session/{HOSTILE}",
        f"/session/{HOSTILE}?show=errors",
        "/?show=all&text=%3Cb%3E",
    ):
        page.goto(path)
        for summary in page.locator(".record summary").all():
            summary.click()
    address = page.locator("a").first.get_attribute("href")
    assert address is not None
    page.goto(f"/session/{HOSTILE}?text=hostile")
    page.locator(".record summary").first.click()
    page.get_by_text("All fields").first.click()
    page.get_by_text("javascript:alert(1)").wait_for()


def test_the_page_can_be_read_without_javascript(browser: Browser, served: Serving) -> None:
    """Filters have a button, records open, the search box leads to the session."""
    context = browser.new_context(java_script_enabled=False, base_url=served.url)
    page = context.new_page()
    page.goto("/")
    page.fill("#q", SESSION)
    page.get_by_role("button", name="Find").click()
    page.select_option('select[name="show"]', "errors")
    page.get_by_role("button", name="Apply").click()
    assert page.locator(".record").count() == 2
    page.locator(".record summary").first.click()
    assert page.get_by_text("Traceback (most recent call last)").first.is_visible()
    assert "UTC" in (page.locator(".figures time").first.text_content() or "")
    context.close()


def test_a_page_has_no_wide_part_on_a_phone(browser: Browser, served: Serving) -> None:
    """Nothing has to be scrolled sideways, hostile records included."""
    context = browser.new_context(viewport={"width": 360, "height": 700}, base_url=served.url)
    page = context.new_page()
    for path in ("/", "/?show=all", f"/session/{SESSION}", f"/session/{HOSTILE}", "/session/7"):
        page.goto(path)
        for summary in page.locator(".record summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    context.close()


def contrast(page: Page, selector: str) -> float:
    """The contrast of a text and what lies behind it, as WCAG counts it."""
    return page.evaluate(
        """selector => {
        const element = document.querySelector(selector);
        const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        let behind = element;
        while (numbers(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
        const [a, b] = [light(numbers(getComputedStyle(element).color)),
                        light(numbers(getComputedStyle(behind).backgroundColor))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    }""",
        selector,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out(browser: Browser, served: Serving, scheme: Any) -> None:
    """A contrast of 4.5 at least, light and dark, the dim ones too."""
    context = browser.new_context(color_scheme=scheme, base_url=served.url)
    page = context.new_page()
    page.goto("/")
    selectors = [".tabs a", ".tabs a[aria-current]", ".sessions .item", ".badge.error", ".chip",
                 ".sessions td.duration", ".filters label > span", "footer"]  # fmt: skip
    for selector in selectors:
        assert contrast(page, selector) >= 4.5, selector
    page.goto(f"/session/{SESSION}")
    selectors = [".offset", ".clock", ".info .level", ".warning .level", ".error .level", ".error .text",
                 ".error .clock", ".error .offset", ".error .source i", ".raised", ".button.primary",
                 ".strip figcaption", ".figures dt"]  # fmt: skip
    for selector in selectors:
        assert contrast(page, selector) >= 4.5, selector
    context.close()


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures go: ``--pictures=FOLDER`` keeps them."""
    folder: Path = request.config.getoption("--pictures") or tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, str]]:
    """A page to take pictures of, and the session to be seen on one of them."""
    url = f"sqlite:///{tmp_path_factory.mktemp('gallery')}/logs.db"
    links = ("--app-url", APP_URL, "--project-id", "7")
    with Serving(url, tmp_path_factory.mktemp("state"), *links) as serving:
        yield serving, fill_gallery(url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1120, 390])
def test_pictures_are_taken(
    browser: Browser, gallery: tuple[Serving, str], pictures: Path, scheme: Any, width: int
) -> None:
    """Both pages, light and dark, wide and narrow."""
    served, session = gallery
    name = "wide" if width > 1000 else "narrow"
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": 740}, color_scheme=scheme, base_url=served.url
    )
    page = context.new_page()
    for what, path in (("sessions", "/"), ("session", f"/session/{session}")):
        page.goto(path)
        if what == "session":
            page.locator(".record.error summary").first.click()
            page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
            page.mouse.move(0, 0)
        target = pictures / f"{what}-{scheme}-{name}.png"
        page.screenshot(path=target)
        assert 5_000 < target.stat().st_size < 150_000
    context.close()
