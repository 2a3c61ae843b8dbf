"""Runs the blocks of a page in order, in a folder of their own: what a reader gets who types them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from importlib import metadata
from typing import TYPE_CHECKING

from tests.docs.markdown import RUN, Block, PageError, blocks_of, commands_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_FOREIGN = ("OPENREPLAY_", "OTEL_", "XDG_", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
_PROGRAMS = ("openreplay-otel", "opentelemetry-instrument", "python")
_PROGRAM = re.compile(r"(?:[A-Z_]+=\S* )*(?P<name>\S+)")
_SECONDS = 100


def runnable_blocks(path: Path, *, needs_elasticsearch: bool) -> list[Block]:
    """The blocks of a page that are run, either those with or those without a real Elasticsearch."""
    return [
        block
        for block in blocks_of(path)
        if block.language in RUN
        and block.reason is None
        and ("elasticsearch" in block.marks) == needs_elasticsearch
    ]


class PageRun:
    """A folder in which blocks are run one after the other; it is the home of who types them.

    Args:
        folder: Empty.
        variables: What the reader has set beforehand.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        kept = {n: v for n, v in os.environ.items() if not n.startswith(_FOREIGN)}
        path = os.pathsep.join([sysconfig.get_path("scripts"), kept.get("PATH", os.defpath)])
        self._variables = {**kept, "HOME": str(folder), "PATH": path, **(variables or {})}

    def run(self, blocks: Iterable[Block]) -> str:
        """Run blocks.

        Returns:
            What they printed.

        Raises:
            PageError: One failed, cannot be run here, or printed something else than it shows.
        """
        printed: list[str] = []
        for block in _joined(blocks):
            if block.file is not None:
                (self._folder / block.file).write_text(block.code + "\n", encoding="utf-8")
            elif block.language == "python":
                script = self._folder / f"example_{block.line}.py"
                script.write_text(block.code + "\n", encoding="utf-8")
                printed.append(self._call([sys.executable, script.name], block, ""))
            else:
                printed += self._run_console(block)
        return "".join(printed)

    def _run_console(self, block: Block) -> Iterator[str]:
        for command in commands_of(block):
            words = shlex.split(command.text)
            if words[0] == "export":
                for word in words[1:]:
                    name, _, value = word.partition("=")
                    self._variables[name] = value
                continue
            program = _PROGRAM.match(command.text)
            if program is None or program["name"] not in _PROGRAMS:
                raise PageError(
                    f"{block.place}: {command.text!r} is not run here: say so by a mark"
                )
            if program["name"] == "opentelemetry-instrument":
                self._stand_in_for_distro()
            printed = self._call(["sh", "-c", command.text], block, command.text)
            if "exact" in block.marks and _lines(printed) != _lines(command.output):
                raise PageError(
                    f"{block.place}: {command.text!r} printed\n{printed}\nand not\n{command.output}"
                )
            yield printed

    def _call(self, command: list[str], block: Block, shown: str) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise PageError(f"{block.place}: {shown} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def _stand_in_for_distro(self) -> None:
        """Register the SDK's configurator as `opentelemetry-distro` does, where that is not installed."""
        try:
            metadata.distribution("opentelemetry-distro")
        except metadata.PackageNotFoundError:
            folder = self._folder / "distro" / "stand_in-1.dist-info"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: stand-in\nVersion: 1\n")
            (folder / "entry_points.txt").write_text(
                "[opentelemetry_configurator]\n"
                "configurator = opentelemetry.sdk._configuration:_OTelSDKConfigurator\n"
            )
            self._variables["PYTHONPATH"] = str(folder.parent)


def _joined(blocks: Iterable[Block]) -> list[Block]:
    """The blocks, those that continue one put behind it."""
    joined: list[Block] = []
    for block in blocks:
        if "continue" not in block.marks:
            joined.append(block)
            continue
        if not joined or joined[-1].language != "python":
            raise PageError(f"{block.place}: there is no block to continue")
        first = joined[-1]
        # Blank lines between them keep the numbers of a traceback's lines right.
        gap = "\n" * (block.line - first.line - first.code.count("\n"))
        joined[-1] = Block(
            first.page, first.line, first.language, first.code + gap + block.code,
            first.marks, first.file, None,
        )  # fmt: skip
    return joined


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
