"""Runs all checks, or the quick ones, and tells what came of them."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks import reports, system
from checks.environment import bare
from checks.needs import CHECKS, PYTHON_PACKAGES, ROOT, VENV, Check, check_of
from checks.reports import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from checks.needs import Need

OPTIONS = ("--quick", "--no-install", "-h", "--help")
INTERRUPTED = 130


class _ToldToEndError(Exception):
    """Somebody pressed Ctrl-C, or ended the run otherwise."""


def is_asked_for(arguments: Sequence[str]) -> bool:
    """Tell whether arguments are those of the whole run; others are pytest's."""
    return all(argument in OPTIONS for argument in arguments)


def run(arguments: Sequence[str], programs: Path, set_up: Callable[[], Mapping[str, str]]) -> int:
    """Run the checks; returns the exit status: 0 if all that could run passed (in CI: all).

    Args:
        arguments: The command line, without the command.
        programs: The folder in which nox and uv are, once set up.
        set_up: Sets up these, and returns the variables that the tools need.
    """
    parser = argparse.ArgumentParser(
        prog="run.py test",
        description="Run all checks and tests, and end with a table of them.",
        epilog="Any other argument is pytest's: run.py test tests/unit -k session",
    )
    parser.add_argument("--quick", action="store_true", help="only what needs no server")
    parser.add_argument(
        "--no-install", action="store_true", help="install no system package, although run as root"
    )
    asked = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        # Said outright: a shell starts what it puts in the background with Ctrl-C ignored.
        signal.signal(number, signal.default_int_handler)
    chosen = {name: one for name, one in CHECKS.items() if one.is_quick or not asked.quick}
    _tell(chosen)
    missing = _missing(chosen)
    if missing:
        _install(missing, refused=asked.no_install)
    settings = set_up()
    with bare(os.environ, settings, programs) as environment:
        return _run_all(str(programs / "nox"), environment, quick=asked.quick)


# What is told and done before


def _tell(chosen: Mapping[str, Check]) -> None:
    minutes = round(sum(check.seconds for check in chosen.values()) / 60) or 1
    print(f"run.py test: {', '.join(chosen)}")
    downloads = {each: None for check in chosen.values() for each in check.downloads}
    absent = [one for one in (PYTHON_PACKAGES, *downloads) if not one.is_here()]
    print(
        f"  takes about {minutes} minutes on two processors"
        + (", more this time:" if absent else "")
    )
    if absent:
        listed = ", ".join(f"{one.name} ({one.megabytes} MB)" for one in absent)
        total = sum(one.megabytes for one in absent)
        print(f"  downloads once, about {total} MB: {listed}")
    sys.stdout.flush()


def _missing(chosen: Mapping[str, Check]) -> dict[Need, list[str]]:
    """List what is not there, each with the checks that need it."""
    found: dict[Need, list[str]] = {}
    for name, check in chosen.items():
        for need in (VENV, *check.needs):
            if need in found or not need.is_here():
                found.setdefault(need, []).append(name)
    return found


def _install(missing: Mapping[Need, Sequence[str]], *, refused: bool) -> None:
    for need, checks in missing.items():
        print(f"  missing: {need.name}, for {', '.join(checks)}")
    if system.may_install(in_ci=_in_ci()) and not refused:
        system.update()
        packages = system.packages_for(missing)
        megabytes = sum(need.megabytes for need in missing)
        print(f"  installing, about {megabytes} MB: {' '.join(packages)}", flush=True)
        system.install(packages)
    elif system.has_apt():
        packages = system.packages_for(missing)
        if packages:
            print(f"  to install it: {system.command_for(packages)}")
    for need in missing:
        if need.advice and not need.is_here() and not _brought(need):
            print(f"  {need.name}: this system has no package of it; {need.advice}")
    sys.stdout.flush()


def _brought(need: Need) -> bool:
    return system.has_apt() and bool(system.packages_for([need]))


# The checks themselves


def _run_all(nox: str, environment: Mapping[str, str], *, quick: bool) -> int:
    outcomes: list[Outcome] = []
    interrupted = False
    try:
        sessions = _sessions(nox, environment, quick=quick)
        for number, session in enumerate(sessions, 1):
            name = session["session"]
            check = check_of(name, session["name"])
            absent = [need.name for need in check.needs if not need.is_here()]
            if absent:
                outcomes.append(Outcome(name, f"not run: needs {', '.join(absent)}"))
                continue
            print(f"\n== {number} of {len(sessions)}: {name} ==", flush=True)
            outcomes.append(_run_one(nox, name, environment))
    except _ToldToEndError:
        interrupted = True
    print(f"\n{reports.table(outcomes)}")
    for outcome in outcomes:
        for reason, number in (outcome.counts or reports.Counts()).reasons.items():
            print(f"skipped in {outcome.session}: {number} for this reason: {reason}")
    print(f"{reports.closing_line(outcomes)}", flush=True)
    if interrupted:
        print("run.py: interrupted", file=sys.stderr)
        return INTERRUPTED
    return int(not _is_green(outcomes))


def _is_green(outcomes: Sequence[Outcome]) -> bool:
    if any(outcome.result == "FAILED" for outcome in outcomes):
        return False
    all_ran = all(outcome.seconds is not None for outcome in outcomes)
    if _in_ci() and not all_ran:
        print("in CI every check has to run", file=sys.stderr)
    return all_ran or not _in_ci()


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _sessions(nox: str, environment: Mapping[str, str], *, quick: bool) -> list[dict[str, Any]]:
    """Ask nox for the sessions that it runs by itself; the quick ones with this Python and newest packages only."""
    listed = subprocess.run(
        [nox, "--list", "--json"], env=dict(environment), cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, encoding="utf-8", check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        raise OSError(f"nox cannot list the sessions of {ROOT / 'noxfile.py'}")
    running = "{}.{}".format(*sys.version_info)

    def is_wanted(session: dict[str, Any]) -> bool:
        return not quick or (
            check_of(session["session"], session["name"]).is_quick
            and session["python"] in {None, running}
            and session["call_spec"].get("otel") != "lowest"
        )

    return list(filter(is_wanted, json.loads(listed.stdout)))


def _run_one(nox: str, name: str, environment: Mapping[str, str]) -> Outcome:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="openreplay-otel-reports-") as folder:
        # In a session of its own: Ctrl-C is handed on once, and nothing waits for the terminal.
        process = subprocess.Popen(
            [nox, "--session", name], env={**environment, reports.VARIABLE: folder}, cwd=ROOT,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            status = process.wait()
        except KeyboardInterrupt:
            _end(process)
            raise _ToldToEndError from None
        result = "FAILED" if status else "passed"
        return Outcome(name, result, time.monotonic() - began, reports.read(Path(folder)))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the tests end what they started, and wait for it; told again, do not wait any longer."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(60)
            except (KeyboardInterrupt, subprocess.TimeoutExpired):
                continue
