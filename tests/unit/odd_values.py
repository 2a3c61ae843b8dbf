"""Values that no app should log, and that some app will."""

from __future__ import annotations

from collections import UserDict
from enum import Enum, IntEnum
from typing import Any, Final

BIG: Final = 10**5000
"""More digits than Python turns into text."""


def looped() -> list[Any]:
    """A list that holds itself, twice, in a map."""
    inner: list[Any] = [1]
    inner += [{"again": inner}, inner]
    return inner


class Number(float):
    """As numpy's numbers are."""


class Colour(IntEnum):
    """A number with a name."""

    RED = 1


class Word(str, Enum):
    """A text with a name."""

    RED = "red"


class Silent:
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class Unwilling(UserDict[str, int]):
    """Cannot be walked through."""

    def items(self) -> Any:
        """No."""
        raise RuntimeError("no")

    def __len__(self) -> int:
        return 3
