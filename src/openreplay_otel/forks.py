"""Forks: one registration for the whole process, however many objects have something to do at a fork.

Python keeps what :func:`os.register_at_fork` is given for as long as the process lives. So there is one
registration, made at the first need, and weak references to the objects that take part.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import weakref
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

_logger = logging.getLogger(__name__)


class ForkAware(Protocol):
    """What takes part in forks. Its methods run in the order of :func:`watch`, ``before_fork`` in the reverse one."""

    def before_fork(self) -> None:
        """In the parent, in the thread that forks. Must not wait for long."""
        ...

    def after_fork_in_parent(self) -> None:
        """In the same thread."""
        ...

    def after_fork_in_child(self) -> None:
        """In the child: its locks may be held by threads that it does not have.

        ``before_fork`` was not called where C code forked.
        """
        ...


class _Process:
    """The process's registration.

    Attributes:
        pid: The process whose life the watched objects are in.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._watched: dict[int, weakref.ref[ForkAware]] = {}
        self._keys = count()
        self._registering = threading.Lock()
        self._is_registered = False
        self._noticing: dict[int, threading.RLock] = {}
        self._begin()

    def _begin(self) -> None:
        self._calm = threading.Condition(threading.Lock())
        self._postponing: list[tuple[int, float]] = []
        self._held: dict[int, list[ForkAware]] = {}
        self._holds_calm: set[int] = set()

    def watched(self) -> list[ForkAware]:
        """The objects that are left, in the order in which they came."""
        found = [reference() for reference in list(self._watched.values())]
        return [one for one in found if one is not None]

    def watch(self, one: ForkAware) -> None:
        """See :func:`watch`."""
        if not self._is_registered and hasattr(os, "register_at_fork"):
            with self._registering:
                if not self._is_registered:
                    os.register_at_fork(
                        before=self._before,
                        after_in_parent=self._after_in_parent,
                        after_in_child=self._after_in_child,
                    )
                    self._is_registered = True
        key = next(self._keys)
        self._watched[key] = weakref.ref(one, lambda _: self._watched.pop(key, None))

    @contextlib.contextmanager
    def postponed(self, seconds: float) -> Generator[None]:
        """See :func:`postponed`."""
        pid, entry = self.pid, (threading.get_ident(), time.monotonic() + seconds)
        with self._calm:
            self._postponing.append(entry)
        try:
            yield
        finally:
            # Forked in between by this very thread, the child has begun anew.
            if self.pid == pid:
                with self._calm:
                    self._postponing.remove(entry)
                    self._calm.notify_all()

    def notice(self) -> None:
        """See :func:`notice_fork`."""
        # A lock for each process: one that was inherited might be held.
        with self._noticing.setdefault(os.getpid(), threading.RLock()):
            if self.pid != os.getpid():
                self._after_in_child()

    def _before(self) -> None:
        me = threading.get_ident()
        self._wait_for_calm(me)
        held = self._held[me] = []
        for one in reversed(self.watched()):
            try:
                one.before_fork()
            except Exception as error:  # noqa: BLE001 - the app's fork must not fail for us
                _logger.debug("preparing a fork failed: %s", type(error).__name__)
            else:
                held.append(one)

    def _wait_for_calm(self, me: int) -> None:
        began = time.monotonic()
        # The lock itself is only held for moments, and by another thread that forks.
        if not self._calm.acquire(timeout=_LONGEST):
            return
        self._holds_calm.add(me)
        while True:
            others = (until for thread, until in self._postponing if thread != me)
            left = min(max(others, default=0.0), began + _LONGEST) - time.monotonic()
            if left <= 0:
                return
            self._calm.wait(left)

    def _after_in_parent(self) -> None:
        me = threading.get_ident()
        for one in reversed(self._held.pop(me, [])):
            try:
                one.after_fork_in_parent()
            except Exception as error:  # noqa: BLE001 - see _before
                _logger.debug("going on after a fork failed: %s", type(error).__name__)
        if me in self._holds_calm:
            self._holds_calm.remove(me)
            self._calm.release()

    def _after_in_child(self) -> None:
        self._begin()
        self._registering = threading.Lock()
        for one in self.watched():
            try:
                one.after_fork_in_child()
            except Exception as error:  # noqa: BLE001 - see _before
                _logger.debug("beginning anew after a fork failed: %s", type(error).__name__)
        self.pid = os.getpid()


_LONGEST: Final = 10.0
"""Seconds for which a fork waits at most, whatever goes on."""
_process: Final = _Process()


def watch(one: ForkAware) -> None:
    """Let an object take part in forks for as long as it lives; it is not kept alive by this."""
    _process.watch(one)


def watched() -> list[ForkAware]:
    """All objects that take part."""
    return _process.watched()


def postponed(seconds: float) -> contextlib.AbstractContextManager[None]:
    """Let forks in other threads wait for the end of a block.

    A child inherits what the block leaves half done: modules, locks of C libraries, open files.

    Args:
        seconds: After so many seconds in the block, forks do not wait any more: whoever takes longer waits for
            a network or a disk, and then holds none of these.
    """
    return _process.postponed(seconds)


def notice_fork() -> None:
    """Begin the life of a new process where this one is a child without the hooks having run: C code forked.

    Cheap enough for each record.
    """
    if os.getpid() != _process.pid:
        _process.notice()


def is_to_be_forked() -> bool:
    """Whether this is a uWSGI process that has loaded the app to fork its workers from it, in C.

    What is going on in another thread at that instant is half done in the workers for life, since nothing can
    wait for it.
    """
    uwsgi: Any = sys.modules.get("uwsgi")
    try:
        return uwsgi is not None and (
            uwsgi.worker_id() == 0 and uwsgi.masterpid() in {0, os.getpid()}
        )
    except Exception:  # noqa: BLE001 - a module of the app's with this name
        return False


NO_THREADS: Final = (
    "uWSGI runs no threads (set enable-threads = true): records wait on disk, and are delivered only while"
    " requests are served and when the process ends"
)
"""What is said where :func:`runs_threads` says no."""


def runs_threads() -> bool:
    """Whether threads run beside the main one: in uWSGI, only where that was asked for."""
    uwsgi: Any = sys.modules.get("uwsgi")
    try:
        return uwsgi is None or any(name in uwsgi.opt for name in ("enable-threads", "threads"))
    except Exception:  # noqa: BLE001 - see is_to_be_forked
        return True
