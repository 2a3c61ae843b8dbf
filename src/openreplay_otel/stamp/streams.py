"""The tag before each line that goes to stdout or stderr while a session is the current one."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import wrapt

from ..context.session_context import session_id_of
from ..message_tag import LONGEST_TAG, joining, message_prefix, tagged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..patching import Patches


class TaggedStream(wrapt.ObjectProxy):  # pyright: ignore[reportMissingTypeArgument, reportUntypedBaseClass]
    """A text stream whose lines get the tag; all else is the real stream's.

    Nothing is held back: what is written goes on at once, a line in parts too. Whether a line has begun
    is known for each thread by itself, as two requests may print at the same time. A line ends with a
    line feed; a carriage return alone, as progress bars write it, does not end it. A forged tag that comes in
    parts gets a ``_`` where its parts meet.

    Args:
        stream: The real stream.
        tags: Names of the tags.
    """

    def __init__(self, stream: Any, tags: tuple[str, ...]) -> None:
        super().__init__(stream)  # pyright: ignore[reportUnknownMemberType] - untyped there
        self._self_write: Callable[[str], int] = stream.write
        self._self_tags = tags
        self._self_line = threading.local()
        # Of the stream, not of a thread: what two threads write is one text in the file.
        self._self_end = ""
        self._self_is_on = True

    def write(self, text: str) -> int:
        """Write a text; returns the number of its own characters."""
        if not self._self_is_on or not isinstance(text, str) or not text:  # pyright: ignore[reportUnnecessaryIsInstance] - the real one says what is wrong
            return self._self_write(text)
        line = self._self_line
        is_begun = getattr(line, "is_begun", False)
        line.is_begun = not text.endswith("\n")
        session_id = session_id_of()
        prefix = "" if session_id is None else message_prefix(session_id, self._self_tags)
        parts = text.split("\n")
        shown = [
            # The rest of a line that has its tag; an empty line needs none.
            tagged(part, session_id, "" if (index == 0 and is_begun) or not part else prefix)
            for index, part in enumerate(parts)
        ]
        whole = "\n".join(shown)
        if joining(self._self_end, whole, session_id):
            whole = "_" + whole
        self._self_end = (self._self_end + whole)[-LONGEST_TAG:].rpartition("\n")[2]
        self._self_write(whole)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def stop(self) -> None:
        """Go on without a tag, for those who keep this object."""
        self._self_is_on = False


def hook_streams(patches: Patches, names: Iterable[str], tags: tuple[str, ...]) -> None:
    """Put tagged streams in place of ``sys.stdout`` and ``sys.stderr``.

    Args:
        patches: Puts the real ones back.
        names: ``stdout``, ``stderr`` or both.
        tags: Names of the tags.
    """
    for name in names:
        real = getattr(sys, name)
        if real is None or isinstance(real, TaggedStream):
            continue
        stream = TaggedStream(real, tags)
        setattr(sys, name, stream)

        def undo(name: str = name, stream: Any = stream, real: Any = real) -> None:
            stream.stop()
            if getattr(sys, name) is stream:
                setattr(sys, name, real)

        patches.at_removal(undo)
