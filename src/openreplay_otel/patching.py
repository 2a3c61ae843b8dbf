"""Patches that can be taken off again: wrapt's wrappers, and what to do once a module is imported."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Wrapper = Callable[[Callable[..., Any], Any, Sequence[Any], Mapping[str, Any]], Any]

_logger = logging.getLogger(__name__)
_ABSENT = object()


class Patches:
    """Patches that go on one by one and off together.

    Other packages patch the same places. So a patch of ours is taken off by putting the original back
    only where ours still stands on top; where another one was put over it, ours stays there and
    does nothing but call on.
    """

    def __init__(self) -> None:
        self._is_on = True
        self._undo: list[Callable[[], None]] = []

    @property
    def is_on(self) -> bool:
        """False once taken off."""
        return self._is_on

    def wrap(self, owner: Any, name: str, wrapper: Wrapper) -> None:
        """Wrap a function or method.

        Args:
            owner: A module or class.
            name: The attribute of it.
            wrapper: Called with the original, its instance or None, and the arguments.
        """

        def make(original: Any) -> Any:
            return wrapt.FunctionWrapper(original, wrapper, enabled=lambda: self._is_on)

        self.put_over(owner, name, make)

    def put_over(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Put something over a function or method that is called too often for a wrapper of ``wrap``.

        Args:
            owner: A module or class.
            name: The attribute of it.
            make: Given the original, makes what takes its place; that has to look at ``is_on`` itself.
        """
        is_inherited = isinstance(owner, type) and name not in vars(owner)
        original = getattr(owner, name) if is_inherited else vars(owner)[name]
        wrapped = make(original)
        setattr(owner, name, wrapped)

        def undo() -> None:
            if vars(owner).get(name) is not wrapped:
                return
            if is_inherited:
                delattr(owner, name)
            else:
                setattr(owner, name, original)

        self._undo.append(undo)

    def after_import(self, module: str, patch: Callable[[Any], None]) -> None:
        """Patch a module when it is imported, or now where it has been.

        A module that is not as expected (another version) stays as it is, with a line at debug level.

        Args:
            module: Its full name. It is not imported here.
            patch: Called with the module.
        """

        def guarded(loaded: Any) -> None:
            if not self._is_on:
                return
            try:
                patch(loaded)
            except Exception as error:  # noqa: BLE001 - an import of the app's must not fail by it
                _logger.debug("%s was left as it is: %s", module, error)

        if module in sys.modules:
            guarded(sys.modules[module])
        else:
            wrapt.register_post_import_hook(guarded, module)

    def at_removal(self, undo: Callable[[], None]) -> None:
        """Call something when the patches go off."""
        self._undo.append(undo)

    def remove(self) -> None:
        """Take all off, the last one first; a second call does nothing."""
        self._is_on = False
        while self._undo:
            self._undo.pop()()
