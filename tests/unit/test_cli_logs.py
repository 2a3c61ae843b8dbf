"""``openreplay-otel logs``, run as a person or a program runs it."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from openreplay_otel import SessionLogs
from openreplay_otel.spool.folder import SpoolFolder
from tests.emitting import App

from .cli_harness import (
    APP_URL,
    COMMAND,
    SECONDS,
    TOKEN,
    call,
    call_on_terminal,
    chained_exception,
    environment,
    export,
    fill_shop,
    store_url,
)
from .contract import EXAMPLE_ID, EXAMPLE_STARTED_MS, MINUTE_MS
from .spooled import append, spool_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGES = ["cart opened", "price from cache", "stock is low", "order failed"]
LINKS = ("--app-url", APP_URL, "--project-id", "7")
HEAD = f"Session {EXAMPLE_ID}  began 2024-01-24 02:27:39 UTC"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with the records of :func:`fill_shop`."""
    url = store_url(tmp_path_factory.mktemp("store") / "logs.db")
    fill_shop(url)
    return url


def messages(json_lines: str) -> list[str]:
    """What documents say, without their tag."""
    texts = [json.loads(line)["message"] for line in json_lines.splitlines()]
    return [text.partition("] ")[2] for text in texts]


@pytest.mark.parametrize(
    "session", [EXAMPLE_ID, TOKEN, f"https://replay.example.org/1/session/{EXAMPLE_ID}?jumpto=5"]
)
def test_a_session_is_named_by_id_token_or_link(session: str, shop: str, tmp_path: Path) -> None:
    """All three show the same: the session's records in time order and nobody else's."""
    done = call("logs", session, "--store", shop, "--json", state=tmp_path)

    assert done.code == 0
    assert done.err == ""
    assert messages(done.out) == MESSAGES


def test_a_pipe_gets_text_without_colours(shop: str, tmp_path: Path) -> None:
    """The session with its link, then a line a record; the exception below, with what led to it."""
    done = call("logs", EXAMPLE_ID, "--store", shop, *LINKS, state=tmp_path)
    lines = done.out.splitlines()

    assert done.code == 0
    assert "\x1b" not in done.out
    assert lines[:2] == [
        f"{HEAD}  {APP_URL}/7/session/{EXAMPLE_ID}",
        "2024-01-24T02:28:39.324Z  +01:00.000  info     shop     shop.checkout  cart opened",
    ]
    assert lines[4].endswith("error    shop     shop.checkout  order failed")
    assert lines[5] == "    RuntimeError: nothing was charged"
    assert lines[6].endswith(" in chained_exception")
    assert lines[7:] == [
        "      caused by ConnectionError: the bank hung up",
        f"    {APP_URL}/7/session/{EXAMPLE_ID}?jumpto=61500",
    ]


def test_traces_are_shown_in_full(shop: str, tmp_path: Path) -> None:
    """With the cause's own trace."""
    done = call("logs", EXAMPLE_ID, "--store", shop, "--traces", state=tmp_path)

    assert "    The above exception was the direct cause of the following exception:" in done.out
    assert done.out.count("    Traceback (most recent call last):") == 2


@pytest.mark.parametrize("columns", [80, 140])
def test_a_terminal_gets_a_table_in_colours(columns: int, shop: str, tmp_path: Path) -> None:
    """Each line but a link fits; a head names the columns, and the end counts the records."""
    screen = call_on_terminal(
        "logs", EXAMPLE_ID, "--store", shop, *LINKS, state=tmp_path, columns=columns
    )

    assert screen.code == 0
    assert "\x1b[1;31merror" in screen.raw
    assert screen.lines[0] == HEAD
    assert screen.lines[2].startswith("time (UTC)")
    assert screen.lines[-2] == "4 records, 1 error"
    assert all(len(line) <= columns for line in screen.lines if "https://" not in line)


