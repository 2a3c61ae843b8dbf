"""The examples do what their READMEs say: each command is run as it stands there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.frameworks.ending import end_group
from tests.frameworks.serving import MOST_SECONDS, ROOT, clean_environ
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

# The front end's needs a browser: tests/browser runs its page and its backends.
EXAMPLES = sorted(
    page.parent
    for page in (ROOT / "examples").glob("*/README.md")
    if page.parent.name != "frontend"
)
_BLOCK = re.compile(
    r"(?:<!-- test: (?P<mark>[^>]*) -->\n)?```console\n(?P<lines>.*?)```", re.DOTALL
)
_SESSION = "2618307011354435587"
_SHOWN = {
    "celery": ["mail about order 7 is sent"],
    "declarative": ["repairing the orders", "LookupError"],
    "script": ["repairing the orders", "could not repair all", "LookupError", "order 7 is gone"],
    "django": ["checkout of order 7", "RuntimeError", "/checkout/7"],
    "fastapi": ["checkout of order 7", "Exception in ASGI application", "/checkout/7"],
    "flask": ["checkout of order 7", "Exception on /checkout/7", "/checkout/7 HTTP/1.1"],
}


class _Folder:
    """A copy of an example, in which its commands are typed."""

    def __init__(self, example: Path, folder: Path) -> None:
        shutil.copytree(example, folder)
        self._folder = folder
        self._variables = clean_environ() | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(folder),
        }
        self.port = free_port()

    def type(self, lines: str) -> str:
        """Run the lines of a block, and return what they print."""
        done = subprocess.run(
            ["sh", "-e", "-c", self._script(lines)],
            cwd=self._folder, env=self._variables, capture_output=True, text=True,
            timeout=MOST_SECONDS, check=False,
        )  # fmt: skip
        assert 0 == done.returncode, f"{lines}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def serve(self, lines: str) -> Iterator[Path]:
        """Let the lines of a block run, as in another terminal."""
        log = self._folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["sh", "-e", "-c", self._script(lines, last="exec ")],
                cwd=self._folder, env=self._variables, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        try:
            yield log
        finally:
            end_group(process)

    def _script(self, lines: str, last: str = "") -> str:
        # A fixed port may be taken on the machine that runs the tests.
        lines = lines.replace("8000", str(self.port)).replace("\\\n", "")
        commands = [line.removeprefix("$ ") for line in lines.strip().splitlines()]
        return "\n".join([*commands[:-1], last + commands[-1]])

    def answers(self) -> bool:
        """Whether somebody listens on the port."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs_as_its_page_says(example: Path, tmp_path: Path) -> None:
    """All commands end well, and the last one shows the logs of the session."""
    folder = _Folder(example, tmp_path / example.name)
    blocks = [
        (m["mark"] or "", m["lines"]) for m in _BLOCK.finditer((example / "README.md").read_text())
    ]
    run = [lines for mark, lines in blocks if not mark]
    served = [lines for mark, lines in blocks if mark == "serve"]
    assert all(mark.startswith("none, ") for mark, _ in blocks if mark not in {"", "serve"})
    with contextlib.ExitStack() as stack:
        for lines in served:
            log = stack.enter_context(folder.serve(lines))
            _until(lambda log=log: folder.answers() or "ready." in log.read_text(), log)
        printed = "".join(map(folder.type, run[:-1]))
        lookup = run[-1].strip().splitlines()[-1]
        before = "\n".join(run[-1].strip().splitlines()[:-1])
        export = [line for line in before.splitlines() if line.startswith("$ export")]
        printed += folder.type(before)
        # A record takes a moment to the store.
        shown = ""
        until = time.monotonic() + MOST_SECONDS
        while not all(word in shown for word in _SHOWN[example.name]):
            assert time.monotonic() < until, f"{printed}\n{shown}"
            time.sleep(0.2)
            with contextlib.suppress(AssertionError):
                shown = folder.type("\n".join([*export, lookup]))
    assert _SESSION in shown


def test_the_list_of_examples_is_complete() -> None:
    """Each stands in the list, and has what it is expected to show."""
    listed = (ROOT / "examples" / "README.md").read_text()
    assert [example.name for example in EXAMPLES] == sorted(_SHOWN)
    assert all(f"({example.name}/README.md)" in listed for example in EXAMPLES)


def _until(done: object, log: Path) -> None:
    until = time.monotonic() + MOST_SECONDS
    while not done():  # pyright: ignore[reportCallIssue]
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)
