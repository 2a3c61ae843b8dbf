"""Lets a server that must not run as root read and write what it needs."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from typing import TYPE_CHECKING, TypeAlias

from tests.servers.errors import ServerUnavailable

if TYPE_CHECKING:
    from pathlib import Path

Account: TypeAlias = tuple[int, int]


def server_account() -> Account | None:
    """User and group id to run a server under: None (our own) for ordinary users, those of `nobody` for root.

    Elasticsearch refuses to run as root. Raises `ServerUnavailable` when root has no account `nobody` to switch to.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        message = "Elasticsearch does not run as root and there is no account `nobody`: run the tests as another user"
        raise ServerUnavailable(message) from None
    return entry.pw_uid, entry.pw_gid


def reachable_by_everyone(path: Path) -> bool:
    """Whether any account may read what lies in the folder `path`, judged by the folders on the way to it."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (resolved, *resolved.parents))


def link_tree(source: Path, target: Path) -> None:
    """Make the folder `target` with everything in `source`: hard links where possible, else copies."""

    def link(file: str, beside: str) -> str:
        try:
            os.link(file, beside)
        except OSError:
            shutil.copy2(file, beside)
        return beside

    shutil.copytree(source, target, copy_function=link)
