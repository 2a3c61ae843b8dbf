"""A record's fields as its page shows them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from ..text.harmless import harmless, json_text, one_line

if TYPE_CHECKING:
    from ..lookup.entries import LogEntry

_LONGEST_VALUE: Final = 20_000
_LONGEST_PATH: Final = 200


def fields_of(entry: LogEntry) -> list[tuple[str, str]]:
    """The document's fields by their paths, those with a place of their own left out.

    Args:
        entry: The record.

    Returns:
        Paths and values, both cut and harmless, sorted.
    """
    found: list[tuple[str, str]] = []

    def add(path: str, value: Any) -> None:
        if isinstance(value, dict) and value:
            for name, inner in cast("dict[str, Any]", value).items():
                # Cut at once: thousands of values below one long name would each repeat it.
                add(f"{path}.{name[:_LONGEST_PATH]}"[:_LONGEST_PATH], inner)
        elif not path.endswith("stack_trace") and path != "message":
            text = (
                harmless(value, _LONGEST_VALUE)
                if isinstance(value, str)
                else json_text(cast("object", value), _LONGEST_VALUE)
            )
            found.append((one_line(path, _LONGEST_PATH), text))

    for name, value in entry.document.items():
        add(name[:_LONGEST_PATH], value)
    return sorted(found)
