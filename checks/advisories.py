"""Asks for known advisories of the locked versions: `python -m checks.advisories REQUIREMENTS`, by pip-audit.

Not every machine reaches the data. Where nothing could be asked, that is noted with the date and is no failure.
Where some versions could be asked about and others not, the check has failed: a finding may hide among them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_OUT_OF_REACH = re.compile(
    r"connect|timed? ?out|max retries|resolv|proxy|unreachable", re.IGNORECASE
)


def main(arguments: list[str]) -> int:
    """Check the versions of a file of requirements; the exit status."""
    (requirements,) = arguments
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            ["pip-audit", "--disable-pip", "--require-hashes", "-r", requirements, "--format=json",
             f"--output={report}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else None
    is_well, lines = judged(None if found is None else found["dependencies"], done.stderr)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0 if is_well else 1


def judged(dependencies: list[dict[str, Any]] | None, told: str) -> tuple[bool, list[str]]:
    """Whether all is well, and what to say.

    Args:
        dependencies: Of pip-audit's report; None where it wrote none.
        told: What it said on stderr.
    """
    today = f"{datetime.now(timezone.utc):%Y-%m-%d}"
    unasked = (
        f"{today}: the advisories cannot be reached from here: the locked versions were not checked"
    )
    if dependencies is None:
        return (True, [unasked]) if _OUT_OF_REACH.search(told) else (False, [told.strip()])
    skipped = [one for one in dependencies if "skip_reason" in one]
    if dependencies and len(skipped) == len(dependencies):
        return True, [unasked, f"For instance: {skipped[0]['skip_reason']}"]
    lines = [
        f"{one['name']} {one['version']}: {vuln['id']}, mended in {', '.join(vuln['fix_versions']) or 'no version'}"
        for one in dependencies
        for vuln in one.get("vulns", ())
    ]
    lines += [f"{one['name']} was not checked: {one['skip_reason']}" for one in skipped]
    return not lines, lines or [
        f"{today}: no known advisory for {len(dependencies)} locked versions"
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
