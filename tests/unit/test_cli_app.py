"""The command as a whole: help, wrong use, and what it never says."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import __version__

from .cli_harness import TOKEN, Done, call, environment, fill_shop, store_url
from .contract import EXAMPLE_ID

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = (
    "api-key", "demo", "doctor", "logs", "openreplay-form", "prune", "run", "serve", "sessions", "setup",
    "ship", "spool", "teardown",
)  # fmt: skip
NOWHERE = "http://user:s3cret@127.0.0.1:9"
STORE_ERROR = "no store at sqlite"


def test_help_lists_every_command_with_a_line(tmp_path: Path) -> None:
    """Also where nothing is typed, since that is what a newcomer types."""
    asked, nothing = call("--help", state=tmp_path), call(state=tmp_path)

    assert asked == nothing
    assert asked.code == 0
    listed = asked.out.partition("Commands:")[2].split("\n")
    assert [line.split()[0] for line in listed if line.strip()] == list(COMMANDS)
    assert all(line.rstrip().endswith(".") and "..." not in line for line in listed if line.strip())


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(command: str, tmp_path: Path) -> None:
    """And the example is one of this command."""
    done = call(command, "--help", state=tmp_path)

    assert done.code == 0
    examples = done.out.partition("Examples:")[2].partition("Options:")[0]
    assert f"openreplay-otel {command}" in examples
    assert done.err == ""


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    """Neither rich nor OpenTelemetry nor a command: it answers at once."""
    code = (
        "import sys; from openreplay_otel.cli.app import run; run(['--help']);"
        "print(*[m for m in sys.modules if m.startswith(('rich', 'opentelemetry', 'elastic',"
        " 'openreplay_otel.lookup.session_logs', 'openreplay_otel.cli.commands.logs'))], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )

    assert done.stderr.strip() == ""


def test_version(tmp_path: Path) -> None:
    """Name and number on stdout."""
    assert call("--version", state=tmp_path) == Done(0, f"openreplay-otel {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lgos"], "No such command 'lgos'. Did you mean 'logs'? see openreplay-otel --help"),
        (["session"], "Did you mean 'sessions'?"),
        (["zzz"], "No such command 'zzz'; see openreplay-otel --help"),
        (["--verbose"], "--verbose"),
        (["logs"], "Missing argument 'SESSION…'"),
        (["logs", "abc"], "expected a decimal session id"),
        (["logs", "18446744073709551616"], "expected a decimal session id"),
        (["sessions", "8"], "unexpected extra argument"),
        (["logs", "7", "--limit", "0"], "--limit"),
        (["logs", "7", "--limit", "many"], "--limit"),
        (["logs", "7", "--follow", "--limit", "1"], "--follow"),
        (["logs", "7", "--level", "loud"], "--level: expected one of debug, info, warning, error"),
        (["sessions", "--level", "5"], "--level: expected one of debug, info, warning, error"),
        (["logs", "7", "--trace", "12ab"], "--trace: expected 32 hexadecimal digits, got '12ab'"),
        (["logs", "7", "--since", "then"], "--since: expected a time"),
        (["logs", "7", "--until", "2024-13-01"], "--until: expected a time"),
        (["logs", "7", "--store", "mysql://x"], "--store (OPENREPLAY_OTEL_STORE): expected"),
        (["logs", "7", "--store", "http://es"], "names no port"),
        (["logs", "7", "--app-url", "here"], "--app-url (OPENREPLAY_OTEL_APP_URL): expected"),
        (["sessions", "--since", "+90s"], "--since: expected a time"),
        (["sessions", "--project-id", "x"], "--project-id (OPENREPLAY_OTEL_PROJECT_ID): expected"),
        (["setup", "--index", "logs"], "--index (OPENREPLAY_OTEL_INDEX): expected"),
        (["api-key", "revoke", "x", "--yess"], "No such option: --yess"),
        (
            ["demo", "--ca-certs", "/nowhere", "--store", "https://es:9200"],
            "expected the path of a PEM file",
        ),
    ],
)
def test_wrong_use_is_told_in_a_sentence_with_exit_code_2(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    """On stderr, in one line without a traceback; stdout stays empty."""
    done = call(*arguments, state=tmp_path)

    assert done.code == 2
    assert said in done.err
    assert done.err.startswith("openreplay-otel: ")
    assert done.err.count("\n") == 1
    assert done.out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["logs", "7", "--store", "sqlite:////nowhere/x.db"],
            "no store at sqlite:////nowhere/x.db",
        ),
        (["sessions"], "nothing was logged to it yet"),
        (["sessions", "--store", NOWHERE], "cannot be reached"),
        (["setup", "--store", NOWHERE], "cannot be reached"),
        (["setup", "--store", "sqlite:////dev/null/x.db"], "cannot be opened"),
        # Ids of keys, two of which look like options.
        (
            ["api-key", "revoke", "-hXkKJYBa_bcdefghij1", "-y", "--store", NOWHERE],
            "cannot be reached",
        ),
        (
            ["api-key", "revoke", "x", "--kKJYBa_bcdefghij1-", "-y", "--store", NOWHERE],
            "cannot be reached",
        ),
    ],
)
def test_a_failure_is_told_in_a_sentence_with_exit_code_1(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    """Likewise; the password of a store's URL is not repeated."""
    done = call(*arguments, state=tmp_path)

    assert done.code == 1
    assert said in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert "s3cret" not in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["logs", TOKEN],
        ["logs", TOKEN, "--errors"],
        ["logs", TOKEN, "--json"],
        ["logs", TOKEN, "--level", "fatal"],
        ["logs", TOKEN, "--since", TOKEN],
        ["logs", TOKEN, f"--since={TOKEN}"],
        ["logs", TOKEN, "--level", TOKEN],
        ["logs", TOKEN, "--limit", TOKEN],
        ["logs", TOKEN, "--project-id", TOKEN],
        ["logs", TOKEN, "--app-url", TOKEN],
        ["logs", TOKEN, "--store", TOKEN],
        ["logs", TOKEN, "--text", TOKEN],
        ["logs", EXAMPLE_ID, TOKEN],
        ["logs", TOKEN[:-1] + "0"],
        ["logs", EXAMPLE_ID, TOKEN[:-1] + "0"],
        ["sessions", TOKEN],
        [TOKEN],
    ],
)
def test_a_token_is_in_no_output_wherever_it_was_typed(
    arguments: list[str], tmp_path: Path
) -> None:
    """A token is a credential: neither it nor its signed part is shown, rightly used or not."""
    url = store_url(tmp_path / "logs.db")
    fill_shop(url)

    done = call(*arguments, state=tmp_path, OPENREPLAY_OTEL_STORE=url)

    assert TOKEN[:20] not in done.out + done.err
    assert TOKEN.rpartition(".")[2][:8] not in done.out + done.err


def test_an_unknown_variable_is_warned_of_once(tmp_path: Path) -> None:
    """One of a newer version may stand in a file of many; the command works all the same."""
    url = store_url(tmp_path / "logs.db")
    fill_shop(url)

    done = call("sessions", "--store", url, state=tmp_path, OPENREPLAY_OTEL_STOER="y")

    assert done.code == 0
    assert done.err.count("OPENREPLAY_OTEL_STOER") == 1
    assert "did you mean OPENREPLAY_OTEL_STORE?" in done.err
    assert EXAMPLE_ID in done.out


def test_what_an_encoding_lacks_is_escaped(tmp_path: Path) -> None:
    """A pipe in ASCII does not make the command fail."""
    done = call("logs", "x", state=tmp_path, PYTHONIOENCODING="ascii")

    assert done.code == 2
    assert "\\u2026" in done.err
