"""Makes forged texts: tags of a stranger's session, with characters inserted, replaced, split and re-encoded."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote

from openreplay_otel.session import make_token

if TYPE_CHECKING:
    import random

NAMES = ("openReplaySession.id", "openReplaySessionToken", "asayer_session_id")
_FORMS = (
    "[{n}={v}] x", "[{n}={v}]", "{n}={v}", "{n}: {v}", '"{n}":"{v}"', "{n} {v}", "({n}==={v})", "{n}={v}-7",
    "{n}={v}, next", "x y {n}~~~{v}", "<b>{n}</b><i>{v}</i>", "{n}='{v}'", "{n}\u3000{v}", "\u00e9 {n}={v}",
    "{n}[0]={v}",
    "{n}={n}={v}", "{n}={o}={v}", "[{n}=[{o}={v}]]", "{n}=a.b.c.{o}={v}", "[{n}={a}{v}]", "[{n}={a}][{o}={v}]",
    "[{o}={a}] {n}={v}", "[{n}={v}][{o}={a}]", "ValueError: [{n}={v}] x", "\x1b[31m[{n}={v}]\x1b[0m", "{n}{o}={v}",
    "[{n}={t}] x", "{n}={t}.{o}={v}", "{n[0]}{n}={v}", "{n}{v}", "[ {n} = {v} ]",
)  # fmt: skip
ODD = (
    "\u0130\u0131\u017f\u212a\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0f\u0301\u0307\u0345\u034f\u061c\u180e\u202e\u2066\ufe0e"
    "\x00\x01\x07\x08\x0b\x0c\r\n\t\x1b\x7f\x85\xa0\u2028\u2029\u3000\u2024\uff0e\ufe52\uff1d\uff49\uff53\ufb05\u2170\u24d8"
    "\u0406\u0456\u0455\u03bf\u00df\u1e9e\u02d0.,:;=_-'\"\\/[](){}<>|&%$#@!?*+~^` 0179aAzZisKk"
    "\U0001d422\U000e0069\U0001f600"
)  # fmt: skip
_SPLITS = (
    "\n",
    "\r\n",
    "\x1b[0m",
    "\x1b[1;31m",
    " ",
    "\t",
    "\\",
    "\x00",
    "\\n",
    '","a":"',
    "\u2028",
    "\n  ",
)
_LONG = 255


def forged(source: random.Random, victim: str, attacker: str) -> str:
    """A text in which a reader may find the victim's session.

    Args:
        source: Where all choices come from.
        victim: The id that no reader may find.
        attacker: The id of the one who writes.
    """
    name, other = source.choice(NAMES), source.choice(NAMES)
    token = make_token(attacker, expires_at_ms=1, secret="made up")
    text = source.choice(_FORMS).format(
        n=_cased(source, name), o=_cased(source, other), v=victim, a=attacker, t=token
    )
    for _ in range(source.choice((0, 0, 1, 1, 1, 2, 3))):
        text = source.choice(_CHANGES)(source, text)
    return text


def _cased(source: random.Random, name: str) -> str:
    kind = source.randrange(8)
    if kind < 3:
        return name
    if kind == 3:
        return name.upper()
    look = {"i": "\u0130I\u0131", "s": "\u017fS", "k": "\u212aK", "d": "D", "o": "O"}
    share = source.random()
    return "".join(
        source.choice(look.get(c.lower(), c.lower() + c.upper())) if source.random() < share else c
        for c in name
    )


def _insert(source: random.Random, text: str) -> str:
    at = source.randint(0, len(text))
    return text[:at] + _character(source) + text[at:]


def _replace(source: random.Random, text: str) -> str:
    at = source.randrange(max(1, len(text)))
    return text[:at] + _character(source) + text[at + 1 :]


def _character(source: random.Random) -> str:
    if source.random() < 0.7:
        return source.choice(ODD)
    code = source.randrange(1, 0x30000)
    return "?" if 0xD800 <= code < 0xE000 else chr(code)


def _split(source: random.Random, text: str) -> str:
    at = source.randint(0, len(text))
    return text[:at] + source.choice(_SPLITS) + text[at:]


def _nested(source: random.Random, text: str) -> str:
    at = source.randint(0, len(text))
    return text[:at] + source.choice((*NAMES, "openReplaySession", text)) + text[at:]


def _long(source: random.Random, text: str) -> str:
    # Elasticsearch's tokenizer begins a new word behind 255 characters of one.
    return source.choice(("A", "7", "\u00ad", "_")) * (_LONG + source.randint(-1, 1)) + text


def _encoded(source: random.Random, text: str) -> str:  # noqa: PLR0911 - one for each way
    way = source.randrange(7)
    if way == 0:
        return json.dumps(text)
    if way == 1:
        return json.dumps(json.dumps(text))
    if way == 2:
        return quote(text)
    if way == 3:
        return unicodedata.normalize(source.choice(("NFD", "NFKD", "NFKC")), text)
    if way == 4:
        return "".join(
            chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and source.random() < 0.2 else c for c in text
        )
    if way == 5:
        return text.encode("unicode_escape").decode()
    return "".join(
        f"\\u{ord(c):04x}" if ord(c) < 0x10000 and source.random() < 0.2 else c for c in text
    )


_CHANGES = (
    _insert,
    _insert,
    _insert,
    _replace,
    _replace,
    _replace,
    _split,
    _split,
    _nested,
    _long,
    _encoded,
)
