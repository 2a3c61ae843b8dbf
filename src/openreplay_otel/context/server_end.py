"""Servers whose process ends by the signal itself, so that nothing that Python does at exit is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry._logs import get_logger_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches

_MOST_MILLIS: Final = 5000


def hook_server_end(patches: Patches) -> None:
    """Bring the records to their exporters when uvicorn has closed its last connection."""

    async def shutdown(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        try:
            return await wrapped(*args, **kwargs)
        finally:
            flush: Any = getattr(get_logger_provider(), "force_flush", None)
            if flush is not None:
                flush(_MOST_MILLIS)

    patches.after_import(
        "uvicorn.server", lambda module: patches.wrap(module.Server, "shutdown", shutdown)
    )
