"""``openreplay-otel demo``: real requests over sockets, and what a person and a program get to see."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel import Session
from tests.unit.cli_harness import COMMAND, SECONDS, Done, call, call_on_terminal, environment
from tests.unit.contract import base36

if TYPE_CHECKING:
    from pathlib import Path

LOGGERS = {"shop", "shop.catalog", "shop.cart", "shop.checkout", "shop.payments"}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's state folder, empty before the demo."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def done(state: Path) -> Done:
    """One run for a program."""
    return call("demo", "--json", state=state)


@pytest.fixture(scope="module")
def shown(done: Done) -> dict[str, Any]:
    """What that run printed."""
    return json.loads(done.out)


def typed(command: str, state: Path, **variables: str) -> Done:
    """Paste a command line into a shell."""
    ran = subprocess.run(
        ["/bin/sh", "-c", command],
        env=environment(state, **variables),
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    return Done(ran.returncode, ran.stdout, ran.stderr)


def test_it_prints_one_document_and_nothing_else(done: Done, shown: dict[str, Any]) -> None:
    """Store, sessions, timeline and what to type next."""
    assert done.code == 0
    assert done.err == ""
    assert done.out.count("\n") == 1
    assert list(shown) == ["store", "sessions", "timeline", "next"]


def test_sessions_come_by_every_header_and_are_told_apart(shown: dict[str, Any]) -> None:
    """Four visitors were recorded: two sent a token, two an id. Each has its own records."""
    sessions = shown["sessions"]

    assert len({one["session_id"] for one in sessions}) == 4
    assert sorted(one["errors"] for one in sessions) == [0, 0, 1, 1]
    assert all(one["records"] >= 3 for one in sessions)
    assert all(one["services"] == ["demo-shop"] for one in sessions)


def test_sessions_began_a_while_ago(shown: dict[str, Any]) -> None:
    """Their ids are made from the present, so that the places in the recordings are plausible."""
    now = time.time()
    for one in shown["sessions"]:
        assert 5 < now - Session(one["session_id"]).started_at.timestamp() < 600


def test_the_timeline_is_that_of_the_failed_checkout(shown: dict[str, Any]) -> None:
    """In time order, of several loggers and levels, each with its place in the recording."""
    timeline = shown["timeline"]
    documents = [row["document"] for row in timeline]
    offsets = [row["offset_ms"] for row in timeline]

    assert offsets == sorted(offsets)
    assert offsets[0] > 90_000
    assert {document["level"] for document in documents} == {"debug", "info", "warning", "error"}
    assert {document["log.logger"] for document in documents} < LOGGERS
    assert all(re.fullmatch("[0-9a-f]{32}", document["trace.id"]) for document in documents)
    for row in timeline:
        session_id = row["document"]["openreplay.session.id"]
        assert row["replay_url"] == (
            f"https://openreplay.example.com/1/session/{session_id}?jumpto={row['offset_ms']}"
        )


def test_the_exception_is_there_with_what_led_to_it(shown: dict[str, Any]) -> None:
    """``logger.exception`` of a payment error that came from a refused connection."""
    failed = shown["timeline"][-1]["document"]

    assert failed["error.type"] == "PaymentError"
    assert "ConnectionRefusedError" in failed["error.stack_trace"]
    assert failed["tags"] == ["error"]


def test_requests_without_a_session_are_kept_too(shown: dict[str, Any], state: Path) -> None:
    """The visitor who is not recorded, and nobody's records are among the sessions'."""
    with sqlite3.connect(state / "openreplay-otel" / "demo.db") as connection:
        counts = dict(
            connection.execute(
                "SELECT session_id IS NULL, count(*) FROM logs GROUP BY 1"
            ).fetchall()
        )
    connection.close()

    assert counts[1] >= 3
    assert counts[0] == sum(one["records"] for one in shown["sessions"])


def test_no_token_is_anywhere(done: Done, shown: dict[str, Any], state: Path) -> None:
    """The demo's requests carried tokens: they begin with the id in base 36 and a full stop."""
    stored = b"".join(path.read_bytes() for path in (state / "openreplay-otel").iterdir())
    for one in shown["sessions"]:
        beginning = f"{base36(int(one['session_id']))}."
        assert beginning not in done.out + done.err
        assert beginning.encode() not in stored


def test_what_to_type_next_works_when_pasted(shown: dict[str, Any], state: Path) -> None:
    """The session's logs, and the sessions with errors, in any folder."""
    logs, sessions = shown["next"]
    records = len(shown["timeline"])

    shown_logs = typed(f"{logs} --json", state)
    assert shown_logs.code == 0
    assert shown_logs.out.count("\n") == records
    shown_sessions = typed(sessions, state)
    assert shown_sessions.code == 0
    assert shown_sessions.out.count("\n") == 2


