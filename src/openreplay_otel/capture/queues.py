"""OpenTelemetry's handler behind a queue: it gets lines that were taken already, and without their session.

``QueueHandler`` hands a copy of each line to another thread, where neither the context nor the exception is left.
We have taken the line before, in its own thread. So the handler behind the queue is told to leave it.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
from logging.handlers import QueueListener
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..patching import Patches
    from .logging_capture import LoggingCapture


class _Listening(threading.local):
    is_on = False


_listening = _Listening()


class _TakenBefore(logging.Filter):
    """Stops the lines of this process while they come out of a queue; those of other processes pass."""

    def __init__(self, capture: LoggingCapture) -> None:
        super().__init__()
        self._capture = capture

    def filter(self, record: logging.LogRecord) -> bool:
        is_ours = _listening.is_on and record.process == os.getpid()
        return not (is_ours and self._capture.takes(record.name))


def hook_queues(patches: Patches, captures: Callable[[], Iterable[LoggingCapture]]) -> None:
    """Let OpenTelemetry's handlers behind a queue leave the lines that were taken before it.

    Args:
        patches: Takes the patch and the filters off again.
        captures: Those that take lines now.
    """
    filters: dict[LoggingCapture, _TakenBefore] = {}

    def put_filters(handlers: Iterable[logging.Handler]) -> None:
        for capture in captures():
            taken_before = filters.setdefault(capture, _TakenBefore(capture))
            for handler in capture.hearers.among(handlers):
                if taken_before not in handler.filters:
                    handler.addFilter(taken_before)
                    patches.at_removal(functools.partial(handler.removeFilter, taken_before))

    def hearing(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def handle(listener: QueueListener, line: logging.LogRecord) -> Any:
            put_filters(listener.handlers)
            _listening.is_on = True
            try:
                return original(listener, line)
            finally:
                _listening.is_on = False

        return handle

    patches.put_over(QueueListener, "handle", hearing)
