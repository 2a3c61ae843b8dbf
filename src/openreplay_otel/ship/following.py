"""Follows logs as they grow: those that were named, and those that a pattern or a folder gets later."""

from __future__ import annotations

import glob
import os
import stat
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import SettingsError
from .files import is_packed_name, without_rotation
from .followed_log import FollowedLog, Services

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from .counts import ShipCounts
    from .places import Places
    from .shipping import Shipper

_SEARCH_SECONDS: Final = 5.0
"""Between two looks for new files."""
_IN_A_FOLDER: Final = "*.log"
_MOST_TOLD: Final = 1000


class Follower:
    """Reads what is new in logs, each time it is asked.

    Args:
        names: Paths of files that are there or come later, patterns, or folders, whose ``*.log`` are followed.
        shipper: Makes documents of what is read.
        counts: Of all.
        encoding: Of the files.
        places: Where places are kept; None for nowhere.
        with_rotated: Whether rotated parts that are there already are read too.
        tell: Takes a sentence for the person.

    Raises:
        SettingsError: A name cannot be followed, or another process follows it.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        shipper: Shipper,
        counts: ShipCounts,
        encoding: str,
        places: Places | None,
        with_rotated: bool,
        tell: Callable[[str], None],
    ) -> None:
        self._targets = [Path(os.path.abspath(_target(name))) for name in dict.fromkeys(names)]  # noqa: PTH100 - links stay
        if places is not None:
            places.lock(map(str, self._targets))
        self._services = Services(
            shipper, counts, encoding, places, self._tell_of, Counter(), time.time_ns()
        )
        self._with_rotated = with_rotated
        self._tell = tell
        self._told: dict[Path, str] = {}
        self._logs: dict[Path, FollowedLog] = {}
        self._search_at = 0.0
        self._is_first_search = True

    @property
    def logs(self) -> int:
        """How many logs are followed."""
        return len(self._logs)

    def look(self, now: float) -> bool:
        """Read what is new.

        Args:
            now: Monotonic seconds.

        Returns:
            Whether there is more to read at once.

        Raises:
            SettingsError: What cannot be read can be kept nowhere.
        """
        if now >= self._search_at:
            self._search()
            self._search_at = now + _SEARCH_SECONDS
        has_read = [log.look(now) for log in tuple(self._logs.values())]
        return any(has_read)

    def finish(self) -> None:
        """Give what is held, and keep the places."""
        for log in self._logs.values():
            log.finish()

    def _search(self) -> None:
        for log in [log for log in self._logs.values() if log.is_gone]:
            if log.path not in self._targets:
                del self._logs[log.path]
                if self._services.places is not None:
                    self._services.places.forget(log.path)
        for target in self._targets:
            for path in _paths_of(target, self._logs.keys()):
                if path not in self._logs:
                    self._logs[path] = FollowedLog(
                        path,
                        self._services,
                        reads_rotated=self._with_rotated,
                        is_new=not self._is_first_search,
                    )
        if self._is_first_search:
            self._is_first_search = False
            for target in self._targets:
                if not any(_belongs(path, target) and path.exists() for path in self._logs):
                    self._tell(f"{target} is not there yet; waiting for it")

    def _tell_of(self, path: Path, sentence: str | None) -> None:
        if sentence is None:
            if self._told.pop(path, None) is not None:
                self._tell(f"{path} can be read again")
        elif self._told.get(path) != sentence:
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            self._told[path] = sentence
            self._tell(f"{path}: {sentence}; trying again")


def _target(name: str) -> str:
    """The path or pattern that a name means.

    Raises:
        SettingsError: It names what nothing is written to line by line.
    """
    path = Path(name)
    try:
        status = path.stat()
    except OSError:
        if is_packed_name(path):
            raise _packed(name) from None
        return name
    if stat.S_ISDIR(status.st_mode):
        return os.path.join(glob.escape(name), _IN_A_FOLDER)  # noqa: PTH118 - a pattern is no path
    if not stat.S_ISREG(status.st_mode):
        message = (
            f"FILE: {name} is no ordinary file but a pipe or a device; pass what it gives to standard input:"
            f" cat {name} | openreplay-otel ship --follow -"
        )
        raise SettingsError(message)
    if is_packed_name(path):
        raise _packed(name)
    return name


def _packed(name: str) -> SettingsError:
    return SettingsError(
        f"follow: {name} is packed, nothing is added to it: ship it without --follow"
    )


def _is_pattern(target: Path) -> bool:
    return glob.has_magic(str(target)) and not target.exists()


def _belongs(path: Path, target: Path) -> bool:
    return path.match(str(target)) if _is_pattern(target) else path == target


def _paths_of(target: Path, followed: Container[Path]) -> Iterator[Path]:
    """The logs that a target means by now."""
    if not _is_pattern(target):
        yield target
        return
    found = sorted(Path(name) for name in glob.glob(str(target), recursive=True))  # noqa: PTH207 - absolute
    logs = dict.fromkeys(found)
    for path in found:
        log = without_rotation(path)
        is_part = log != path and (log in logs or log.exists() or log in followed)
        if is_part:
            yield log
        elif path.is_file() and not is_packed_name(path):
            yield path
