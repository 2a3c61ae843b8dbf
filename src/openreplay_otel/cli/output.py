"""Where a command writes: what was asked for to stdout, notes for the person to stderr."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

PROGRAM: Final = "openreplay-otel"
_BATCH: Final = 100


class Output:
    """Standard output of one command.

    Attributes:
        width: Columns of the terminal; None where the output goes to a file or a program, which gets
            whole lines without colours.
    """

    def __init__(self) -> None:
        # Asked for before rich is imported, which takes longer than all else for a program's call.
        self._console = _terminal() if _may_be_terminal() else None
        self.width = None if self._console is None else self._console.width

    def lines(self, lines: Iterable[Text]) -> None:
        """Write lines; those for a terminal were made to fit already."""
        if self._console is None:
            sys.stdout.writelines(f"{line.plain}\n" for line in lines)
            return
        remaining = iter(lines)
        # Many lines at a time: a call for each would take longer than all else of a long session.
        while batch := list(islice(remaining, _BATCH)):
            self._console.print(*batch, sep="\n", soft_wrap=True)

    def json(self, value: object) -> None:
        """Write a value as one line of JSON."""
        from ..text.harmless import json_text

        sys.stdout.write(json_text(value) + "\n")

    def flush(self) -> None:
        """Let a reader at the other end of a pipe see what was written so far."""
        sys.stdout.flush()


def note(text: str) -> None:
    """Tell the person something on stderr.

    Args:
        text: One or several lines.
    """
    from ..text.harmless import harmless

    sys.stdout.flush()
    sys.stderr.write(harmless(text) + "\n")
    sys.stderr.flush()


class NoteHandler(logging.Handler):
    """Shows what this package logs about itself as notes, each text once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        text = record.getMessage()
        if text not in self._shown:
            self._shown.add(text)
            note(f"{PROGRAM}: {text}")


def make_writable() -> None:
    """Let every text be written, whatever the encoding: what it has no character for as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def drop_stdout() -> None:
    """Forget stdout once its reader has gone, so that the flush at exit finds no closed pipe."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def _may_be_terminal() -> bool:
    forced = any(os.environ.get(name) for name in ("FORCE_COLOR", "TTY_COMPATIBLE"))
    return forced or sys.stdout.isatty()


def _terminal() -> Console | None:
    from rich.console import Console

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            # rich would leave the process with a failure.
            raise BrokenPipeError

    console = _Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else None
