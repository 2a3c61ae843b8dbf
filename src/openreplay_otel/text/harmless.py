"""Makes text that came from logs harmless for a terminal. Pure.

What an app logs is often what a stranger sent it: a colour code could hide a line, a cursor code
overwrite one, a bidi control show an address back to front, an unseen character make two names look alike.
"""

from __future__ import annotations

import re
from typing import Final

import orjson

_TAB_WIDTH: Final = 4
_MOST_FOR_ONE: Final = 2
"""Characters that become a single one at most: a line end of Windows."""
# DEL and C1, the two Unicode line ends, lone surrogates, and Unicode's format characters (category Cf:
# bidi controls, zero-width characters, tags).
_BEYOND_ASCII: Final = (
    "\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
# The two joiners belong to Persian, to Indian scripts and to emoji: they stay between two such characters.
_JOINERS: Final = "\u200c\u200d"
_JOINED: Final = f"[^\x00-\x7f{_BEYOND_ASCII}{_JOINERS}]"
_UNSAFE_JOINERS: Final = f"[{_JOINERS}]{{2,}}|(?<!{_JOINED})[{_JOINERS}]|[{_JOINERS}](?!{_JOINED})"
# In runs: to be called for each character takes several times as long, and a hostile text has nothing else.
# C0 without line feed.
_UNSAFE: Final = re.compile(f"[\x00-\x09\x0b-\x1f{_BEYOND_ASCII}]+|{_UNSAFE_JOINERS}")
_UNSAFE_IN_JSON: Final = re.compile(f"[{_BEYOND_ASCII}]+|{_UNSAFE_JOINERS}")


def harmless(text: str, longest: int | None = None) -> str:
    r"""A text whose control and format characters are shown instead of acted on; line ends stay.

    Args:
        text: Any text of a log.
        longest: How many characters of the result are wanted, from its beginning; the rest of the text costs
            nothing then. To escape all of it first takes seconds for a text that is nothing but controls.

    Returns:
        The text with tabs as blanks and every other such character as its escape, ``\x1b``.
    """
    text = text if longest is None else text[: longest * _MOST_FOR_ONE]
    if text.isascii() and text.isprintable():
        return text[:longest]
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


def json_text(value: object, longest: int | None = None, *, indented: bool = False) -> str:
    r"""A value as JSON, in which nothing can act on a terminal.

    JSON escapes the control characters of ASCII itself; the others are written as ``\u009b`` here,
    which a parser reads as the same text.

    Args:
        value: Of the types of JSON.
        longest: How many characters are wanted, from the beginning.
        indented: Whether it is for a person, in several lines, instead of in one.
    """
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indented else None).decode()
    return _UNSAFE_IN_JSON.sub(_escape_in_json, text[:longest])[:longest]


class _Escapes(dict[str, str]):
    """The escape of each character, made when it is first asked for."""

    def __missing__(self, character: str) -> str:
        code = ord(character)
        short = f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
        return self.setdefault(character, short if code <= 0xFFFF else f"\\U{code:08x}")


_escapes: Final = _Escapes()


def _escape(match: re.Match[str]) -> str:
    return "".join([_escapes[character] for character in match[0]])


def _escape_in_json(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
