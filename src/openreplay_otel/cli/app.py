"""The command line: finds the command, and turns every error into one sentence and an exit code.

Exit codes: 0 done, 1 failed, 2 wrong use; ``main.py`` has 130 for Ctrl-C.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, Final, NamedTuple, Protocol, runtime_checkable

import typer
import typer.core
import typer.main

from ..errors import InvalidSessionError, OpenReplayError, SettingsError
from ..session import SessionToken
from ..version import __version__
from .output import PROGRAM, NoteHandler, drop_stdout, flush, make_writable, note, say

_DONE: Final = 0
_FAILED: Final = 1
_WRONG_USE: Final = 2
_LONGEST_SHOWN: Final = 16
"""Arguments longer than this are not repeated in an error: a token in the wrong place is longer."""


class _Command(NamedTuple):
    """A row of the list of commands: the module, in which a function has the same name."""

    module: str
    summary: str


COMMANDS: Final = {
    "api-key": _Command("api_key", "Make, list or revoke API keys in Elasticsearch."),
    "demo": _Command("demo", "See it work: a small shop, and a checkout that fails."),
    "doctor": _Command("doctor", "Check the whole way, and say what mends it."),
    "logs": _Command("logs", "Show the backend logs of sessions."),
    "openreplay-form": _Command("openreplay_form", "Show what to enter in OpenReplay."),
    "prune": _Command("prune", "Delete logs that are older than a time."),
    "run": _Command("run", "Run a program with its logs linked to sessions."),
    "serve": _Command("serve", "Show sessions and their logs as a page in the browser."),
    "sessions": _Command("sessions", "List the sessions that have logs."),
    "setup": _Command("setup", "Prepare a store: templates and alias."),
    "ship": _Command("ship", "Send log files that are there already to the store."),
    "spool": _Command("spool", "Show what waits for the store, and deliver it."),
    "teardown": _Command("teardown", "Take back what setup made in Elasticsearch."),
}
_HELP_OPTIONS: Final[dict[str, Any]] = {"help_option_names": ["-h", "--help"]}
_HELP: Final = """Backend logs and exceptions beside the OpenReplay recording of the user's session.

\b
Begin with:
  openreplay-otel demo
"""


class _LazyCommand(typer.core.TyperCommand):
    """A command of which only name and summary are known until it is called."""

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        name = str(self.name)
        module_name = COMMANDS[name].module
        module = import_module(f".commands.{module_name}", __package__)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        settings = _HELP_OPTIONS | getattr(module, "CONTEXT_SETTINGS", {})
        single.command(name, help=module.HELP, context_settings=settings)(
            getattr(module, module_name)
        )
        command = typer.main.get_command(single)
        reordered = getattr(module, "reordered", list)
        return command.make_context(info_name, reordered(args), parent=parent, **extra)


class _CommandGroup(typer.core.TyperGroup):
    """Lists the commands without importing them: ``--help`` and typing errors answer at once."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.commands = {
            name: _LazyCommand(
                name=name, help=row.summary, callback=lambda: None, rich_markup_mode=None
            )
            for name, row in COMMANDS.items()
        }

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)


app = typer.Typer(
    cls=_CommandGroup,
    context_settings=_HELP_OPTIONS,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:  # noqa: FBT001 - as typer calls it
    if value:
        say(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback(help=_HELP)
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name; none of them shows the help.

    Returns:
        The exit code. Errors are told on stderr.
    """
    make_writable()
    logging.getLogger("openreplay_otel").addHandler(NoteHandler())
    try:
        # Not by calling the app: typer's own handling knows other exit codes, repeats what was typed,
        # a misplaced token too, and ends a closed pipe as a failure.
        command = typer.main.get_command(app)
        with command.make_context(PROGRAM, list(arguments) or ["--help"]) as context:
            command.invoke(context)
        flush()
    except typer.Exit as end:
        return end.exit_code
    except (InvalidSessionError, SettingsError) as error:
        note(f"{PROGRAM}: {_with_options(_without_tokens(str(error), arguments))}")
        return _WRONG_USE
    except OpenReplayError as error:
        note(f"{PROGRAM}: {error}")
        return _FAILED
    except BrokenPipeError:
        drop_stdout()
    except Exception as error:
        if not isinstance(error, _UsageError):
            raise
        note(f"{PROGRAM}: {_usage_sentence(error, arguments)}")
        return error.exit_code
    return _DONE


@runtime_checkable
class _UsageError(Protocol):
    """What typer raises for wrong use; the class lies in click or in typer, depending on its version."""

    exit_code: int

    def format_message(self) -> str: ...


def _usage_sentence(error: _UsageError, arguments: Sequence[str]) -> str:
    message = error.format_message().strip().rstrip(".")
    for argument in arguments:
        for part in (argument, argument.partition("=")[2]):
            if len(part) > _LONGEST_SHOWN and not part.startswith("-"):
                message = message.replace(part, "(not shown)")
    path = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
    return f"{message}{'' if message.endswith('?') else ';'} see {path} --help"


def _without_tokens(message: str, arguments: Sequence[str]) -> str:
    """A message that repeats what was typed, perhaps cut, without a token that was typed there."""
    for argument in arguments:
        for part in (argument, argument.partition("=")[2]):
            if SessionToken.parse_or_none(part) is not None:
                for end in range(len(part), _LONGEST_SHOWN, -1):
                    message = message.replace(part[:end], "(not shown)")
    return message


def _with_options(message: str) -> str:
    """The message of an error with the option and the variable in place of the argument's name."""
    from ..settings import table, variable

    match = re.match(r"([a-z_]+): ", message)
    if match is None:
        return message
    name = match[1]
    other = f" ({variable(name)})" if name in table() else ""
    return f"--{name.replace('_', '-')}{other}: {message[match.end() :]}"