def test_json_is_the_stored_document_and_its_id(shop: str, tmp_path: Path) -> None:
    """One object a line, all of what is stored."""
    done = call("logs", EXAMPLE_ID, "--store", shop, "--json", "--errors", state=tmp_path)
    with SessionLogs(shop) as lookup:
        entry = next(lookup.logs(EXAMPLE_ID, errors_only=True))

    assert json.loads(done.out) == {"_id": entry.document_id, **entry.document}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--errors"], MESSAGES[3:]),
        (["--level", "warning"], MESSAGES[2:]),
        (["--level", "INFO"], [MESSAGES[0], *MESSAGES[2:]]),
        (["--level", "WARN"], MESSAGES[2:]),
        (["--level", "critical"], MESSAGES[3:]),
        (["--service", "nobody"], []),
        (["--trace", "0" * 32], []),
        (["--since", "+61s"], MESSAGES[2:]),
        (["--since", "+01:01"], MESSAGES[2:]),
        (["--until", "+01:01"], MESSAGES[:2]),
        (["--since", "2024-01-24T02:28:40Z", "--until", "2024-01-24T02:28:40.5Z"], [MESSAGES[2]]),
        (["--since", "2024-01-24T07:58:40"], MESSAGES[2:]),
        (["--text", "order charged"], MESSAGES[3:]),
        (["--text", '"from cache"'], [MESSAGES[1]]),
        (["--limit", "2"], MESSAGES[:2]),
        (["--limit", "4"], MESSAGES),
    ],
)
def test_filters(options: list[str], expected: list[str], shop: str, tmp_path: Path) -> None:
    """Errors, level, times (those without a zone in the machine's), words and number."""
    done = call("logs", EXAMPLE_ID, "--store", shop, "--json", *options, state=tmp_path)

    assert messages(done.out) == expected


def test_a_limit_that_hides_records_says_so(shop: str, tmp_path: Path) -> None:
    """On stderr, and only where something is hidden."""
    cut = call("logs", EXAMPLE_ID, "--store", shop, "--limit", "3", state=tmp_path)
    whole = call("logs", EXAMPLE_ID, "--store", shop, "--limit", "4", state=tmp_path)

    assert "the first 3; there are more" in cut.err
    assert whole.err == ""


def test_no_records_are_explained(shop: str, tmp_path: Path) -> None:
    """Where it looked and what to check, with exit code 0 and nothing on stdout."""
    for more in ([], ["--json"]):
        done = call("logs", "2618307011354435599", "--store", shop, *more, state=tmp_path)

        assert done.code == 0
        assert done.out == ""
        assert f"No records of session 2618307011354435599 in {shop}" in done.err
        assert "What to check" in done.err
        assert "X-OpenReplay-SessionToken" in done.err
        assert "complete?" not in done.err


def test_records_that_wait_on_this_machine_are_told_of(shop: str, tmp_path: Path) -> None:
    """What a process logged as it ended is brought to the store by the next one."""
    spool = spool_in(SpoolFolder.of(str(tmp_path / "openreplay-otel" / "spool"), shop).path)
    append(spool, 1, 2)
    spool.close()
    done = call("logs", "2618307011354435599", "--store", shop, state=tmp_path)
    assert "2 records wait on this machine" in done.err
    assert "--deliver" in done.err


def test_an_id_that_can_hardly_be_one_is_pointed_out(shop: str, tmp_path: Path) -> None:
    """Digits get lost when an id is copied."""
    assert "is it complete?" in call("logs", "26183070", "--store", shop, state=tmp_path).err


def test_filters_that_hide_everything_are_pointed_out(shop: str, tmp_path: Path) -> None:
    """The session has records: other advice would lead astray."""
    done = call("logs", EXAMPLE_ID, "--store", shop, "--text", "unicorn", state=tmp_path)

    assert done.code == 0
    assert "No record of session" in done.err
    assert "What to check" not in done.err


def test_the_link_is_known_from_the_records_too(tmp_path: Path) -> None:
    """Their writer knew app url and project; who looks them up need not."""
    url = store_url(tmp_path / "logs.db")
    app = App()
    app.log(EXAMPLE_ID, "hello", at_ms=EXAMPLE_STARTED_MS)
    export(app, url, app_url=APP_URL, project_id=7)

    done = call("logs", EXAMPLE_ID, "--store", url, state=tmp_path)

    assert done.out.splitlines()[0] == f"{HEAD}  {APP_URL}/7/session/{EXAMPLE_ID}"


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    """Neither from a message, nor from an exception, nor from the name of a service, nor as JSON."""
    url = store_url(tmp_path / "logs.db")
    app = App("shop\x1b[2J")
    error = ValueError("\x9b31m\u202e")
    app.log(EXAMPLE_ID, "a\x1b]0;owned\x07b [red]c[/red]", level=40, error=error)
    app.log(EXAMPLE_ID, "d", error=chained_exception())
    export(app, url)

    for more in ([], ["--traces"], ["--json"]):
        done = call("logs", EXAMPLE_ID, "--store", url, *more, state=tmp_path)
        assert not set("\x1b\x07\x9b\u202e") & set(done.out)
        assert "[red]c[/red]" in done.out
    screen = call_on_terminal("logs", EXAMPLE_ID, "--store", url, state=tmp_path, columns=80)
    assert "\x1b]" not in screen.raw
    assert "\x1b[2J" not in screen.raw


