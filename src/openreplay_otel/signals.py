"""Tells an exception that a signal handler raised from one of the code that it interrupted.

A signal handler runs between two instructions of whatever the main thread does, and what it raises comes out
there: Celery's soft time limit or an alarm of the app's may so strike in the middle of our work on a log line.
That exception is meant for the app. A guard that swallowed it would take the app's time limit away.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType


def is_from_signal(error: BaseException) -> bool:
    """Tell whether a signal handler raised an exception: its traceback passes through one that is installed.

    For guards, which let such an exception go on. One that another thread injects
    (``PyThreadState_SetAsyncExc``) leaves no such trace and looks like one of the code that was interrupted.

    Args:
        error: An exception that was caught just now.
    """
    codes = _codes_of_handlers()
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _codes_of_handlers() -> set[CodeType]:
    codes: set[CodeType] = set()
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        if callable(handler):
            codes.update(_codes_of(handler))
    return codes


def _codes_of(handler: Any) -> set[CodeType]:
    # A function, a method, functools.partial, a decorated function, or an object with __call__.
    names = ("__func__", "func", "__wrapped__", "__call__")
    parts: list[Any] = [handler, *(getattr(handler, name, None) for name in names)]
    return {part.__code__ for part in parts if hasattr(part, "__code__")}
