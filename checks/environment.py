"""The small environment that all checks run in: on a stranger's machine, on ours and in CI the same one."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIME_ZONE = "Asia/Kathmandu"
"""Neither UTC nor whole hours away from it: what mixes up the two is seen."""

_KEPT = (
    # How programs are found and started on this machine, and where temporary files may lie.
    "PATH", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT", "TEMP", "TMP",
    # What the tests themselves read: CONTRIBUTING.md lists it.
    "CI", "CHROMIUM", "ELASTICSEARCH_URL", "ES_JAVA_HOME", "JAVA_HOME", "OTELCOL", "OPENREPLAY_TEST_.*",
    # Proxies, and the certificates that are trusted on the way.
    ".*_PROXY", "SSL_CERT_(FILE|DIR)", ".*CA_?BUNDLE", ".*_CA_CERTS?", "NODE_USE_SYSTEM_CA",
    # Where each installer fetches from, and as whom.
    "PIP_.*", "UV_.*", "NPM_CONFIG_.*", "MAVEN_.*",
    "GO(PROXY|SUMDB|NOSUMDB|NOSUMCHECK|PRIVATE|NOPROXY|INSECURE|AUTH|TOOLCHAIN|VCS)",
)  # fmt: skip
KEPT = re.compile("|".join(_KEPT), re.IGNORECASE)
"""Which of the caller's variables get through, by their names: those needed to start programs and to fetch."""

ELSEWHERE = re.compile("PIP_(PREFIX|TARGET|USER)|UV_(PROJECT|PYTHON)(_ENVIRONMENT)?", re.IGNORECASE)
"""Which do not all the same: they would install into, or with, something else."""

LINKED = (
    ".netrc",
    ".npmrc",
    ".pip/pip.conf",
    ".config/pip/pip.conf",
    ".config/uv/uv.toml",
    ".config/go/env",
)
"""The user's files that say where packages are fetched from. (Maven finds its own: Java does not ask HOME.)"""


@contextlib.contextmanager
def bare(
    caller: Mapping[str, str], settings: Mapping[str, str], programs: Path
) -> Iterator[dict[str, str]]:
    """Make the environment of a run, with an empty HOME that is removed at the end.

    Args:
        caller: The variables of whoever calls; most of them are left out.
        settings: Variables that are set whatever the caller has.
        programs: The folder of the tools, to be found first.
    """
    home = Path(tempfile.mkdtemp(prefix="openreplay-otel-home-"))
    try:
        _link_settings(_home(caller), caller, home)
        yield {
            **_kept(caller),
            **_caches(caller),
            # Node.js trusts the system's certificates as well, which may hold those of a company's proxy.
            "NODE_USE_SYSTEM_CA": caller.get("NODE_USE_SYSTEM_CA", "1"),
            **settings,
            "HOME": str(home),
            "PATH": os.pathsep.join([str(programs), caller.get("PATH", os.defpath)]),
            "TZ": TIME_ZONE,
        }
    finally:
        _remove(home)


def _kept(caller: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in caller.items()
        if KEPT.fullmatch(name) and not ELSEWHERE.fullmatch(name)
    }


def cache_folder(caller: Mapping[str, str]) -> Path:
    """The folder of all caches, which outlive a run: `XDG_CACHE_HOME`, else `.cache` in the caller's home."""
    named = caller.get("XDG_CACHE_HOME")
    return Path(named) if named else _home(caller) / ".cache"


def _caches(caller: Mapping[str, str]) -> dict[str, str]:
    home, cache = _home(caller), cache_folder(caller)
    go = Path(caller.get("GOPATH", "").split(os.pathsep)[0] or home / "go")
    folders = {
        # Of the servers of the tests, uv, pip and Go's compiler.
        "XDG_CACHE_HOME": str(cache),
        "GOPATH": str(go),
        "GOMODCACHE": caller.get("GOMODCACHE") or str(go / "pkg" / "mod"),
    }
    if "npm_config_cache" not in map(str.lower, caller):
        folders["npm_config_cache"] = str(home / ".npm")
    return folders


def _home(caller: Mapping[str, str]) -> Path:
    return Path(caller["HOME"]) if caller.get("HOME") else Path.home()


def _link_settings(old: Path, caller: Mapping[str, str], new: Path) -> None:
    config = Path(caller.get("XDG_CONFIG_HOME") or old / ".config")
    for name in LINKED:
        inside = name.removeprefix(".config/")
        source = old / name if inside == name else config / inside
        if source.is_file():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).symlink_to(source.absolute())


def _remove(folder: Path) -> None:
    for path in folder.rglob("*"):
        # Go's modules are read-only, should any have got here.
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
