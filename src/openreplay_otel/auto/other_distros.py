"""Other distros beside this package: where one is installed and none was chosen, it stays the chosen one."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.util._importlib_metadata import (
    entry_points,  # pyright: ignore[reportUnknownVariableType] - untyped there
)

from ..names import ENTRY_POINT


def other_of(group: str, variable: str) -> Any:
    """What would have been loaded without this package.

    OpenTelemetry takes the first entry point it comes across, in no certain order. Installing this
    package must not put aside the set-up that an app had.

    Args:
        group: The group of entry points.
        variable: The environment variable that chooses among them.

    Returns:
        What the other one's entry point names, or None: there is no other, or ours was chosen.
    """
    if os.environ.get(variable):
        return None  # It chose: by its name we are loaded.
    for found in entry_points(group=group):
        if found.name != ENTRY_POINT:
            return found.load()
    return None
