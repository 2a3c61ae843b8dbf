"""What the contract says of ids and tokens, written a second time without the package's own code."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from hypothesis import settings

PROPERTY: Final = settings(deadline=None, max_examples=150)
"""For property tests: moderate, and not failed by a busy machine."""

SECRET: Final = "the server's own secret"
EXAMPLE_ID: Final = "2618307011354435587"
EXAMPLE_TOKEN_ID: Final = "jw4wdfpgqhoj"
EXAMPLE_STARTED_MS: Final = 1_706_063_259_324
"""2024-01-24T02:27:39.324Z."""
NOW_MS: Final = EXAMPLE_STARTED_MS + 20 * 60 * 1000
MINUTE_MS: Final = 60 * 1000
DAY_MS: Final = 24 * 60 * MINUTE_MS
LARGEST_ID: Final = 18_446_744_073_709_551_615

_DIGITS36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_DIGITS58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base36(number: int) -> str:
    """A whole number with the digits 0-9a-z."""
    if number < 0:
        return "-" + base36(-number)
    head, last = divmod(number, 36)
    return (base36(head) if head else "") + _DIGITS36[last]


def base58(data: bytes) -> str:
    """Bytes as Bitcoin writes them: long division by hand, a leading zero byte is a leading ``1``."""
    digits: list[int] = []
    for byte in data:
        carry = byte
        for place, digit in enumerate(digits):
            carry += digit * 256
            digits[place] = carry % 58
            carry //= 58
        while carry:
            digits.append(carry % 58)
            carry //= 58
    zeros = next((i for i, byte in enumerate(data) if byte), len(data))
    return "1" * zeros + "".join(_DIGITS58[digit] for digit in reversed(digits))


def token(
    session_id: int | str = EXAMPLE_ID,
    *,
    delay: int | None = 0,
    expires_ms: int = NOW_MS + DAY_MS,
    secret: str = SECRET,
) -> str:
    """A token as the server makes it: of four parts, or of three where there is no delay."""
    numbers = (
        [int(session_id), expires_ms] if delay is None else [int(session_id), delay, expires_ms]
    )
    signed = ".".join(base36(number) for number in numbers)
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base58(digest)}"


def id_beginning_at(unix_ms: int, sequence: int = 7) -> str:
    """An id of a session that began at a moment."""
    return str((unix_ms - 1_550_000_000_000 << 24) + sequence)


def session_in_header(value: str, now_ms: int = NOW_MS) -> str | None:
    """The session that a header's value names, read one character after the other."""
    value = value.strip()
    if _is_all_of(value, "0123456789", 20):
        return value if value[0] != "0" and int(value) <= LARGEST_ID else None
    *numbers, signature = value.split(".")
    delay = numbers.pop(1) if len(numbers) == 3 else "0"
    is_token = (
        len(numbers) == 2
        and all(_is_all_of(number, _DIGITS36, 13) for number in numbers)
        and _is_all_of(delay.removeprefix("-"), _DIGITS36, 13)
        and _is_all_of(signature, _DIGITS58, 64)
    )
    if not is_token:
        return None
    number, expires_ms = (_from_base36(number) for number in numbers)
    is_current = expires_ms >= now_ms - 10 * MINUTE_MS
    return str(number) if is_current and 1 <= number <= LARGEST_ID else None


def _is_all_of(text: str, characters: str, most: int) -> bool:
    return 0 < len(text) <= most and all(character in characters for character in text)


def _from_base36(text: str) -> int:
    number = 0
    for character in text:
        number = number * 36 + _DIGITS36.index(character)
    return number
