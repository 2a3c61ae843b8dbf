"""Who may see the page: the options of ``openreplay-otel serve``, and the answers to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import SettingsError
from openreplay_otel.viewer.access import Access, host_names, proxy_addresses
from tests.unit.cli_harness import call
from tests.viewer.serving import Serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.viewer.conftest import Shop


EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - what is tested


def test_on_this_machine_no_token_is_asked_for(page: Serving, shop: Shop) -> None:
    """And the command says where the page is, with nothing secret in it."""
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", page.link)
    assert page.get("/").status == 200
    assert page.get("/sign-in").headers["Location"] == "/"


def test_on_every_address_a_token_is_made_and_shown(shop: Shop, tmp_path: Path) -> None:
    """Once; its link lets a browser in, which then needs it no more."""
    with Serving(shop.url, tmp_path, "--host", EVERY_ADDRESS) as page:
        token = page.link.partition("token=")[2]
        assert len(token) >= 32
        assert page.get("/").status == 401
        assert "Sign in" in page.get("/").text
        answer = page.post("/sign-in", {"token": token})
        assert answer.status == 303
        cookie = str(answer.headers["Set-Cookie"]).partition(";")[0]
        assert shop.failed in page.get("/", Cookie=cookie).text
        assert page.get("/", Cookie=cookie, Host="192.168.1.4:80").status == 200
        assert page.get("/", Cookie=cookie, Host="logs.example.com").status == 421
        assert page.get("/static/viewer.css").status == 200


def test_a_token_of_ones_own_is_shown_nowhere(shop: Shop, tmp_path: Path) -> None:
    """By the variable or the option; it is asked for on this machine too."""
    secret = "my-own-secret-of-some-length"
    names = ("--allow-host", "logs.example.com")
    with Serving(shop.url, tmp_path, *names, OPENREPLAY_OTEL_VIEWER_TOKEN=secret) as page:
        assert secret not in page.link
        assert page.get("/").status == 401
        bearer = {"Authorization": f"Bearer {secret}", "Host": "logs.example.com"}
        assert page.ask("GET", "/", bearer).status == 200
    assert secret not in page.said


def test_behind_a_proxy_only_the_proxy_may_ask(shop: Shop, tmp_path: Path) -> None:
    """It signs people in, so no token is asked for."""
    with Serving(shop.url, tmp_path, "--host", EVERY_ADDRESS, "--proxy", "127.0.0.1, ::1") as page:
        assert "token" not in page.link
        assert page.get("/").status == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--token", "short"), "--token: expected 16 characters or more"),
        (("--proxy", "proxy.example.com"), "--proxy: expected the IP address"),
        (("--proxy", ","), "--proxy: expected the IP address"),
        (("--allow-host", "https://x/"), "--allow-host: expected host names"),
        (("--host", "no.such.host.invalid"), "--host: 'no.such.host.invalid' is no address"),
        (("--replay-lead", "-1"), "--replay-lead (OPENREPLAY_OTEL_REPLAY_LEAD): expected seconds"),
        (("--port", "70000"), "65535"),
    ],
)
def test_an_option_that_cannot_be_used_is_told(
    arguments: tuple[str, str], said: str, tmp_path: Path
) -> None:
    """In one sentence that names it."""
    done = call("serve", *arguments, state=tmp_path)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_an_open_page_on_the_network_cannot_be_made() -> None:
    """Not by the library either."""
    with pytest.raises(SettingsError, match="token"):
        Access("192.168.1.4").check()
    Access("192.168.1.4", proxies=proxy_addresses("10.0.0.1")).check()
    Access("::1").check()


@pytest.mark.parametrize(
    ("host", "on_loopback", "elsewhere"),
    [
        ("localhost", True, False),
        ("LOCALHOST:8700", True, False),
        ("127.0.0.1:1", True, True),
        ("[::1]:8700", True, True),
        ("10.1.2.3", False, True),
        ("logs.example.com", True, True),
        ("logs.example.com.evil.example", False, False),
        ("logs.example.com:x", False, False),
        ("localhost@evil.example", False, False),
        ("[::1", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_a_page_knows_its_own_names(
    host: str | None, *, on_loopback: bool, elsewhere: bool
) -> None:
    """Those that were named, this machine's own, and addresses where it is served on the network."""
    names = host_names("Logs.example.com")
    assert Access("127.0.0.1", names).knows_host(host) is on_loopback
    assert Access(EVERY_ADDRESS, names, token="x" * 16).knows_host(host) is elsewhere


@pytest.mark.parametrize(
    ("peer", "is_forwarded", "open_page", "with_token", "behind_proxy"),
    [
        ("127.0.0.1", False, True, True, True),
        ("::ffff:127.0.0.1", False, True, True, True),
        ("::FFFF:7f00:1", False, True, True, True),
        ("127.8.9.10", False, True, True, False),
        ("::1", False, True, True, False),
        (None, False, True, True, False),
        ("127.0.0.1", True, False, True, True),
        (None, True, False, True, False),
        ("10.0.0.7", False, False, True, False),
        ("::ffff:10.0.0.7", False, False, True, False),
        ("fe80::1%eth0", False, False, True, False),
        ("no address", False, False, True, False),
    ],
)
def test_without_a_token_only_this_machine_itself_may_ask(
    peer: str | None, *, is_forwarded: bool, open_page: bool, with_token: bool, behind_proxy: bool
) -> None:
    """Whatever Host header it sends; a proxy on this machine asks for others."""
    proxies = proxy_addresses("127.0.0.1")
    asked = {"is_forwarded": is_forwarded}
    assert Access("127.0.0.1").may_connect(peer, **asked) is open_page
    assert Access(EVERY_ADDRESS, token="x" * 16).may_connect(peer, **asked) is with_token
    assert Access("::", proxies=proxies).may_connect(peer, **asked) is behind_proxy


def test_a_proxy_may_be_named_in_either_form() -> None:
    """A socket for both families tells an address of IPv4 in IPv6's form."""
    assert proxy_addresses("::ffff:10.0.0.7, ::1") == {"10.0.0.7", "::1"}
