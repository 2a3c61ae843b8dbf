"""Finds a JDK that can run an Elasticsearch."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.access import reachable_by_everyone
from tests.servers.errors import ServerUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

# Trimmed runtimes lack these, and the server does not start on them.
_NEEDED_MODULES = {"jdk.incubator.vector", "jdk.jlink"}
_INSTALLED = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
)


def find_java(at_least: int) -> Path:
    """The home of a JDK of version `at_least` or newer.

    Looks at `ES_JAVA_HOME`, `JAVA_HOME`, the `java` on the PATH, then at the installed ones, oldest first.
    Raises `ServerUnavailable`, with the command that installs one, when there is none.
    """
    for home in _candidates():
        version = java_version(home)
        # As root the server runs under another account, which must be able to read its Java.
        if (
            version is not None
            and version >= at_least
            and (os.geteuid() != 0 or reachable_by_everyone(home))
        ):
            return home
    package = f"openjdk-{at_least}-jdk-headless"
    message = (
        f"no JDK {at_least} or newer with all its modules was found: install one "
        f"(on Debian: apt-get install {package}, or a newer one) or name its folder in ES_JAVA_HOME"
    )
    raise ServerUnavailable(message)


def java_version(home: Path) -> int | None:
    """The major version of the JDK in `home`, or None when it is none that could run the server."""
    try:
        release = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    version = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release, re.MULTILINE)
    modules = re.search(r'^MODULES="([^"]*)"', release, re.MULTILINE)
    if version is None or not all(
        os.access(home / "bin" / tool, os.X_OK) for tool in ("java", "javac")
    ):
        return None
    if modules is not None and not _NEEDED_MODULES <= set(modules[1].split()):
        return None
    return int(version[1])


def _candidates() -> Iterator[Path]:
    for name in ("ES_JAVA_HOME", "JAVA_HOME"):
        if os.environ.get(name):
            yield Path(os.environ[name])
    on_path = shutil.which("java")
    if on_path is not None:
        yield Path(on_path).resolve().parent.parent
    installed = [home for pattern in _INSTALLED for home in Path("/").glob(pattern.lstrip("/"))]
    yield from sorted(installed, key=lambda home: (java_version(home) or 0, home))
