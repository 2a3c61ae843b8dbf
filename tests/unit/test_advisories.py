"""The check for advisories: a finding fails it, data out of reach is noted with the date."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .cli_harness import SECONDS

ROOT = Path(__file__).parents[2]
WELL = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
UNASKED = {"name": "odd", "skip_reason": "Dependency not found on PyPI"}
REACHED = "the advisories cannot be reached"

# The report, what is said on stderr, the exit status of pip-audit; that of the check, and what it says.
CASES: dict[str, tuple[list[Any] | None, str, int, int, str]] = {
    "nothing known": ([WELL], "", 0, 0, "no known advisory for 1 locked versions"),
    "a finding": ([WELL, BAD], "Found 1 known vulnerability", 1, 1, "bad 2: PYSEC-1, mended in 2.1"),
    "a finding beside what was not asked": ([BAD, UNASKED], "", 1, 1, "bad 2: PYSEC-1"),
    "some not asked": ([WELL, UNASKED], "", 0, 1, "odd was not checked"),
    "none asked": ([UNASKED, UNASKED], "", 0, 0, REACHED),
    "no connection": (None, "ERROR: Could not connect to PyPI's vulnerability feed", 1, 0, REACHED),
    "no name service": (None, "NewConnectionError: Failed to resolve 'pypi.org'", 1, 0, REACHED),
    "a proxy that refuses": (None, "ProxyError: Tunnel connection failed: 403", 1, 0, REACHED),
    "a time-out": (None, "ReadTimeout: Read timed out.", 1, 0, REACHED),
    "a wrong file": (None, "ERROR: requirement has no hash", 1, 1, "requirement has no hash"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_finding_fails_and_a_missing_connection_is_noted(case: str, tmp_path: Path) -> None:
    """With a program in pip-audit's place that answers as it does."""
    report, told, code, wanted, says = CASES[case]
    program = tmp_path / "pip-audit"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\nreport = {report!r}\n"
        "path = sys.argv[-1].removeprefix('--output=')\n"
        "if report is not None:\n    json.dump({'dependencies': report}, open(path, 'w'))\n"
        f"sys.stderr.write({told!r})\nsys.exit({code})\n",
        "utf-8",
    )
    program.chmod(0o700)
    done = subprocess.run(
        [sys.executable, "-m", "checks.advisories", "locked.txt"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == wanted, done
    assert says in done.stdout
    if says is REACHED:
        assert done.stdout[:4].isdigit()
