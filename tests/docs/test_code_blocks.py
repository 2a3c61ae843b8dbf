"""What the pages show runs: each block, in the order of its page, as a reader would type it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.docs.markdown import RUN, SHOWN, PageError, blocks_of
from tests.docs.pages import PAGES
from tests.docs.running import PageRun, runnable_blocks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    """Every Python block and every command of a page ends well, in a home folder with no settings."""
    PageRun(tmp_path).run(runnable_blocks(page, needs_elasticsearch=False))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_escapes(page: Path) -> None:
    """A block is run, or is of a language that nobody types, or says why it is not run."""
    others = [b.place for b in blocks_of(page) if b.language not in (*RUN, *SHOWN)]
    assert others == [], "use `python` or `console`, or a language of tests/docs/markdown.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_json_blocks_are_json(page: Path) -> None:
    """What a reader copies from a JSON block is well-formed."""
    for block in blocks_of(page):
        if block.language == "json":
            json.loads(block.code)


def page_with(folder: Path, text: str) -> Path:
    """A page of some text."""
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


def run(folder: Path, text: str) -> None:
    """Run the blocks of a page of some text."""
    PageRun(folder).run(runnable_blocks(page_with(folder, text), needs_elasticsearch=False))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```python\nraise ValueError('no')\n```", "ValueError: no"),
        ("```python\nx = 1\n```\n```python\nprint(x)\n```", "NameError"),
        ("```console\n$ openreplay-otel logs 77\n```", "there is no store"),
        ("```console\n$ curl example.org\n```", "not run here"),
        ("```console\nopenreplay-otel\n```", "begins with a line"),
        ("<!-- test: exact -->\n```console\n$ python -c 'print(1)'\n2\n```", "and not\n2"),
        ("<!-- test: continue -->\n```python\n1\n```", "no block to continue"),
    ],
)
def test_a_wrong_block_fails(tmp_path: Path, text: str, said: str) -> None:
    """A block that fails, needs another block's names, or cannot be run here is a failure."""
    with pytest.raises(PageError, match=said):
        run(tmp_path, text)


@pytest.mark.parametrize(
    ("mark", "said"),
    [("none", "has to say why"), ("none,  ", "has to say why"), ("sometimes", "no mark")],
)
def test_a_block_is_not_left_out_without_a_reason(tmp_path: Path, mark: str, said: str) -> None:
    """A mark that leaves a block out gives a reason, and a misspelt mark is a failure."""
    with pytest.raises(PageError, match=said):
        run(tmp_path, f"<!-- test: {mark} -->\n```python\n1\n```")
    with pytest.raises(PageError, match="no block follows"):
        run(tmp_path, "<!-- test: none, whatever -->\nText.\n```python\n1\n```")


def test_blocks_build_on_each_other_where_the_page_says_so(tmp_path: Path) -> None:
    """Files, exported variables and continued blocks reach later blocks of a page; output can be exact."""
    run(
        tmp_path,
        "```python\nx = 3\n```\ntext\n<!-- test: continue -->\n```python\nopen('x', 'w').write(str(x))\n```\n"
        "<!-- test: file app.py -->\n```python\nimport os\nprint(open('x').read() + os.environ['Y'])\n```\n"
        "<!-- test: exact -->\n```console\n$ export Y=4 Z=5\n$ python \\\n  app.py\n34\n```\n"
        "<!-- test: none, it would fail -->\n```python\n1 / 0\n```",
    )
