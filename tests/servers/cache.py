"""Where the servers of the tests are kept, once fetched or built."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """The folder of one kind of server; it survives the run (`XDG_CACHE_HOME` is respected)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "openreplay-otel" / name
