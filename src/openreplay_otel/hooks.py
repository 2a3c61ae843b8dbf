"""All hooks into the process, turned on and off together: servers, exceptions, streams, plain logs."""

from __future__ import annotations

import atexit
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from .capture.asyncio_tasks import hook_asyncio
from .capture.exceptions import hook_leaving, hook_span_exceptions
from .capture.framework_exceptions import hook_frameworks
from .capture.printed_exceptions import hook_printing, hook_uncaught
from .context.aws_lambda import hook_lambda
from .context.deferred import settle
from .context.detach_hooks import hook_detach
from .context.flush_at_exit import hook_ends
from .context.greenlets import hook_greenlets
from .context.jobs import hook_jobs
from .context.pools import hook_pools
from .context.servers import hook_servers
from .patching import Patches
from .stamp.plain_logging import choose_tags, hook_plain_logs
from .stamp.repeated_exceptions import hook_structlog_instrumentation
from .stamp.streams import hook_streams

if TYPE_CHECKING:
    from .settings import Settings

_logger = logging.getLogger(__name__)
_lock: Final = threading.Lock()
_active: list[Hooks] = []


class Hooks:
    """The hooks that are on. They are one for the process: whoever comes second shares them.

    Args:
        settings: Which hooks, and what they write.

    Attributes:
        patches: What was patched.
        users: How many turned them on and not yet off.
    """

    def __init__(self, settings: Settings) -> None:
        self.patches = Patches()
        self.users = 1
        self._threading: Any = None
        self._hook(settings)

    def _hook(self, settings: Settings) -> None:
        patches = self.patches
        hook_detach(patches, settings.session_after_request)
        hook_servers(patches, settings)
        hook_greenlets(patches)
        hook_jobs(patches)
        hook_pools(patches)
        hook_lambda(patches, settings)
        hook_ends(patches)
        if settings.record_exceptions:
            hook_uncaught(patches, settings.tags)
            hook_asyncio(patches)
            hook_printing(patches, settings.tags)
            hook_span_exceptions(patches)
            hook_leaving(patches)
            hook_frameworks(patches)
        hook_structlog_instrumentation(patches)
        choose_tags(patches, settings.tags)
        if settings.stamp_plain_logs:
            hook_plain_logs(patches, settings.tags)
        hook_streams(patches, settings.stamp_streams, settings.tags)
        self._hook_threads()
        atexit.register(settle)

    def _hook_threads(self) -> None:
        from opentelemetry.instrumentation.threading import (  # pyright: ignore[reportMissingTypeStubs] - no py.typed
            ThreadingInstrumentor,
        )

        instrumentor: Any = ThreadingInstrumentor()
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument(skip_dep_check=True)
            self._threading = instrumentor

    def remove(self) -> None:
        """Take the hooks off, once all who turned them on have done so."""
        with _lock:
            self.users -= 1
            if self.users:
                return
            _active.remove(self)
        settle()
        atexit.unregister(settle)
        self.patches.remove()
        if self._threading is not None and self._threading.is_instrumented_by_opentelemetry:
            self._threading.uninstrument()


def install_hooks(settings: Settings) -> Hooks:
    """Turn the hooks on; where they are on already, those are shared, with their settings.

    Args:
        settings: Which hooks, and what they write.

    Returns:
        The hooks, to be removed once for each call.
    """
    with _lock:
        if _active:
            _active[0].users += 1
            return _active[0]
        hooks = Hooks(settings)
        _active.append(hooks)
        return hooks
