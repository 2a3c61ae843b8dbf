"""What the pages say fits the package: settings, names, error messages, links."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

import openreplay_otel
from openreplay_otel.message_tag import tagged
from openreplay_otel.settings import table, variable
from tests.docs.markdown import anchors_of, blocks_of
from tests.docs.pages import PAGES, ROOT
from tests.docs.running import PageRun, runnable_blocks

if TYPE_CHECKING:
    from pathlib import Path

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"OPENREPLAY_OTEL_[A-Z][A-Z_]*")
_OPTION = re.compile(r"`(?:configure|open_store|Settings)\(([a-z_]+)=")
_PRIVATE = re.compile(r"/(?:home|root|Users|tmp)/")
_MESSAGE = re.compile(r"^- `([^`]+)`", re.MULTILINE)
_MOST_LINES = 160


def test_the_settings_page_is_in_step_with_the_table() -> None:
    """docs/settings.md is what docs/make_settings.py makes of the table now."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_settings.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_settings_that_a_page_names_exist(page: Path) -> None:
    """Every variable and every argument that is named is one of the table."""
    text = page.read_text(encoding="utf-8")
    assert set(_VARIABLE.findall(text)) <= {variable(name) for name in table()}
    assert set(_OPTION.findall(text)) <= {*table(), "service_name", "logger_provider"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_names_that_a_page_takes_from_the_package_exist(page: Path) -> None:
    """Every `openreplay_otel.<name>` in a page's text is there; names with more dots are metrics'."""
    for name in re.findall(
        r"`openreplay_otel\.([A-Za-z_]+)\b(?!\.)", page.read_text(encoding="utf-8")
    ):
        assert name in openreplay_otel.__all__ or find_spec(f"openreplay_otel.{name}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    """The file of every relative link exists, and so does the heading that it names."""
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page if not name else (page.parent / name).resolve()
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_speaks_of_the_package_only(page: Path) -> None:
    """No path of a developer's machine is on a page, and a page stays short enough to be read."""
    text = page.read_text(encoding="utf-8")
    assert _PRIVATE.findall(text) == []
    # A table is looked up, not read.
    lines = [line for line in text.splitlines() if not line.startswith("|")]
    assert page.parent.name != "docs" or len(lines) <= _MOST_LINES


def test_every_message_of_the_troubleshooting_page_is_one_of_the_package() -> None:
    """The messages that it explains are those that the package writes, with … for what varies."""
    troubleshooting = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    explained = _MESSAGE.findall(troubleshooting)
    assert len(explained) > 20
    written = texts_of_the_package()
    for message in explained:
        assert any(is_made_of(message, text) for text in written), message


def test_the_example_document_is_what_the_example_stores(tmp_path: Path) -> None:
    """docs/document.md shows all fields of its example, and their values where they do not vary."""
    page = ROOT / "docs" / "document.md"
    printed = PageRun(tmp_path).run(runnable_blocks(page, needs_elasticsearch=False))
    # Before it the console has the line and its traceback, as it would without the package.
    stored = json.loads(printed[printed.index("\n{") :])
    (shown,) = (json.loads(block.code) for block in blocks_of(page) if block.language == "json")
    assert list(shown) == list(stored)
    varying = {"@timestamp", "utc_time", "message", "trace.id", "span.id", "service.node.name"}
    varying |= {"log.origin.file.name", "error.stack_trace"}
    varying |= {name for name in shown if "session" in name}
    # The block is stored under a name of its own, in a folder of its own.
    assert {n: v for n, v in shown.items() if n not in varying} == {
        n: v for n, v in stored.items() if n not in varying
    }
    lines = re.compile(r"line \d+, in .*")
    assert lines.findall(shown["error.stack_trace"]) == lines.findall(stored["error.stack_trace"])


def test_the_app_under_opentelemetry_instrument_stores_its_session(tmp_path: Path) -> None:
    """What docs/how-it-works.md shows with OpenTelemetry's variables links a record with its session."""
    page = ROOT / "docs" / "how-it-works.md"
    printed = PageRun(tmp_path).run(runnable_blocks(page, needs_elasticsearch=False))
    head, record = printed.splitlines()[-2:]
    assert "Session 2618307011354435587" in head
    assert "stock is low" in record


def test_forged_tags_become_what_the_page_on_privacy_says() -> None:
    """Each row of the table of forged tags is what becomes of such a text."""
    rows = re.findall(
        r"^\| `(\[.*)` \| `(.*)` \|$", (ROOT / "docs" / "privacy.md").read_text(), re.MULTILINE
    )
    assert len(rows) == 4
    for written, stored in rows:
        assert tagged(written, None, "") == stored
        assert tagged(written, "99", "[own] ") == f"[own] {stored}"


def texts_of_the_package() -> list[list[str]]:
    """The texts in the package's source, each as the parts that do not vary."""
    found: list[list[str]] = []
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append([part for part in re.split(r"%[sdr]", node.value) if part])
            elif isinstance(node, ast.JoinedStr):
                parts = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "\0"
                    for part in node.values
                )
                found.append([part for part in parts.split("\0") if part])
    return found


def is_made_of(message: str, parts: list[str]) -> bool:
    """Whether all that a message quotes stands in a text, in order.

    Args:
        message: What a page shows, with … for what varies or is left out.
        parts: The parts of a text that do not vary.
    """
    whole = "\0".join(parts)
    pattern = ".*".join(re.escape(part.strip()) for part in message.split("…"))
    return re.search(pattern, whole, re.DOTALL) is not None
