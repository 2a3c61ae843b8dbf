"""What to type to call this command again, from where the person is and for the same store. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .output import PROGRAM

_PASSWORD: Final = re.compile(r"(https?://)([^/,\s]*@)", re.IGNORECASE)
PLACEHOLDER: Final = "PASSWORD"
"""Stands in a command for what the person knows and nobody else should read."""


def typed_program(argv0: str, *, found: str | None, python: str, directory: Path) -> str:
    """The program as a person would type it.

    Args:
        argv0: By what it was called.
        found: Where the bare name is found on the person's path, or None.
        python: The interpreter.
        directory: Where the person is.
    """
    called = Path(argv0)
    if called.suffix == ".py":
        # Called with python -m, where argv[0] is the module's file.
        return f"{_shown(Path(python), directory)} -m {__package__}.main"
    called = called.absolute()
    if found is not None and Path(found).absolute() == called:
        return PROGRAM
    return _shown(called, directory)


def typed_call(
    program: str, words: list[str], *, store: str, options: Mapping[str, str | None]
) -> str:
    """A whole command line for a shell.

    Args:
        program: As :func:`typed_program` gives it.
        words: Subcommand and its own arguments.
        store: The store's URL as it was given. With credentials in it, it goes into a variable, where
            other users of the machine do not see it, and a placeholder stands for the password.
        options: Further options by name; None for those not given, and for what is no secret only.
    """
    before = ""
    more = [word for name, value in options.items() if value is not None for word in (name, value)]
    if _PASSWORD.search(store):
        shown = _PASSWORD.sub(_without_password, store)
        before = f"OPENREPLAY_OTEL_STORE={shlex.quote(shown)} "
    else:
        more = ["--store", store, *more]
    return f"{before}{program} {shlex.join([*words, *more])}"


def _without_password(match: re.Match[str]) -> str:
    user, colon, _ = match[2].partition(":")
    return f"{match[1]}{user if colon else 'USER'}:{PLACEHOLDER}@"


def _shown(path: Path, directory: Path) -> str:
    path = path.absolute()
    if path.is_relative_to(directory):
        relative = path.relative_to(directory)
        # A bare file name would be looked for on the path.
        path_text = str(relative) if len(relative.parts) > 1 else f"./{relative}"
    else:
        path_text = str(path)
    return shlex.quote(path_text)
