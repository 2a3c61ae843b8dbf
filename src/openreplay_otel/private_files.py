"""Files and folders that belong to this account alone, whatever the umask and whoever else may write there.

No file is opened through a link in its place: whoever may write in a folder could point it at another file of
this account.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_logger = logging.getLogger(__name__)

# A pipe in the place of a file would be waited for without O_NONBLOCK. Windows knows none of them.
_SAFELY: Final = (
    getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
)
_NO_FILE: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENXIO})
"""How systems say that a link, a pipe or a socket is there."""
_TRIES: Final = 3


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, as far as they are missing; what is there stays as it is.

    Raises:
        OSError: One cannot be made.
    """
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file; what is there stays as it is.

    Where it cannot be made, whoever opens it next is told why.
    """
    with contextlib.suppress(OSError):
        os.close(make_new(path))


def make_new(path: Path, flags: int = os.O_WRONLY) -> int:
    """Make a file where there is none, and open it for writing.

    Raises:
        FileExistsError: Something is there, be it a link to nowhere.
        OSError: It cannot be made.
    """
    return os.open(path, flags | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600)


def check_links(path: Path) -> None:
    """Refuse a path that leads through a link of another account, where everybody may write, such as ``/tmp``.

    Raises:
        PermissionError: It does.
    """
    for one in (path, *path.parents):
        if one.is_symlink() and not _is_trusted(one.lstat()) and _is_public(one.parent):
            message = f"{one} is a link that another account made"
            raise PermissionError(errno.EACCES, message)


def open_own(path: Path, flags: int) -> int:
    """Open a file of ours for writing; it is made where it is missing.

    A link, a pipe or another account's file in its place is taken away. What a link points to stays as it is.

    Args:
        path: Its path; nobody else has a reason to use this name.
        flags: Such as ``os.O_WRONLY | os.O_APPEND``.

    Returns:
        A descriptor.

    Raises:
        OSError: It cannot be opened, or what is in its place cannot be taken away.
    """
    for _ in range(_TRIES):
        try:
            fd = os.open(path, flags | os.O_CREAT | _SAFELY, 0o600)
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
        else:
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode) and _is_trusted(status):
                return fd
            os.close(fd)
        _logger.warning("%s was no file of this account (a link?): it was taken away", path)
        path.unlink(missing_ok=True)
    message = f"{path}: somebody puts something else in its place again and again"
    raise PermissionError(message)


def open_anew(path: Path, flags: int = os.O_WRONLY) -> int:
    """Make a file of ours anew, for writing; what has its name is taken away.

    Raises:
        OSError: It cannot be made.
    """
    path.unlink(missing_ok=True)
    return make_new(path, flags)


def put_in_place(path: Path, unfinished: Path, content: bytes) -> None:
    """Give a file of ours its content, in one step for its readers.

    Args:
        path: Its path.
        unfinished: Beside it, where the content is written first.
        content: All of it.

    Raises:
        OSError: It cannot be written.
    """
    with os.fdopen(open_anew(unfinished), "wb") as file:
        file.write(content)
    unfinished.replace(path)


def open_existing(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a file that is there.

    Raises:
        FileNotFoundError: It is not.
        OSError: It cannot be opened, or is a link or no file.
    """
    message = f"{path} is a link, or no file"
    try:
        fd = os.open(path, flags | _SAFELY)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise PermissionError(message) from None
        raise
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise PermissionError(message)


def read_existing(path: Path) -> bytes:
    """The content of a file that is there.

    Raises:
        OSError: As :func:`open_existing`.
    """
    with os.fdopen(open_existing(path), "rb") as file:
        return file.read()


def _is_public(folder: Path) -> bool:
    return bool(folder.stat().st_mode & stat.S_IWOTH)


def _is_trusted(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid in {os.geteuid(), 0}
