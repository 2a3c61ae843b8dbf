"""Exceptions that a framework turns into an answer and logs nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .exceptions import record_unless_logged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..patching import Patches

_WHAT: Final = "Unhandled exception"
_SERVER_ERROR: Final = 500


def hook_frameworks(patches: Patches) -> None:
    """Make records of what Falcon, Bottle and Litestar answer with a 500 on their own."""

    def falcon(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        # Under WSGI it writes the traceback to ``wsgi.errors`` alone.
        record_unless_logged(args[2] if len(args) > 2 else None, _WHAT)
        return wrapped(*args, **kwargs)

    patches.after_import(
        "falcon.app", lambda module: patches.wrap(module.App, "_python_error_handler", falcon)
    )

    def bottle(
        wrapped: Callable[..., Any], answer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        result = wrapped(*args, **kwargs)
        # So does Bottle, which hands its answer the exception.
        if answer.status_code >= _SERVER_ERROR:
            record_unless_logged(answer.exception, _WHAT)
        return result

    patches.after_import(
        "bottle", lambda module: patches.wrap(module.HTTPError, "__init__", bottle)
    )

    def litestar(
        wrapped: Callable[..., Any], app: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        result = wrapped(*args, **kwargs)
        # Unless it is in debug mode, or told to, Litestar logs nothing. Ours last: the app's own may log it.
        app.after_exception = [*app.after_exception, _after_exception]
        return result

    patches.after_import(
        "litestar.app", lambda module: patches.wrap(module.Litestar, "__init__", litestar)
    )


async def _after_exception(error: Exception, _: Any) -> None:
    if getattr(error, "status_code", _SERVER_ERROR) >= _SERVER_ERROR:
        record_unless_logged(error, _WHAT)
