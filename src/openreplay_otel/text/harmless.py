"""Makes text that came from logs harmless for a terminal. Pure.

What an app logs is often what a stranger sent it: a colour code could hide a line, a cursor code
overwrite one, a bidi control show an address back to front.
"""

from __future__ import annotations

import re
from typing import Final

import orjson

_TAB_WIDTH: Final = 4
# C0 without line feed, DEL and C1, the bidi controls, the two Unicode line ends, lone surrogates.
_BEYOND_ASCII: Final = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSAFE: Final = re.compile(f"[\x00-\x09\x0b-\x1f{_BEYOND_ASCII}]")
_UNSAFE_IN_JSON: Final = re.compile(f"[{_BEYOND_ASCII}]")


def harmless(text: str) -> str:
    r"""A text whose control characters are shown instead of acted on; line ends stay.

    Args:
        text: Any text of a log.

    Returns:
        The text with tabs as blanks and every other control character as its escape, ``\x1b``.
    """
    text = text.replace("\r\n", "\n").expandtabs(_TAB_WIDTH)
    return _UNSAFE.sub(_escape, text)


def one_line(text: str) -> str:
    r"""As :func:`harmless`, with line ends shown as ``\n`` too: for names."""
    return harmless(text).replace("\n", "\\n")


def json_text(value: object) -> str:
    r"""A value as one line of JSON, in which nothing can act on a terminal.

    JSON escapes the control characters of ASCII itself; the others are written as ``\u009b`` here,
    which a parser reads as the same text.

    Args:
        value: Of the types of JSON.
    """
    return _UNSAFE_IN_JSON.sub(_escape_in_json, orjson.dumps(value).decode())


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def _escape_in_json(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
