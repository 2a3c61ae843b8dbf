"""Debian's and Ubuntu's packages: which ones bring what is missing, and their installation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.needs import Need

INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends")


def has_apt() -> bool:
    """Tell whether this is a system of Debian's kind."""
    return shutil.which("apt-get") is not None and shutil.which("apt-cache") is not None


def may_install(*, in_ci: bool) -> bool:
    """Tell whether packages can be installed from here: as root, and in CI also where `sudo` asks nothing."""
    return has_apt() and (os.geteuid() == 0 or (in_ci and _sudo_asks_nothing()))


def _sudo_asks_nothing() -> bool:
    if shutil.which("sudo") is None:
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


def packages_for(needs: Iterable[Need]) -> list[str]:
    """Name the packages that bring them, as far as this system has any."""
    needs = list(needs)
    known = _known([package for need in needs for package in need.packages])
    chosen: dict[str, None] = {}
    for need in needs:
        first = next(filter(known.__contains__, need.packages), None)
        if first is not None:
            chosen.update(dict.fromkeys([first, *need.beside]))
    return list(chosen)


def command_for(packages: Sequence[str]) -> str:
    """Write the one command that installs packages, for a user who is not root."""
    install = ["sudo", "apt-get", "install", "--no-install-recommends", *packages]
    return f"sudo apt-get update && {' '.join(install)}"


def update() -> None:
    """Fetch the lists of packages: a bare system has none."""
    _run(["apt-get", "update", "-qq"])


def install(packages: Sequence[str]) -> None:
    """Install them one after the other, so that one which fails does not keep the others out."""
    for package in packages:
        print(f"  installing {package} ...", flush=True)
        _run([*INSTALL, "-qq", package])


def _known(packages: Sequence[str]) -> set[str]:
    if not packages:
        return set()
    listed = subprocess.run(
        ["apt-cache", "policy", *packages],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True, encoding="utf-8", errors="replace", check=False,
    ).stdout  # fmt: skip
    found = re.findall(r"^(\S+):\n(?:  .*\n)*?  Candidate: (\S+)$", listed, re.MULTILINE)
    return {name for name, candidate in found if candidate != "(none)"}


def _run(command: Sequence[str]) -> None:
    become_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    done = subprocess.run(
        [*become_root, "env", "DEBIAN_FRONTEND=noninteractive", *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    if done.returncode != 0:
        last = [line for line in done.stdout.splitlines() if line.strip()][-4:]
        told = "\n    ".join([f"{' '.join(command)} failed:", *last])
        print(f"  {told}", file=sys.stderr, flush=True)
