"""All settings in one table: argument > environment variable > default.

The table below is the only place where a setting is described; parsing, error messages and the page
``docs/settings.md`` come from it. Nothing is read at import.
"""

from __future__ import annotations

import difflib
import logging
import os
import string
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from .errors import SettingsError
from .names import (
    DEFAULT_SESSION_INDEX,
    ENVIRONMENT_PREFIX,
    MESSAGE_TAG_ASAYER,
    MESSAGE_TAG_SESSION_ID,
    MESSAGE_TAG_SESSION_TOKEN,
)
from .session import replay_url_base
from .store_url import authorization_of, elasticsearch_hosts_of, sqlite_path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_logger = logging.getLogger(__name__)

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_TAGS: Final = (MESSAGE_TAG_SESSION_ID, MESSAGE_TAG_SESSION_TOKEN, MESSAGE_TAG_ASAYER)
_SHOWN: Final = 40
"""Characters of a wrong value that a message repeats: less than a session token has."""
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
_TIME_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_told: Final[set[str]] = set()
_TOKEN_CHARACTERS: Final = frozenset("!#$%&'*+-.^_`|~")


def default_store_url() -> str:
    """The embedded store used where none is named, in the user's state folder (XDG)."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    path = str(Path(state) / "openreplay-otel" / "logs.db")
    return f"sqlite:///{path.replace('%', '%25')}"


def _text(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise ValueError
    return text


def _store(value: object) -> str:
    url = _text(value)
    if sqlite_path_of(url) is None:
        elasticsearch_hosts_of(url)
    return url


def _api_key(value: object) -> str:
    key = _text(value)
    authorization_of([], key)
    return key


def _file(value: object) -> str:
    path = _text(value)
    if not Path(path).is_file():
        raise ValueError
    return path


def _url(value: str) -> str:
    replay_url_base(value, 1)
    return value.strip().rstrip("/")


def _project_id(value: str | int) -> int:
    number = int(value)
    if number <= 0:
        raise ValueError
    return number


def _boolean(value: str | bool) -> bool:  # noqa: FBT001 - a value of the table, not a switch
    if isinstance(value, bool):
        return value
    word = value.strip().lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise ValueError


def _size(value: str | int) -> int:
    number = int(value)
    if number < 1024:
        raise ValueError
    return number


def _seconds(value: str | float) -> float:
    number = float(value)
    if not 0 < number < 86400:
        raise ValueError
    return number


def _large_size(value: str | int) -> int:
    number, factor = _with_unit(str(value), _SIZE_UNITS)
    size = int(number * factor)
    if size < 1024 * 1024:
        raise ValueError
    return size


def _age(value: str | float) -> float:
    number, factor = _with_unit(str(value), _TIME_UNITS)
    if not 0 < number * factor < float("inf"):
        raise ValueError
    return number * factor


def _with_unit(text: str, units: Mapping[str, int]) -> tuple[float, int]:
    number = text.strip().rstrip("".join({*string.ascii_letters}))
    return float(number), units[text.strip()[len(number) :].lower()]


def _fsync(value: str) -> str:
    word = value.strip().lower()
    if word not in {"never", "interval", "always"}:
        raise ValueError
    return word


def _lead(value: str | float) -> float:
    number = float(value)
    if not 0 <= number < 86400:
        raise ValueError
    return number


def _index(value: str) -> str:
    name = value.strip()
    allowed = all(c.isascii() and (c.islower() or c.isdigit() or c in "-_.") for c in name)
    if not name or not allowed or name[0] in "-_." or name == "logs" or len(name) > 200:
        raise ValueError
    return name


def _words(value: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


def _tags(value: str | tuple[str, ...]) -> tuple[str, ...]:
    names = _words(value)
    if not names or any(name not in _TAGS for name in names):
        raise ValueError
    return tuple(dict.fromkeys(names))


def _streams(value: str | tuple[str, ...]) -> tuple[str, ...]:
    names = _words(value)
    if any(name not in {"stdout", "stderr"} for name in names):
        raise ValueError
    return tuple(dict.fromkeys(names))


def _header_names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    names = _words(value)
    if not all(c.isascii() and (c.isalnum() or c in _TOKEN_CHARACTERS) for c in "".join(names)):
        raise ValueError
    return names


def _sessionless(value: str) -> str:
    word = value.strip().lower()
    if word not in {"keep", "drop"}:
        raise ValueError
    return word


@dataclass(frozen=True)
class Row:
    """One row of the table, kept in the metadata of a field of :class:`Settings`.

    Attributes:
        read: Turns an argument or a variable's text into the value; ValueError where it cannot.
        expected: What the error says was expected.
        meaning: The sentence of the settings page.
        secret: True where the value is shown nowhere.
    """

    read: Callable[[Any], Any]
    expected: str
    meaning: str
    secret: bool = False


def _row(
    default: Any, read: Callable[[Any], Any], expected: str, meaning: str, *, secret: bool = False
) -> Any:
    row = Row(read, expected, meaning, secret)
    return field(default=default, repr=not secret, metadata={"row": row})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values in force. Make one with :meth:`load`; see ``docs/settings.md`` for each row."""

    store: str | None = _row(
        None, _store, "sqlite:///path.db or http(s)://host:9200 (several hosts: a comma list)",
        "Where records go and lookups read. Without it: `logs.db` in the user's state folder.",
        secret=True,
    )  # fmt: skip
    api_key: str | None = _row(
        None, _api_key, "an Elasticsearch API key, encoded or as id:key",
        "API key for Elasticsearch; a user and password can stand in the store's URL instead.",
        secret=True,
    )  # fmt: skip
    ca_certs: str | None = _row(
        None, _file, "the path of a PEM file that is there",
        "Certificate authority that signed Elasticsearch's certificate.",
    )  # fmt: skip
    verify_certs: bool = _row(
        True, _boolean, "true or false", "Whether Elasticsearch's certificate is checked."
    )  # fmt: skip
    http_compress: bool = _row(
        False, _boolean, "true or false",
        "Whether requests to Elasticsearch are compressed (gzip): less network, more CPU.",
    )  # fmt: skip
    request_max_bytes: int = _row(
        8 * 1024 * 1024, _size, "a number of bytes, 1024 at least",
        "Upper bound of one request to the store, before compression.",
    )  # fmt: skip
    export_timeout: float = _row(
        30.0, _seconds, "seconds, more than 0 and less than 86400",
        "How long one request to the store may take; for the exporter, one export with all its tries.",
    )  # fmt: skip
    shutdown_timeout: float = _row(
        5.0, _seconds, "seconds, more than 0 and less than 86400",
        "How long the end of the process may wait for the store to take what is queued. The rest stays in"
        " the spool.",
    )  # fmt: skip
    spool_dir: str | None = _row(
        None, _text, "the path of a folder",
        "Where records wait until the store has them, on a local disk. Without it: `spool` in the user's"
        " state folder, or in the folder for temporary files where that cannot be written.",
    )  # fmt: skip
    spool_max_bytes: int = _row(
        512 * 1024 * 1024, _large_size, "a number of bytes, 1 MiB at least, also as 512MiB or 1GiB",
        "How much may wait there, all processes together. Beyond it, the oldest records without a session are"
        " given up first, then the oldest.",
    )  # fmt: skip
    spool_max_age: float = _row(
        7 * 86400.0, _age, "seconds, or a number with s, m, h or d, such as 7d",
        "How long records may wait there until they are given up, in seconds.",
    )  # fmt: skip
    spool_fsync: Literal["never", "interval", "always"] = _row(
        "never", _fsync, "never, interval or always",
        "Whether records that wait are brought to the disk itself, each second or each one at once. Only a"
        " crash of the whole machine makes a difference.",
    )  # fmt: skip
    index: str = _row(
        DEFAULT_SESSION_INDEX, _index, "lower-case letters, digits, - _ . (not the name logs itself)",
        "Prefix of the session indexes in Elasticsearch: `<prefix>-<yyyy.mm.dd>`.",
    )  # fmt: skip
    sessionless: Literal["keep", "drop"] = _row(
        "keep", _sessionless, "keep or drop",
        "Whether records without a session are stored (in Elasticsearch: the data stream"
        " `logs-openreplay-default`).",
    )  # fmt: skip
    app_url: str | None = _row(
        None, _url, "the address of the OpenReplay dashboard, such as https://openreplay.example.com",
        "Address of the OpenReplay dashboard, for links to recordings.",
    )  # fmt: skip
    project_id: int | None = _row(
        None, _project_id, "the project's number, as in the dashboard's links",
        "Number of the OpenReplay project, for links to recordings.",
    )  # fmt: skip
    tags: tuple[str, ...] = _row(
        (MESSAGE_TAG_SESSION_ID,), _tags, "a comma list of " + ", ".join(_TAGS),
        "Which tags stand before a message. OpenReplay up to v1.20 reads `openReplaySessionToken`.",
    )  # fmt: skip
    stamp_message: bool = _row(
        True, _boolean, "true or false",
        "Whether the text of a record gets the tag already in the app, where every exporter sees it."
        " The document in the store has it in any case.",
    )  # fmt: skip
    stamp_plain_logs: bool = _row(
        False, _boolean, "true or false",
        "Whether messages of `logging` get the tag in every handler and format, for log files that a"
        " shipper reads.",
    )  # fmt: skip
    stamp_streams: tuple[str, ...] = _row(
        (), _streams, "a comma list of stdout, stderr",
        "Streams whose lines get the tag while a session is the current one.",
    )  # fmt: skip
    record_exceptions: bool = _row(
        True, _boolean, "true or false",
        "Whether a session's exceptions that nobody logs (uncaught, or only recorded on a span) become"
        " error records, and printed tracebacks get the tag.",
    )  # fmt: skip
    headers: tuple[str, ...] = _row(
        (), _header_names, "a comma list of header names",
        "Further request headers that may hold a session id or token, asked before the known ones.",
    )  # fmt: skip
    cookie: str | None = _row(
        None, _text, "a cookie's name",
        "Cookie that may hold the session id, for page loads and forms that carry no header.",
    )  # fmt: skip
    token_secret: str | None = _row(
        None, _text, "the OpenReplay server's token secret",
        "Where given, the signature of session tokens is checked and forged tokens are ignored.",
        secret=True,
    )  # fmt: skip
    replay_lead: float = _row(
        5.0, _lead, "seconds, 0 or more and less than 86400",
        "How long before a record the page's link into the recording begins.",
    )  # fmt: skip
    viewer_token: str | None = _row(
        None, _text, "a token of 16 characters or more",
        "What the page (`openreplay-otel serve`) asks for. Without one it is made where one is needed.",
        secret=True,
    )  # fmt: skip

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, /, **arguments: object) -> Settings:
        """Put the settings together: argument > environment > default.

        Args:
            environ: Variables to read; ``os.environ`` where None.
            **arguments: Values by field name; None counts as not given.

        Raises:
            SettingsError: An argument is unknown or of the wrong form. A wrong environment variable
                does not raise: it is warned of and its default is taken.
        """
        rows = table()
        # A process loads them several times: each wrong variable is told of once.
        told = _told if environ is None else set[str]()
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for name, value in environ.items():
            if name.startswith(ENVIRONMENT_PREFIX) and value.strip():
                values.update(_from_environment(name, value, rows, told))
        for name, argument in arguments.items():
            if name not in rows:
                raise SettingsError(f"{name}: no such setting{_nearest(name, rows)}")
            if argument is not None:
                values[name] = _from_argument(name, argument, rows[name])
        return cls(**values)


