"""Tracebacks as Python prints them: with the session's tag, and, where nobody caught it, a record."""

from __future__ import annotations

import inspect
import io
import logging
import re
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import wrapt

from ..context.exception_memory import session_id_of_exception
from ..context.session_context import session_id_of
from ..message_tag import message_prefix, tagged
from ..stamp.streams import TaggedStream
from .exceptions import record_uncaught, record_unless_logged

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from ..patching import Patches

_FRAMES_OF_A_HOOK: Final = 6
_COLOUR = r"(?:\x1b\[[0-9;]*m)*"


def with_tag(text: str, error: BaseException | None, session_id: str | None, prefix: str) -> str:
    """A printed traceback with the tag in the line that names the exception, ``ValueError: [tag] …``, and no other.

    The line stays one that parsers of tracebacks know, and OpenReplay finds the tag anywhere in a text. Forged tags
    in messages, causes, notes and groups are made harmless.

    Args:
        text: What Python prints for the exception.
        error: The exception.
        session_id: Whose it is, or None.
        prefix: The tag, as :func:`message_prefix` makes it; empty for none.
    """
    text = tagged(text, session_id, "")
    if not text or not prefix or error is None:
        return text
    name = re.escape(type(error).__qualname__)
    line = re.compile(
        rf"^(?P<head>[ |+]*{_COLOUR}(?:[\w.<>]+\.)?{name}{_COLOUR})(?P<colon>: ?)?", re.MULTILINE
    )
    found = list(line.finditer(text))
    if not found:
        return text if text.startswith(prefix) else prefix + text
    # The causes come first, and the parts of a group last.
    match = found[0] if hasattr(error, "exceptions") else found[-1]
    rest = text[match.end() :]
    return text if rest.startswith(prefix) else f"{text[: match.end('head')]}: {prefix}{rest}"


def hook_printing(patches: Patches, tags: tuple[str, ...]) -> None:
    """Put the tag into what ``traceback.print_exception`` and its relatives print.

    Args:
        patches: Takes the patch off again.
        tags: Names of the tags.
    """

    def print_exception(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        error = None if _is_called_by_logging() else _printed(args, kwargs)
        session_id = None if error is None else session_id_of() or session_id_of_exception(error)
        at = 4 if len(args) > 4 else None
        file: Any = args[4] if at is not None else kwargs.get("file")
        out = sys.stderr if file is None else file
        if out is None or isinstance(out, TaggedStream):
            return wrapped(*args, **kwargs)
        if (
            error is not None
            and session_id is not None
            and any(out is one for one in (sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__))
        ):
            # To the terminal, as small servers do; a log's formatter prints into a text of its own.
            record_unless_logged(error, "Exception printed")
        collected = _Collecting(out)
        if at is not None:
            args = (*args[:at], collected, *args[at + 1 :])
        else:
            kwargs = {**kwargs, "file": collected}
        prefix = "" if session_id is None else message_prefix(session_id, tags)
        try:
            return wrapped(*args, **kwargs)
        finally:
            text = collected.text()
            if text:
                out.write(with_tag(text, error, session_id, prefix))

    # print_exc() and print_last() call it by its name in the module.
    patches.wrap(traceback, "print_exception", print_exception)


def hook_uncaught(patches: Patches, tags: tuple[str, ...]) -> None:
    """Make a record of an uncaught exception of a session, and put the tag into what is printed.

    Args:
        patches: Takes the hooks off again.
        tags: Names of the tags.
    """

    def excepthook(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        return _told(args[1] if len(args) > 1 else None, "the program", wrapped, args, kwargs)

    def in_thread(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        hooked = args[0] if args else None
        where = f"thread {getattr(getattr(hooked, 'thread', None), 'name', '')}".strip()
        return _told(getattr(hooked, "exc_value", None), where, wrapped, args, kwargs)

    def unraisable(
        wrapped: Callable[..., Any], _: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        hooked = args[0] if args else None
        where = "a place that cannot raise"
        return _told(getattr(hooked, "exc_value", None), where, wrapped, args, kwargs)

    def _told(
        error: BaseException | None,
        where: str,
        wrapped: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        session_id = session_id_of() or session_id_of_exception(error)
        prefix = "" if session_id is None else message_prefix(session_id, tags)
        if error is None:
            return wrapped(*args, **kwargs)
        try:
            with _tagged_stderr(error, session_id, prefix):
                return wrapped(*args, **kwargs)
        finally:
            # After the hooks below: one of them may have logged it. The app's own error is what has to be seen,
            # whatever happens here.
            with suppress(Exception):
                record_uncaught(error, where)

    patches.wrap(sys, "excepthook", excepthook)
    patches.wrap(threading, "excepthook", in_thread)
    patches.wrap(sys, "unraisablehook", unraisable)


def _is_called_by_logging() -> bool:
    """Tell whether ``logging`` prints what a handler could not do: the line itself has its record."""
    frame = inspect.currentframe()
    # This function, the hook, and what calls the hook where wrapt has no C code.
    for _ in range(_FRAMES_OF_A_HOOK):
        if frame is None:
            return False
        if frame.f_code is logging.Handler.handleError.__code__:
            return True
        frame = frame.f_back
    return False


def _printed(args: Sequence[Any], kwargs: Mapping[str, Any]) -> BaseException | None:
    """The exception among the arguments: print_exception(exc) or print_exception(type, exc, tb)."""
    first = args[0] if args else kwargs.get("exc")
    if isinstance(first, BaseException):
        return first
    value = args[1] if len(args) > 1 else kwargs.get("value")
    return value if isinstance(value, BaseException) else None


class _Collecting(wrapt.ObjectProxy):  # pyright: ignore[reportMissingTypeArgument, reportUntypedBaseClass]
    """A stream that keeps what is written, and is the real one in all else (colours depend on that)."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)  # pyright: ignore[reportUnknownMemberType] - untyped there
        self._self_kept = io.StringIO()

    def write(self, text: str) -> int:
        return self._self_kept.write(text)

    def writelines(self, lines: Sequence[str]) -> None:
        self._self_kept.writelines(lines)

    def text(self) -> str:
        return self._self_kept.getvalue()


@contextmanager
def _tagged_stderr(error: BaseException, session_id: str | None, prefix: str) -> Generator[None]:
    """For as long as the hooks before ours print the traceback, whichever way they do it."""
    stream = sys.stderr
    if stream is None or isinstance(stream, TaggedStream):  # pyright: ignore[reportUnnecessaryComparison] - None under pythonw
        yield
        return
    collected = _Collecting(stream)
    sys.stderr = cast("TextIO", collected)
    try:
        yield
    finally:
        if cast("Any", sys.stderr) is collected:
            sys.stderr = stream
        # As Python's own hooks: a stream that takes nothing is no further error.
        with suppress(Exception):
            stream.write(with_tag(collected.text(), error, session_id, prefix))
            stream.flush()
