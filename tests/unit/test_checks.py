"""What `run.py test` knows of the checks: the table of their needs, their environment, and what came of them."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

import pytest

from checks import reports
from checks.environment import TIME_ZONE, bare
from checks.needs import CHECKS, ROOT
from checks.reports import Counts, Outcome

if TYPE_CHECKING:
    from pathlib import Path


def _usual_sessions() -> set[str]:
    """The functions of noxfile.py that nox runs by itself."""
    found = set()
    for function in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body:
        if isinstance(function, ast.FunctionDef):
            marks = [ast.unparse(mark) for mark in function.decorator_list]
            if any(
                mark.startswith("nox.session") and "default=False" not in mark for mark in marks
            ):
                found.add(function.name)
    return found


def test_the_table_of_needs_has_every_check() -> None:
    """A new session of noxfile.py gets a row, and one that is gone loses it."""
    assert _usual_sessions() == {name.partition("(")[0] for name in CHECKS}


@pytest.mark.parametrize(
    "name",
    ["https_proxy", "NO_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
     "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "GOPROXY", "npm_config_registry", "MAVEN_ARGS", "CI",
     "OPENREPLAY_TEST_ES", "JAVA_HOME"],
)  # fmt: skip
def test_what_reaches_registries_gets_through(name: str, tmp_path: Path) -> None:
    """Proxies, certificates and mirrors, whatever their values are."""
    with bare({"HOME": str(tmp_path), name: "x"}, {}, tmp_path) as environment:
        assert environment[name] == "x"


@pytest.mark.parametrize(
    "name",
    ["PYTHONUNBUFFERED", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LANG", "LC_ALL", "TERM", "USER",
     "OTEL_SERVICE_NAME", "OPENREPLAY_OTEL_STORE", "XDG_STATE_HOME", "PIP_TARGET", "UV_PYTHON",
     "VIRTUAL_ENV", "COLUMNS", "NO_COLOR"],
)  # fmt: skip
def test_what_a_stranger_may_not_have_stays_out(name: str, tmp_path: Path) -> None:
    """Also whatever Python itself reads."""
    with bare({"HOME": str(tmp_path), name: "x"}, {}, tmp_path) as environment:
        assert name not in environment


def test_the_home_is_empty_and_goes(tmp_path: Path) -> None:
    """It holds links to the files that name registries, and nothing else; the caches are the caller's."""
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    for name in (".npmrc", ".bashrc", ".config/uv/uv.toml", ".config/other"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    with bare({"HOME": str(tmp_path), "PATH": "/bin"}, {"CI": "true"}, tmp_path) as environment:
        home = environment["HOME"]
        files = {
            os.path.relpath(os.path.join(folder, file), home)  # noqa: PTH118
            for folder, _, inside in os.walk(home)
            for file in inside
        }
        with open(f"{home}/.npmrc", encoding="utf-8") as linked:  # noqa: PTH123
            assert linked.read() == ".npmrc"
        assert files == {".npmrc", ".config/uv/uv.toml"}
        assert environment["TZ"] == TIME_ZONE
        assert environment["XDG_CACHE_HOME"] == str(tmp_path / ".cache")
        assert environment["GOMODCACHE"] == str(tmp_path / "go" / "pkg" / "mod")
        assert environment["PATH"] == f"{tmp_path}{os.pathsep}/bin"
        assert environment["CI"] == "true"
    assert not os.path.exists(home)  # noqa: PTH110
    assert (tmp_path / ".npmrc").exists()


def test_reports_are_added_up(tmp_path: Path) -> None:
    """Failures and errors fail, expected failures pass, and the reasons of skips are kept."""
    one = (
        '<testsuites><testsuite><testcase/><testcase><failure message="x"/></testcase>'
        '<testcase><error message="y"/></testcase><testcase><skipped type="pytest.xfail"/></testcase>'
        "</testsuite></testsuites>"
    )
    two = '<testsuite><testcase><skipped type="pytest.skip" message="no Redis"/></testcase></testsuite>'
    for number, text in enumerate((one, two, "<testsui")):
        (tmp_path / f"{number}.xml").write_text(text, encoding="utf-8")
    counts = reports.read(tmp_path)
    assert counts is not None
    assert (counts.passed, counts.failed, counts.skipped) == (2, 2, 1)
    assert dict(counts.reasons) == {"no Redis": 1}
    assert reports.read(tmp_path / "nowhere") is None


def test_the_table_shows_what_came_of_each_check() -> None:
    """Those that were not run say why, and the last line counts tests and checks without tests."""
    outcomes = [
        Outcome("lint", "passed", 4.2),
        Outcome("unit-3.12(highest)", "passed", 125, Counts(passed=1200, skipped=2)),
        Outcome("browser", "not run: needs Chromium, nginx"),
        Outcome("types", "FAILED", 61),
        Outcome("docs", "FAILED", 3, Counts(passed=1, failed=3)),
    ]
    assert reports.table(outcomes).splitlines() == [
        "session             result  passed  skipped  time",
        "lint                passed       -        -  0:04",
        "unit-3.12(highest)  passed    1200        2  2:05",
        "browser             not run: needs Chromium, nginx",
        "types               FAILED       -        -  1:01",
        "docs                FAILED       1        0  0:03",
    ]
    assert reports.closing_line(outcomes) == "1202 passed, 4 failed, 2 skipped"
