"""Makes text that came from logs harmless for a terminal. Pure.

What an app logs is often what a stranger sent it: a colour code could hide a line, a cursor code
overwrite one, a bidi control show an address back to front.
"""

from __future__ import annotations

import re
from typing import Final

import orjson

_TAB_WIDTH: Final = 4
_MOST_FOR_ONE: Final = 2
"""Characters that become a single one at most: a line end of Windows."""
# C0 without line feed, DEL and C1, the bidi controls, the two Unicode line ends, lone surrogates.
_BEYOND_ASCII: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSAFE: Final = re.compile(f"[\x00-\x09\x0b-\x1f{_BEYOND_ASCII}]")
_UNSAFE_IN_JSON: Final = re.compile(f"[{_BEYOND_ASCII}]")


def harmless(text: str, longest: int | None = None) -> str:
    r"""A text whose control characters are shown instead of acted on; line ends stay.

    Args:
        text: Any text of a log.
        longest: How many characters of the result are wanted, from its beginning; the rest of the text costs
            nothing then. To escape all of it first takes seconds for a text that is nothing but controls.

    Returns:
        The text with tabs as blanks and every other control character as its escape, ``\x1b``.
    """
    text = text if longest is None else text[: longest * _MOST_FOR_ONE]
    text = text.replace("\r\n", "\n").expandtabs(_TAB_WIDTH)
    return _UNSAFE.sub(_escape, text[:longest])[:longest]


def harmless_end(text: str, longest: int) -> str:
    """As :func:`harmless`, the end of it: a stack trace says last what happened.

    Args:
        text: Any text of a log.
        longest: How many characters are wanted.
    """
    text = text[-longest * _MOST_FOR_ONE :].replace("\r\n", "\n")
    return harmless(text[-longest:])[-longest:]


def one_line(text: str, longest: int | None = None) -> str:
    r"""As :func:`harmless`, with line ends shown as ``\n`` too: for names."""
    return harmless(text, longest).replace("\n", "\\n")[:longest]


def one_line_end(text: str, longest: int) -> str:
    r"""As :func:`one_line`, the end of it."""
    return harmless_end(text, longest).replace("\n", "\\n")[-longest:]


def json_text(value: object, longest: int | None = None) -> str:
    r"""A value as one line of JSON, in which nothing can act on a terminal.

    JSON escapes the control characters of ASCII itself; the others are written as ``\u009b`` here,
    which a parser reads as the same text.

    Args:
        value: Of the types of JSON.
        longest: How many characters are wanted, from the beginning.
    """
    text = orjson.dumps(value).decode()
    return _UNSAFE_IN_JSON.sub(_escape_in_json, text[:longest])[:longest]


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def _escape_in_json(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
