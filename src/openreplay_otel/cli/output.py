"""The one door to the terminal: what was asked for to stdout, notes for the person to stderr.

No other file of the command writes anywhere (``tests/unit/test_cli_door.py``). Whatever comes through here
can hold what a stranger logged, named or answered; none of it acts on a terminal or in a spreadsheet.
"""

from __future__ import annotations

import contextlib
import csv
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Generator, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ..errors import SettingsError
from ..text.harmless import harmless, json_text, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn
    from rich.text import Text

PROGRAM: Final = "openreplay-otel"
_BATCH: Final = 100
_MOST_SHOWN: Final = 1000


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
            sys.stdout.writelines(f"{harmless(line.plain)}\n" for line in lines)
            return
        remaining = map(_harmless_line, lines)
        # Many lines at a time: a call for each would take longer than all else of a long session.
        while batch := list(islice(remaining, _BATCH)):
            self._console.print(*batch, sep="\n", soft_wrap=True)

    def json(self, value: object) -> None:
        """Write a value as one line of JSON."""
        sys.stdout.write(json_text(value) + "\n")

    def csv(self, cells: Iterable[Any]) -> None:
        """Write a row for a spreadsheet; None is an empty cell, and no text is a formula."""
        from ..text.spreadsheet import text_cell

        # Python's own line end, which every reader of CSV knows, also on a terminal.
        csv.writer(sys.stdout, lineterminator="\n").writerow(
            text_cell(cell) if isinstance(cell, str) else cell for cell in cells
        )

    def flush(self) -> None:
        """Let a reader at the other end of a pipe see what was written so far."""
        flush()


def say(*lines: str) -> None:
    """Write lines to stdout, each of them as one: a line end in a name makes no second one."""
    sys.stdout.writelines(f"{one_line(line)}\n" for line in lines)


def note(*lines: str) -> None:
    """Tell the person something on stderr.

    Args:
        *lines: Each of them is shown as one.
    """
    sys.stdout.flush()
    sys.stderr.writelines(f"{one_line(line)}\n" for line in lines)
    sys.stderr.flush()


def flush() -> None:
    """Let the other ends of stdout and stderr see what was written so far."""
    sys.stdout.flush()
    sys.stderr.flush()


def agrees(question: str) -> bool:
    """Ask the person on stderr; whatever is no yes is a no.

    Raises:
        SettingsError: There is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise SettingsError("yes: there is no terminal to ask on: give --yes to agree beforehand")
    sys.stdout.flush()
    sys.stderr.write(f"{one_line(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


@contextlib.contextmanager
def progress_bar(*columns: ProgressColumn | str) -> Generator[Progress | None]:
    """A bar on stderr, gone at the end; None where that is no terminal.

    Args:
        *columns: Of rich, with texts of this package only.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar


class NoteHandler(logging.Handler):
    """Shows log records as notes, each text once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        text = self.format(record)
        if len(self._shown) >= _MOST_SHOWN:
            self._shown.clear()
        if text not in self._shown:
            self._shown.add(text)
            note(*f"{PROGRAM}: {text}".split("\n"))


def tell_the_rest() -> None:
    """Let what Python itself writes to stderr come through this door too: for a process that is ours.

    That are exceptions that nobody expected, warnings, and what other packages log.
    """

    def tell(error: BaseException | None) -> None:
        note(*"".join(traceback.format_exception(error)).rstrip("\n").split("\n"))

    def warn(message: Warning | str, category: type[Warning], *where: Any) -> None:
        note(*warnings.formatwarning(message, category, *where[:2]).rstrip("\n").split("\n"))

    sys.excepthook = lambda _kind, error, _trace: tell(error)
    threading.excepthook = lambda arguments: tell(arguments.exc_value)
    warnings.showwarning = warn
    logging.lastResort = NoteHandler()


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


def _harmless_line(line: Text) -> Text:
    plain = harmless(line.plain)
    if plain == line.plain:
        return line
    from rich.text import Text

    # Whoever made it should have made it harmless before it was fitted: colours are not worth more care.
    return Text(plain, style=line.style)


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
