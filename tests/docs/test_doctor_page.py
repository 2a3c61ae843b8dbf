"""The page of the doctor's findings is made of them, and the tests bring them about."""

from __future__ import annotations

import subprocess
import sys

from openreplay_otel.doctor.findings import CHECKS, FINDINGS
from tests.docs.pages import ROOT


def test_the_doctors_page_is_in_step_with_its_findings() -> None:
    """docs/doctor.md is what docs/make_doctor.py makes of the table now."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_doctor.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_names_each_check_that_can_fail() -> None:
    """Under a heading of its own, with a row for each finding."""
    text = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    bad = [finding for finding in FINDINGS.values() if finding.status in {"warning", "failed"}]
    for check in {finding.check for finding in bad}:
        assert f"\n## {CHECKS[check]}\n" in text
    assert text.count("\n| ") == len(bad) + len({finding.check for finding in bad})