@pytest.mark.parametrize(
    "program",
    [[COMMAND], [os.path.relpath(COMMAND)], [sys.executable, "-m", "openreplay_otel.cli.main"]],
    ids=["absolute", "relative", "module"],
)
def test_it_is_called_again_as_it_was_called(program: list[str], tmp_path: Path) -> None:
    """Where the command is not on the path its bare name would be wrong."""
    store = f"sqlite:///{tmp_path / 'my demo 100%25.db'}"
    run = shlex.join([*program, "demo", "--store", store, "--json"])
    path = os.pathsep.join(
        part for part in os.environ["PATH"].split(os.pathsep)
        if not os.path.exists(os.path.join(part, "openreplay-otel"))  # noqa: PTH110, PTH118
    )  # fmt: skip

    shown = json.loads(typed(run, tmp_path, PATH=path).out)

    assert typed(shown["next"][0], tmp_path, PATH=path).code == 0
    assert (tmp_path / "my demo 100%.db").exists()


def test_on_the_path_its_bare_name_is_typed(tmp_path: Path) -> None:
    """As after ``pip install`` into an active environment."""
    path = f"{os.path.dirname(COMMAND)}{os.pathsep}{os.environ['PATH']}"  # noqa: PTH120

    shown = json.loads(typed("openreplay-otel demo --json", tmp_path, PATH=path).out)

    assert shown["next"][0].startswith("openreplay-otel logs ")


@pytest.mark.parametrize("columns", [80, 140])
def test_a_person_sees_sessions_timeline_and_next_steps(columns: int, tmp_path: Path) -> None:
    """All lines fit but addresses and commands, which are to be copied whole."""
    screen = call_on_terminal("demo", state=tmp_path, columns=columns)
    text = "\n".join(screen.lines)

    assert screen.code == 0
    parts = [
        *(
            "Sessions with errors",
            "The logs of one of them",
            "Checkout of order",
            "PaymentError: the",
        ),
        *("caused by ConnectionRefusedError", "?jumpto=", "The data lies in sqlite:///"),
        *("What to type next", "sessions --errors --store"),
    ]
    assert sorted(parts, key=text.index) == parts
    long = [line for line in screen.lines if len(line) > columns]
    assert [line for line in long if not re.search("https?://|sqlite:", line)] == []


def test_a_dashboard_of_ones_own_is_linked_to(tmp_path: Path) -> None:
    """By options or by variables; the commands to type carry the options on."""
    by_option = call(
        "demo", "--json", "--app-url", "https://replay.example.org", "--project-id", "7",
        state=tmp_path,
    )  # fmt: skip
    by_variable = call(
        "demo", "--json", state=tmp_path,
        OPENREPLAY_OTEL_APP_URL="https://replay.example.org", OPENREPLAY_OTEL_PROJECT_ID="7",
    )  # fmt: skip

    for done in (by_option, by_variable):
        link = json.loads(done.out)["sessions"][0]["replay_url"]
        assert link.startswith("https://replay.example.org/7/session/")
    assert "--app-url" in json.loads(by_option.out)["next"][1]
    assert "--app-url" not in json.loads(by_variable.out)["next"][1]


def test_the_store_of_the_environment_is_left_alone(tmp_path: Path) -> None:
    """Nobody wants made-up sessions among the real ones."""
    real = tmp_path / "real.db"

    done = call("demo", state=tmp_path, OPENREPLAY_OTEL_STORE=f"sqlite:///{real}")

    assert done.code == 0
    assert not real.exists()


def test_a_store_that_refuses_connections_is_told_at_once(tmp_path: Path) -> None:
    """Before the shop opens; the password is not repeated."""
    done = call("demo", "--store", "http://elastic:s3cret@127.0.0.1:9", state=tmp_path)

    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "cannot be reached" in done.err
    assert "s3cret" not in done.err
    assert done.out == ""


def test_a_store_that_does_not_answer_is_given_up_after_seconds(tmp_path: Path) -> None:
    """It takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        done = call(
            "demo", "--store", f"http://127.0.0.1:{silent.getsockname()[1]}", state=tmp_path
        )

    assert done.code == 1
    assert "did not answer in time" in done.err
    assert time.monotonic() - began < 15


def test_records_that_do_not_arrive_are_a_failure(tmp_path: Path) -> None:
    """An SDK that is switched off makes none: that is said instead of an empty table."""
    done = call("demo", state=tmp_path, OTEL_SDK_DISABLED="true")

    assert done.code == 1
    assert "OTEL_SDK_DISABLED" in done.err
