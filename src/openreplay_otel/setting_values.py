"""Turns an argument, or a variable's text, into the value of a setting, ValueError where it cannot; and back. Pure."""

from __future__ import annotations

import string
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from .collector_url import collector_address
from .names import MESSAGE_TAG_ASAYER, MESSAGE_TAG_SESSION_ID, MESSAGE_TAG_SESSION_TOKEN
from .session import replay_url_base
from .store_url import authorization_of, elasticsearch_hosts_of, sqlite_path_of
from .text import typed

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
TAGS: Final = (MESSAGE_TAG_SESSION_ID, MESSAGE_TAG_SESSION_TOKEN, MESSAGE_TAG_ASAYER)
_SIZE_UNITS: Final = {
    "": 1,
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
_TOKEN_CHARACTERS: Final = frozenset("!#$%&'*+-.^_`|~")


def as_written(value: object, separator: str = ",") -> str:
    """A setting's value as one would write it into its variable; ``none`` for no value.

    Args:
        value: The value.
        separator: Between the parts of one that has several.
    """
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return separator.join(map(str, cast("tuple[object, ...]", value)))
    return str(value).lower() if isinstance(value, bool) else str(value)


def text(value: object) -> str:
    """A text that is not empty."""
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise ValueError
    return text


def store_url(value: object) -> str:
    """The URL of a store."""
    url = text(value)
    if sqlite_path_of(url) is None:
        elasticsearch_hosts_of(url)
    return url


def collector_url(value: object) -> str:
    """The address of a Collector."""
    return collector_address(text(value)).shown


def api_key(value: object) -> str:
    """An API key, encoded or as id:key."""
    key = text(value)
    authorization_of([], key)
    return key


def file_path(value: object) -> str:
    """The path of a file that is there."""
    path = text(value)
    if not Path(path).is_file():
        raise ValueError
    return path


def app_url(value: str) -> str:
    """The address of OpenReplay's dashboard."""
    replay_url_base(value, 1)
    return value.strip().rstrip("/")


def project_id(value: str | int) -> int:
    """A project's number."""
    number = int(value)
    if number <= 0:
        raise ValueError
    return number


def boolean(value: str | bool) -> bool:  # noqa: FBT001 - a value of the table, not a switch
    """True or false, also as words."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise ValueError


def size(value: str | int) -> int:
    """Bytes, 1024 at least."""
    number = int(value)
    if number < 1024:
        raise ValueError
    return number


def seconds(value: str | float) -> float:
    """Seconds, more than 0 and less than a day."""
    number = typed.seconds(value)
    if not 0 < number < 86400:
        raise ValueError
    return number


def large_size(value: str | int) -> int:
    """Bytes, 1 MiB at least, also with a unit."""
    number, factor = _with_unit(str(value), _SIZE_UNITS)
    size = int(number * factor)
    if size < 1024 * 1024:
        raise ValueError
    return size


def age(value: str | float) -> float:
    """Seconds, also with a unit of time."""
    number = typed.seconds(value)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def _with_unit(text: str, units: Mapping[str, int]) -> tuple[float, int]:
    number = text.strip().rstrip("".join({*string.ascii_letters}))
    return float(number), units[text.strip()[len(number) :].lower()]


def fsync(value: str) -> str:
    """never, interval or always."""
    word = value.strip().lower()
    if word not in {"never", "interval", "always"}:
        raise ValueError
    return word


def seconds_or_zero(value: str | float) -> float:
    """Seconds, 0 or more and less than a day."""
    number = typed.seconds(value)
    if not 0 <= number < 86400:
        raise ValueError
    return number


def index_prefix(value: str) -> str:
    """The prefix of index names."""
    name = value.strip()
    allowed = all(c.isascii() and (c.islower() or c.isdigit() or c in "-_.") for c in name)
    if not name or not allowed or name[0] in "-_." or name == "logs" or len(name) > 200:
        raise ValueError
    return name


def words(value: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """The parts of a comma list."""
    return typed.comma_list(value if isinstance(value, str) else ",".join(value))


def tags(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Names of message tags."""
    names = words(value)
    if not names or any(name not in TAGS for name in names):
        raise ValueError
    return tuple(dict.fromkeys(names))


def streams(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """stdout, stderr or both."""
    names = words(value)
    if any(name not in {"stdout", "stderr"} for name in names):
        raise ValueError
    return tuple(dict.fromkeys(names))


def header_names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Names of headers."""
    names = words(value)
    if not all(c.isascii() and (c.isalnum() or c in _TOKEN_CHARACTERS) for c in "".join(names)):
        raise ValueError
    return names


def sessionless(value: str) -> str:
    """Keep or drop."""
    word = value.strip().lower()
    if word not in {"keep", "drop"}:
        raise ValueError
    return word
