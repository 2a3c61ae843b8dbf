"""AWS Lambda: the session of an event, and its records delivered before the process is frozen."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

from .flush_at_exit import flush
from .request_scope import RequestReader, enter, leave

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches
    from ..settings import Settings


def hook_lambda(patches: Patches, settings: Settings) -> None:
    """Put the session around the function's handler, which Lambda's runtime client calls.

    Args:
        patches: Takes the patch off again.
        settings: Where a session is looked for in the headers that an API gateway hands on.
    """
    reader = RequestReader(settings)

    def get_handler(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        return _handling(wrapped(*args, **kwargs), reader)

    patches.after_import(
        "awslambdaric.bootstrap", lambda module: patches.wrap(module, "_get_handler", get_handler)
    )


def _handling(handler: Callable[[Any, Any], Any], reader: RequestReader) -> Callable[..., Any]:
    @functools.wraps(handler)
    def handle(event: Any, context: Any) -> Any:
        token = enter(_session_id(event, reader))
        try:
            return handler(event, context)
        finally:
            leave(token, is_app=True)
            # Once the answer is sent the process is frozen, for good perhaps; and nobody logs an exception then.
            flush()

    return handle


def _session_id(event: Any, reader: RequestReader) -> str | None:
    headers = cast("Mapping[str, Any]", event).get("headers") if isinstance(event, dict) else None
    if not isinstance(headers, dict):
        return None
    pairs = cast("Mapping[object, object]", headers).items()
    return reader.of_headers(
        (name, value) for name, value in pairs if isinstance(name, str) and isinstance(value, str)
    )
