"""Greenlet workers: what their program patches a moment later is patched before anything else is imported.

``celery worker -P gevent`` and ``gunicorn -k gevent`` replace the blocking parts of the standard library when
they start. ``opentelemetry-instrument`` has imported their libraries by then, which keep the originals: Celery
runs no job, and ``ssl`` breaks.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import shlex
import sys
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Kind = Literal["gevent", "eventlet"]

_logger = logging.getLogger(__name__)


class _Program(NamedTuple):
    """A program that can work in greenlets, and how it is told to.

    Attributes:
        short: The short option that chooses the workers.
        long: The long one.
        variable: An environment variable with further options; empty where there is none.
    """

    short: str
    long: str
    variable: str = ""


_PROGRAMS: Final = {
    "celery": _Program("-P", "--pool"),
    "gunicorn": _Program("-k", "--worker-class", "GUNICORN_CMD_ARGS"),
    "huey_consumer": _Program("-k", "--worker-type"),
}
_ALWAYS_GEVENT: Final = "dramatiq-gevent"
_PATCHES: Final[dict[Kind, tuple[str, str]]] = {
    "gevent": ("gevent.monkey", "patch_all"),
    "eventlet": ("eventlet", "monkey_patch"),
}
_PYTHON: Final = re.compile(r"(?:python|pypy)[0-9.]*\Z")
_TAKES_VALUE: Final = ("-W", "-X", "--check-hash-based-pycs")


def greenlets_of(command: Sequence[str], environ: Mapping[str, str]) -> Kind | None:
    """Which greenlets a command line works in.

    Args:
        command: The program and its arguments, with or without the interpreter before them.
        environ: The environment variables.

    Returns:
        None where it works in none, or where that is not told by the command line.
    """
    name, arguments = _program(command)
    if name == _ALWAYS_GEVENT:
        return "gevent"
    program = _PROGRAMS.get(name)
    # celery multi starts workers, and is none.
    if program is None or (name == "celery" and "multi" in arguments):
        return None
    further = environ.get(program.variable, "") if program.variable else ""
    chosen = _option(arguments, program) or _option(_words(further), program) or ""
    if "eventlet" in chosen:
        return "eventlet"
    return "gevent" if "gevent" in chosen or chosen == "greenlet" else None


def patch_for_greenlets() -> None:
    """Patch what this process's program is going to patch anyway; nothing for any other program."""
    kind = greenlets_of(sys.orig_argv, os.environ)
    if kind is None:
        return
    module, function = _PATCHES[kind]
    try:
        getattr(importlib.import_module(module), function)()
    except ImportError:
        _logger.debug("%s is not installed; the program says so itself", kind)


def _program(command: Sequence[str]) -> tuple[str, list[str]]:
    """Name and arguments of the program proper, without an interpreter before it."""
    words = list(command)
    name = _name(words.pop(0)) if words else ""
    if not _PYTHON.match(name):
        return name, words
    while words:
        word = words.pop(0)
        if word == "-m" and words:
            return words[0].partition(".")[0], words[1:]
        if word.startswith("-m") and not word.startswith("--"):
            return word[2:].partition(".")[0], words
        if word in _TAKES_VALUE and words:
            words.pop(0)
        elif word.startswith("-c"):
            return "", []
        elif not word.startswith("-"):
            return _name(word), words
    return "", []


def _name(path: str) -> str:
    return re.sub(r"\.(?:py|exe)\Z", "", path.replace("\\", "/").rpartition("/")[2])


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is not closed: the program says so itself
        return []


def _option(arguments: Sequence[str], program: _Program) -> str | None:
    """The value of an option in any spelling; the last one counts."""
    found = None
    words = iter(arguments)
    for word in words:
        long, equals, value = word.partition("=")
        if long == program.long:
            found = value if equals else next(words, None)
        elif word.startswith(program.short) and not word.startswith("--"):
            found = word[len(program.short) :] or next(words, None)
    return found
