from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_collectors_files_are_in_step_with_their_parts() -> None:
    """Each file that a person copies is what its template and the shared parts make."""
    command = [sys.executable, str(ROOT / "collector-config" / "make_files.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
