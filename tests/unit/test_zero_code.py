"""opentelemetry-instrument and environment variables, nothing else; and `openreplay-otel run`."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .hooked import SESSION, TAG
from .processes import MOST_SECONDS

BIN = Path(sys.executable).parent
APP = """
import logging
import openreplay_otel
log = logging.getLogger("shop.orders")
with openreplay_otel.use_session("2618307011354435587"):
    log.warning("order %d", 7)
"""
OURS = {"OTEL_PYTHON_DISTRO": "openreplay", "OTEL_PYTHON_CONFIGURATOR": "openreplay"}


class Ran:
    """A run of a program: its output, and the messages in the store."""

    def __init__(self, folder: Path, command: list[str], environ: dict[str, str]) -> None:
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OPENREPLAY_OTEL_", "OTEL_", "PYTEST_"))
        }
        file = folder / "logs.db"
        base = {"OPENREPLAY_OTEL_STORE": f"sqlite:///{file}", "XDG_STATE_HOME": str(folder)}
        (folder / "app.py").write_text(APP)
        self.done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            env=clean | base | environ, cwd=folder, capture_output=True, text=True,
            timeout=MOST_SECONDS, check=False,
        )  # fmt: skip
        self.err = self.done.stderr
        for found in (file, folder / "openreplay-otel" / "logs.db"):
            if found.exists():
                file = found
        self.file = file

    @property
    def documents(self) -> list[dict[str, Any]]:
        """What is stored."""
        with sqlite3.connect(self.file) as database:
            found = [json.loads(text) for (text,) in database.execute("SELECT document FROM logs")]
        database.close()
        return found


def instrumented(folder: Path, **environ: str) -> Ran:
    """The app under opentelemetry-instrument."""
    return Ran(folder, ["opentelemetry-instrument", sys.executable, "app.py"], OURS | environ)


def test_variables_are_all_it_takes(tmp_path: Path) -> None:
    """The app's line is stored with the session, the logger's name and its place in the code."""
    (document,) = instrumented(tmp_path, OTEL_SERVICE_NAME="shop").documents
    assert f"{TAG}order 7" == document["message"]
    assert ("shop", "shop.orders") == (document["service.name"], document["log.logger"])
    assert document["log.origin.file.name"].endswith("app.py")


@pytest.mark.parametrize("store", ["sqlite:///logs.db", "http://127.0.0.1:9"])
def test_an_app_pays_only_for_what_it_uses(store: str, tmp_path: Path) -> None:
    """A start under opentelemetry-instrument loads neither the OTLP exporter nor Elastic's client."""
    (tmp_path / "loaded.py").write_text(f"{APP}import sys\nprint(*sys.modules)")
    command = ["opentelemetry-instrument", sys.executable, "loaded.py"]
    loaded = Ran(tmp_path, command, OURS | {"OPENREPLAY_OTEL_STORE": store}).done.stdout.split()
    assert {"openreplay_otel.auto", "opentelemetry.sdk._logs"} <= set(loaded)
    unused = {"opentelemetry.exporter", "grpc", "google.protobuf", "requests", "elasticsearch"}
    assert unused & set(loaded) == set()


def test_where_no_store_is_named_it_says_where_records_go(tmp_path: Path) -> None:
    """One line, with the address and the variable."""
    ran = instrumented(tmp_path, OPENREPLAY_OTEL_STORE="")
    place = f"sqlite:///{tmp_path}/openreplay-otel/logs.db"
    line = f"no store is named: records go to {place}; OPENREPLAY_OTEL_STORE names another one"
    assert 1 == ran.err.count(line)
    assert 1 == len(ran.documents)


def test_wrong_variables_are_told_of_once_and_the_app_runs(tmp_path: Path) -> None:
    """Name, value, expectation and default; an unknown name with the nearest one."""
    ran = instrumented(
        tmp_path,
        OPENREPLAY_OTEL_PROJECT_ID="abc",
        OPENREPLAY_OTEL_HEADRS="x",
        OTEL_SERVICE_NAME="s",
    )
    assert 1 == ran.err.count(
        "OPENREPLAY_OTEL_PROJECT_ID: 'abc' cannot be used; expected the project's number, as in the"
        " dashboard's links; taking the default, none"
    )
    told = "OPENREPLAY_OTEL_HEADRS: no such variable; did you mean OPENREPLAY_OTEL_HEADERS?"
    assert 1 == ran.err.count(told)
    assert 1 == len(ran.documents)


def test_otlp_gets_stamped_records(tmp_path: Path) -> None:
    """Any other exporter, as named; a store that is named meanwhile and gets nothing is told of."""
    ran = instrumented(tmp_path, OTEL_LOGS_EXPORTER="console")
    assert f"{TAG}order 7" in ran.done.stdout
    assert not ran.file.exists()
    assert "OPENREPLAY_OTEL_STORE is set, but records do not go there" in ran.err


def test_two_exporters_get_both(tmp_path: Path) -> None:
    """OTEL_LOGS_EXPORTER=openreplay,console."""
    ran = instrumented(tmp_path, OTEL_LOGS_EXPORTER="openreplay,console")
    assert f"{TAG}order 7" in ran.done.stdout
    assert 1 == len(ran.documents)
    assert "do not go there" not in ran.err


