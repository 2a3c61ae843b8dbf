"""Where a context ends while an exception passes, the exception remembers the session of that context.

Every instrumentation, also of a server or a queue that this package does not know, ends its context
with OpenTelemetry's ``detach``. That runs while the exception is on its way up, to whoever logs it.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from opentelemetry import context

from .exception_memory import remember

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..patching import Patches


def hook_detach(patches: Patches) -> None:
    """Let exceptions that pass a ``detach`` remember the session."""
    # The object behind attach() and detach(): modules that imported those by name are reached as well.
    runtime: Any = context._RUNTIME_CONTEXT  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - it has no public name
    context.get_current()  # makes it, where an SDK makes it late
    patches.put_over(type(runtime), "detach", lambda original: _detaching(original, patches))


def _detaching(original: Callable[..., None], patches: Patches) -> Callable[..., None]:
    @functools.wraps(original)
    def detach(self: Any, token: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and patches.is_on:
            remember(error)
        original(self, token)

    return detach
