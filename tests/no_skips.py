"""Lets no test be skipped in CI: there, whatever a test needs has to be there."""

from __future__ import annotations

import collections
import os

import pytest

_skipped: dict[str, str] = {}


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure is reported as skipped too, but it did run.
    if report.skipped and not hasattr(report, "wasxfail"):
        place = report.longrepr
        reason = str(place[2] if isinstance(place, tuple) else place)
        _skipped[report.nodeid] = reason
        if report.when == "setup" and isinstance(place, tuple):
            # What a fixture lacks all of its tests lack: said once, not at each of their lines.
            report.longrepr = ("tests", None, reason)  # type: ignore[assignment]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test that was skipped."""
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a file that was skipped as a whole."""
    _note(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Make the run fail if it would have passed without them."""
    if _in_ci() and _skipped and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell of each reason once, with the first of its tests."""
    if not _in_ci():
        return
    for reason, number in collections.Counter(_skipped.values()).items():
        first = next(test for test, its in _skipped.items() if its == reason)
        others = f" and {number - 1} others" if number > 1 else ""
        terminalreporter.write_line(
            f"SKIPPED IN CI, which fails the run: {first}{others}: {reason}", red=True
        )
