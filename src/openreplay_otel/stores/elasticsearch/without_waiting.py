"""Runs asynchronous code that never waits: each step of it is done when it is asked for."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterator

_T = TypeVar("_T")


def result(step: Any) -> Any:
    """The result of a coroutine, or of a step of an asynchronous generator.

    Args:
        step: It may await only what is done at once.
    """
    try:
        step.send(None)
    except StopIteration as end:
        return end.value
    step.close()
    raise RuntimeError("a step waited for an event loop")


def each(items: AsyncGenerator[_T]) -> Iterator[_T]:
    """What an asynchronous generator gives, one after the other; where that is given up, it is closed."""
    try:
        while True:
            try:
                with _no_loop():
                    item = result(items.__anext__())
            except StopAsyncIteration:
                return
            yield item
    finally:
        result(items.aclose())


@contextmanager
def _no_loop() -> Generator[None]:
    """Keep a loop that runs in this thread from closing the generator when it ends."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(*hooks)
