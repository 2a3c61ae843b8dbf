"""What the demo tells a person to type next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from openreplay_otel.cli.typed_command import typed_call, typed_program

HOME = Path("/home/ada/shop")
PYTHON = "/home/ada/shop/.venv/bin/python"


@pytest.mark.parametrize(
    ("argv0", "found", "typed"),
    [
        ("/usr/bin/openreplay-otel", "/usr/bin/openreplay-otel", "openreplay-otel"),
        ("/usr/bin/openreplay-otel", None, "/usr/bin/openreplay-otel"),
        ("/home/ada/shop/.venv/bin/openreplay-otel", None, ".venv/bin/openreplay-otel"),
        (
            "/home/ada/shop/.venv/bin/openreplay-otel",
            "/usr/bin/openreplay-otel",
            ".venv/bin/openreplay-otel",
        ),
        ("/home/ada/shop/openreplay-otel", None, "./openreplay-otel"),
        ("/home/ada/my tools/openreplay-otel", None, "'/home/ada/my tools/openreplay-otel'"),
        (
            "/home/ada/shop/.venv/lib/openreplay_otel/cli/main.py",
            None,
            ".venv/bin/python -m openreplay_otel.cli.main",
        ),
    ],
)
def test_the_program_is_named_so_that_a_shell_finds_it(
    argv0: str, found: str | None, typed: str
) -> None:
    """By its bare name only where that very program is on the path."""
    assert typed == typed_program(argv0, found=found, python=PYTHON, directory=HOME)


def test_store_and_options_are_carried_on() -> None:
    """Only those that were given, quoted for a shell."""
    options = {"--index": "my-logs", "--ca-certs": "my ca.pem", "--app-url": None}
    line = typed_call("openreplay-otel", ["logs", "7"], store="sqlite:////a b.db", options=options)

    assert shlex.split(line) == [
        *("openreplay-otel", "logs", "7", "--store", "sqlite:////a b.db"),
        *("--index", "my-logs", "--ca-certs", "my ca.pem"),
    ]


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("http://elastic:s3cret@es:9200", "http://elastic:PASSWORD@es:9200"),
        ("HTTPS://elastic:s3cret@es:9200", "HTTPS://elastic:PASSWORD@es:9200"),
        ("https://s3cret@es:9200", "https://USER:PASSWORD@es:9200"),
        (
            "http://u:s3cret@a:1,http://u:s3cret@b:2",
            "http://u:PASSWORD@a:1,http://u:PASSWORD@b:2",
        ),
        ("http://u:s3cret%40x@es:9200", "http://u:PASSWORD@es:9200"),
        ("http://u:s3cret@x@es:9200", "http://u:PASSWORD@es:9200"),
    ],
)
def test_a_password_is_not_repeated(store: str, shown: str) -> None:
    """A placeholder stands for it, in a variable: arguments can be seen by others."""
    line = typed_call("openreplay-otel", ["sessions"], store=store, options={})

    assert f"OPENREPLAY_OTEL_STORE={shlex.quote(shown)} openreplay-otel sessions" == line
