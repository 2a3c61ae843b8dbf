"""How large a request may be: found out from what the store says of those before."""

from __future__ import annotations

from typing import Final

_USUAL: Final = 2 * 1024 * 1024
_SMALLEST: Final = 16 * 1024


class RequestSize:
    """The size of the next request.

    Args:
        most: Upper bound in bytes.

    Attributes:
        bytes: The size of the next request, in bytes.
    """

    def __init__(self, most: int) -> None:
        self._usual = min(most, _USUAL)
        self.bytes = self._usual

    def was_fine(self) -> None:
        """The last request was taken: go back to the usual size little by little."""
        if self.bytes < self._usual:
            self.bytes = min(self._usual, self.bytes * 3 // 2)

    def was_too_much(self) -> None:
        """The store is too busy: less at a time for now."""
        self.bytes = max(min(_SMALLEST, self._usual), self.bytes // 2)

    def was_too_large(self, size: int) -> None:
        """The store does not take requests of this size: none so large is sent again."""
        self._usual = max(1, min(self._usual, size // 2))
        self.bytes = self._usual
