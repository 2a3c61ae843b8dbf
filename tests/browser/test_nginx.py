"""A real nginx with the example's configuration: which headers come through."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.browser.tools import FRONTEND, ToolMissing, missing, nginx, wait_for_port
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.browser.conftest import Shop

ID = "2618307011354435587"
_TEMPORARY = " ".join(
    f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
SETTING = "ignore_invalid_headers off;"


@pytest.fixture
def behind_nginx(shop: Shop, tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Asks the Flask backend through nginx, which can also be had without the setting."""
    try:
        program = nginx()
    except ToolMissing as error:
        missing(error)
        raise
    running: list[subprocess.Popen[str]] = []

    def ask(header: str, *, with_setting: bool) -> list[str]:
        port = free_port()
        text = (FRONTEND / "proxy" / "nginx.conf").read_text(encoding="utf-8")
        assert text.count(SETTING) == 1
        text = text.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        text = text.replace("127.0.0.1:8001", f"127.0.0.1:{shop.port['flask']}")
        # Its own page of header names, beside the API's.
        text = text.replace("location /api/ {", "location ~ ^/(api|headers) {")
        text = text.replace("include mime.types;", f"access_log off; {_TEMPORARY}")
        if not with_setting:
            text = text.replace(SETTING, "")
        folder = tmp_path / str(port)
        folder.mkdir()
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; pid {folder}/pid; master_process off; {text}", encoding="utf-8"
        )
        process = subprocess.Popen(
            [program, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        running.append(process)
        wait_for_port(port, process)
        request = urllib.request.Request(f"http://127.0.0.1:{port}/headers", headers={header: ID})
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - of our own nginx
            return json.load(answer)

    yield ask
    for process in running:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize(
    ("header", "with_setting", "arrives"),
    [
        ("openReplaySession.id", True, True),
        ("openReplaySession.id", False, False),
        ("X-OpenReplay-Session-Id", True, True),
        ("X-OpenReplay-Session-Id", False, True),
        ("X-OpenReplay-SessionToken", False, True),
    ],
)
def test_the_header_with_a_dot_needs_the_setting(
    behind_nginx: Callable[..., list[str]], header: str, *, with_setting: bool, arrives: bool
) -> None:
    """The names without a dot come through in any case."""
    names = behind_nginx(header, with_setting=with_setting)
    assert (header.lower() in [name.lower() for name in names]) is arrives