@pytest.fixture
def long_session(tmp_path: Path) -> str:
    """A session whose output no pipe holds at once."""
    url = store_url(tmp_path / "long.db")
    app = App()
    for number in range(3000):
        app.log(EXAMPLE_ID, "record %d %s", number, "x" * 200, at_ms=EXAMPLE_STARTED_MS + number)
    export(app, url)
    return url


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_closed_pipe_ends_it_quietly(more: list[str], long_session: str, tmp_path: Path) -> None:
    """As in ``openreplay-otel logs … | head -1``."""
    with subprocess.Popen(
        [COMMAND, "logs", EXAMPLE_ID, "--store", long_session, *more],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(SECONDS) == 0


def test_all_records_of_a_long_session_come_in_order(long_session: str, tmp_path: Path) -> None:
    """Several pages of the store and several chunks of output."""
    done = call("logs", EXAMPLE_ID, "--store", long_session, state=tmp_path)
    numbers = [line.split("record ")[1].split()[0] for line in done.out.splitlines()[1:]]

    assert numbers == [str(number) for number in range(3000)]


class Following:
    """A running ``logs --follow``, read line by line."""

    def __init__(self, *arguments: str, state: Path) -> None:
        self.process = subprocess.Popen(
            [COMMAND, "logs", *arguments, "--follow"],
            env=environment(state),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def line(self) -> str:
        """The next line of stdout; waits for it."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def note(self) -> str:
        """The next line of stderr; waits for it."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def interrupt(self) -> tuple[str, str]:
        """Press Ctrl-C, and give the rest of what it wrote."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=SECONDS)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with one record of the session, a minute into it."""
    url = store_url(tmp_path / "logs.db")
    app = App()
    app.log(EXAMPLE_ID, "first", at_ms=EXAMPLE_STARTED_MS + MINUTE_MS)
    export(app, url)
    return url


@pytest.fixture
def following(url: str, tmp_path: Path) -> Iterator[Following]:
    """The command following that session."""
    following = Following(EXAMPLE_ID, "--store", url, "--json", state=tmp_path)
    yield following
    following.process.kill()
    following.process.communicate()


def test_follow_shows_what_arrives_late_ones_too_until_ctrl_c(
    following: Following, url: str
) -> None:
    """Each record once; Ctrl-C is the way to end it, so that it leaves with 0 and says nothing."""
    assert messages(following.line()) == ["first"]

    app = App()
    app.log(EXAMPLE_ID, "second", at_ms=EXAMPLE_STARTED_MS + 2 * MINUTE_MS)
    export(app, url)
    assert messages(following.line()) == ["second"]

    app.log(EXAMPLE_ID, "late", at_ms=EXAMPLE_STARTED_MS)
    export(app, url)
    assert messages(following.line()) == ["late"]

    assert following.interrupt() == ("", "")
    assert following.process.returncode == 0


def test_follow_lives_through_a_store_that_is_out_of_reach(tmp_path: Path) -> None:
    """It says so once and goes on trying; Ctrl-C ends it as ever."""
    following = Following(EXAMPLE_ID, "--store", "http://127.0.0.1:9", state=tmp_path)

    assert "cannot be reached" in following.note()
    out, _ = following.interrupt()
    assert out == ""
    assert following.process.returncode == 0


def test_follow_waits_for_the_first_record(url: str, tmp_path: Path) -> None:
    """A session that has no records yet is no error; filters hold as without it."""
    following = Following(EXAMPLE_ID, "--store", url, "--errors", state=tmp_path)
    assert "waiting for records" in following.note()

    app = App()
    app.log(EXAMPLE_ID, "an error", level=40, at_ms=EXAMPLE_STARTED_MS)
    app.log(EXAMPLE_ID, "none", at_ms=EXAMPLE_STARTED_MS)
    export(app, url)
    assert following.line().startswith(HEAD)
    assert following.line().endswith("an error\n")

    assert following.interrupt() == ("", "")


def test_ctrl_c_without_follow_is_told_by_the_exit_code(long_session: str, tmp_path: Path) -> None:
    """130 as shells expect it, and no traceback."""
    with subprocess.Popen(
        [COMMAND, "logs", EXAMPLE_ID, "--store", long_session],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # It has begun to write, and cannot end, since nobody reads on.
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert process.stderr.read() == b""