def table() -> dict[str, Row]:
    """The rows by field name, in the order of the settings page."""
    return {f.name: cast("Row", f.metadata["row"]) for f in fields(Settings)}


def variable(name: str) -> str:
    """The environment variable of a field."""
    return ENVIRONMENT_PREFIX + name.upper()


def _from_environment(
    variable_name: str, text: str, rows: Mapping[str, Row], told: set[str]
) -> dict[str, Any]:
    level = logging.DEBUG if f"{variable_name}={text}" in told else logging.WARNING
    name = variable_name.removeprefix(ENVIRONMENT_PREFIX).lower()
    row = rows.get(name)
    if row is None:
        known = {variable(n): r for n, r in rows.items()}
        told.add(f"{variable_name}={text}")
        _logger.log(level, "%s: no such variable%s", variable_name, _nearest(variable_name, known))
        return {}
    try:
        return {name: row.read(text)}
    except (ValueError, KeyError, OverflowError):
        default = next(f.default for f in fields(Settings) if f.name == name)
        # An address may hold a password, also where none was expected.
        is_secret = row.secret or "@" in text
        shown = "its value (not shown)" if is_secret else repr(text[:_SHOWN])
        told.add(f"{variable_name}={text}")
        _logger.log(
            level, "%s: %s cannot be used; expected %s; taking the default, %s",
            variable_name, shown, row.expected, default,
        )  # fmt: skip
        return {}


def _from_argument(name: str, argument: object, row: Row) -> object:
    try:
        return row.read(argument)
    except SettingsError:
        raise
    except (ValueError, TypeError, AttributeError, OverflowError, KeyError):
        shown = "" if row.secret or "@" in str(argument) else f", got {repr(argument)[:_SHOWN]}"
        raise SettingsError(f"{name}: expected {row.expected}{shown}") from None


def _nearest(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
