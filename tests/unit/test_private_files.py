"""What the package makes on disk is for this account alone."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import pytest

from .processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import logging, os, sys
os.umask(int(sys.argv[1], 8))
import openreplay_otel
with openreplay_otel.configure(store=sys.argv[2]) as pipeline:
    logging.getLogger("shop").warning("hello")
    assert pipeline.force_flush()
    for folder, _, files in os.walk(os.environ["XDG_STATE_HOME"]):
        print(*(os.path.join(folder, name) for name in files), sep="\\n")
"""


def mode_of(path: Path) -> int:
    """Its permissions."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.parametrize("umask", ["000", "022", "077"])
def test_files_and_folders_that_are_made_are_private(tmp_path: Path, umask: str) -> None:
    """The store, what SQLite makes beside it, the spool, and each folder on the way to them."""
    home, store = tmp_path / "state" / "deeper", tmp_path / "data" / "logs" / "shop.db"
    run_python(PROGRAM, {"XDG_STATE_HOME": str(home)}, umask, f"sqlite:///{store}")
    made = [
        path for top in (tmp_path / "state", tmp_path / "data") for path in (top, *top.rglob("*"))
    ]
    assert store in made
    wide = {str(path): oct(mode_of(path)) for path in made if mode_of(path) & 0o077}
    assert {} == wide


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    """An administrator may let a group read the file."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o775)
    store = folder / "shop.db"
    store.touch()
    store.chmod(0o664)
    run_python(PROGRAM, {"XDG_STATE_HOME": str(tmp_path / "state")}, "022", f"sqlite:///{store}")
    assert (0o775, 0o664) == (mode_of(folder), mode_of(store))
