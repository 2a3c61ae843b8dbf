"""Signing in and out as a person does it, in a real browser, which has its own mind about forms and cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.gallery import fill_gallery
from tests.viewer.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext

TOKEN = "a-token-of-more-than-sixteen-characters"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, str]]:
    """A page that asks for a token, and a session of it."""
    folder = tmp_path_factory.mktemp("locked")
    url = f"sqlite:///{folder}/logs.db"
    with Serving(url, folder, OPENREPLAY_OTEL_VIEWER_TOKEN=TOKEN) as serving:
        yield serving, fill_gallery(url)


def test_a_person_signs_in_where_they_wanted_to_go_and_out_again(
    context: BrowserContext,
    locked: tuple[Serving, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """After a wrong token too; the token is in no address and no cookie, and after signing out the page asks anew."""
    served, session = locked
    wanted = f"{served.url}/session/{session}?show=errors"
    page = context.new_page()
    visited: list[str] = []
    page.on("framenavigated", lambda frame: visited.append(frame.url))
    page.goto(wanted)
    page.get_by_label("Token").fill("not-the-token-that-is-asked-for")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("That is not the token").wait_for()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(wanted)
    assert page.locator(".timeline .record").count() > 0
    folder: Path = request.config.getoption("--pictures") or tmp_path
    page.screenshot(path=folder / "signed-in.png", full_page=True)
    assert TOKEN not in str([*visited, *context.cookies()])
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Token").wait_for()
    page.goto(wanted)
    assert page.get_by_label("Token").is_visible()
    assert context.cookies() == []


def test_a_link_from_another_site_leads_there_after_the_token(
    context: BrowserContext, locked: tuple[Serving, str]
) -> None:
    """A dashboard links to a session: the browser asks from elsewhere, and is led on."""
    served, session = locked
    wanted = f"{served.url}/session/{session}"
    page = context.new_page()
    page.goto(f"data:text/html,<a href='{wanted}'>logs</a>")
    page.get_by_text("logs").click()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(wanted)
    assert page.locator(".timeline .record").count() > 0