def test_what_the_environment_says_stays(tmp_path: Path) -> None:
    """The distro sets only what is not set: other propagators stay, and ours is added behind them."""
    (tmp_path / "look.py").write_text(
        "import os\nfrom opentelemetry import propagate\n"
        "print(os.environ['OTEL_PROPAGATORS'], sorted(propagate.get_global_textmap().fields))"
    )
    command = ["opentelemetry-instrument", sys.executable, "look.py"]
    ran = Ran(tmp_path, command, OURS | {"OTEL_PROPAGATORS": "tracecontext"})
    assert "tracecontext ['openReplaySession.id', 'traceparent', 'tracestate']\n" == ran.done.stdout
    ran = Ran(tmp_path, command, OURS | {"OTEL_PROPAGATORS": "none"})
    assert ran.done.stdout.startswith("none []")


def test_the_settings_in_force_are_logged_without_secrets(tmp_path: Path) -> None:
    """One line at info; what may be a secret is not shown, whatever it is called."""
    (tmp_path / "sitecustomize_first.py").write_text("")
    (tmp_path / "look.py").write_text(
        "import io, logging, sys\n"
        "logging.basicConfig(level=logging.INFO, stream=sys.stdout)\n"
        "from openreplay_otel import OpenReplayInstrumentor\n"
        "OpenReplayInstrumentor().instrument()\n"
    )
    ran = Ran(
        tmp_path,
        ["python", "look.py"],
        {
            "OPENREPLAY_OTEL_STORE": "https://elastic:hunter2@es.example.com:9200",
            "OPENREPLAY_OTEL_API_KEY": "hunter3",
            "OPENREPLAY_OTEL_TOKEN_SECRET": "hunter4",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=hunter5",
            "OTEL_SERVICE_NAME": "shop",
        },
    )
    line = next(line for line in ran.done.stdout.splitlines() if "store=" in line)
    assert "hunter" not in ran.done.stdout + ran.err
    assert "store=https://es.example.com:9200," in line
    assert "api_key=(set, not shown)" in line
    assert "tags=openReplaySession.id," in line
    assert "OTEL_SERVICE_NAME=shop" in line
    assert "OTEL_EXPORTER_OTLP_HEADERS=(set, not shown)" in line


def test_a_disabled_sdk_is_left_alone(tmp_path: Path) -> None:
    """OTEL_SDK_DISABLED=true: nothing is stored, nothing is hooked."""
    ran = instrumented(tmp_path, OTEL_SDK_DISABLED="true")
    assert 0 == ran.done.returncode
    assert not ran.file.exists() or [] == ran.documents


def test_run_needs_no_opentelemetry(tmp_path: Path) -> None:
    """The program, its arguments and its exit code are its own; the service has its name."""
    (tmp_path / "own.py").write_text(APP + "import sys\nprint(sys.argv[1:])\nsys.exit(3)")
    command = [
        "openreplay-otel",
        "run",
        "--service",
        "shop",
        "--",
        sys.executable,
        "own.py",
        "--help",
        "x",
    ]
    ran = Ran(tmp_path, command, {})
    assert 3 == ran.done.returncode, ran.err
    assert "['--help', 'x']\n" == ran.done.stdout
    assert [("shop", f"{TAG}order 7")] == [
        (document["service.name"], document["message"]) for document in ran.documents
    ]


@pytest.mark.parametrize("dashes", [["--"], []], ids=["behind --", "without"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--log", "debug", "--log=debug", "--logs_exporter", "none"],
        ["--help"],
        ["--version"],
        ["-h", "--traces_exporter", "otlp", "--service", "x", "--store", "y"],
        ["", " a  b ", "", "--", "--help", "-", "--=", "*", "$HOME", "ä\n"],
    ],
)
def test_run_hands_every_argument_on(
    arguments: list[str], dashes: list[str], tmp_path: Path
) -> None:
    """Whatever it looks like: neither this command nor opentelemetry-instrument takes an option of the program."""
    (tmp_path / "shows.py").write_text("import json, sys\nprint(json.dumps(sys.argv[1:]))")
    ran = Ran(
        tmp_path, ["openreplay-otel", "run", *dashes, sys.executable, "shows.py", *arguments], {}
    )
    assert arguments == json.loads(ran.done.stdout), ran.err


def test_run_finds_the_programs_of_its_own_environment(tmp_path: Path) -> None:
    """``python`` is the one that has the package, though the environment was not activated."""
    ran = Ran(
        tmp_path, ["openreplay-otel", "run", "--", "python", "app.py"], {"PATH": "/usr/bin:/bin"}
    )
    assert 0 == ran.done.returncode, ran.err
    assert [f"{TAG}order 7"] == [document["message"] for document in ran.documents]


def test_run_takes_the_store_and_the_dashboard(tmp_path: Path) -> None:
    """As options, in place of the variables."""
    command = [
        "openreplay-otel", "run", "--store", f"sqlite:///{tmp_path}/logs.db", "--app-url",
        "https://o.example.com", "--project-id", "5", "--", sys.executable, "app.py",
    ]  # fmt: skip
    (document,) = Ran(tmp_path, command, {"OPENREPLAY_OTEL_STORE": ""}).documents
    assert document["openreplay.session.url"].startswith(
        f"https://o.example.com/5/session/{SESSION}"
    )


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--", "no-such-program"], 2, "there is no program no-such-program"),
        ([], 2, "Missing argument"),
        (["--store", "foo", "--", "true"], 2, "store"),
    ],
)
def test_run_says_what_is_wrong(
    arguments: list[str], status: int, says: str, tmp_path: Path
) -> None:
    """One sentence and an exit code."""
    ran = Ran(tmp_path, ["openreplay-otel", "run", *arguments], {})
    assert (status, True) == (ran.done.returncode, says in ran.err), ran.err
