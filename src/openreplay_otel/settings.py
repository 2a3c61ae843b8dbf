"""All settings in one table: argument > environment variable > default.

The table below is the only place where a setting is described; parsing, error messages and the page
``docs/settings.md`` come from it. Nothing is read at import.
"""

from __future__ import annotations

import difflib
import logging
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

from . import setting_values as to
from .collector_url import FORMS as COLLECTOR_FORMS
from .errors import SettingsError
from .names import DEFAULT_SESSION_INDEX, ENVIRONMENT_PREFIX, MESSAGE_TAG_SESSION_ID
from .store_url import sqlite_url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from typing_extensions import Unpack

_logger = logging.getLogger(__name__)

BOTH_GIVEN: Final = (
    "collector: a Collector and a store were given; records go to one of them, as the Collector has a store of"
    " its own: leave one out"
)
_SHOWN: Final = 40
"""Characters of a wrong value that a message repeats: less than a session token has."""
_told: Final[set[str]] = set()


def default_store_url() -> str:
    """The embedded store used where none is named, in the user's state folder (XDG)."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return sqlite_url_of(str(Path(state) / "openreplay-otel" / "logs.db"))


class SettingsArguments(TypedDict, total=False):
    """The settings as arguments, as far as one may write them differently from how they are kept.

    All but ``store``, which is a parameter of its own wherever there is one. None counts as not given.
    """

    collector: str | None
    api_key: str | None
    ca_certs: str | None
    verify_certs: bool | None
    http_compress: bool | None
    request_max_bytes: int | str | None
    export_timeout: float | str | None
    shutdown_timeout: float | str | None
    spool_dir: str | None
    spool_max_bytes: int | str | None
    spool_max_age: float | str | None
    spool_fsync: Literal["never", "interval", "always"] | None
    index: str | None
    sessionless: Literal["keep", "drop"] | None
    app_url: str | None
    project_id: int | str | None
    tags: Iterable[str] | None
    stamp_message: bool | None
    stamp_plain_logs: bool | None
    session_after_request: float | str | None
    stamp_streams: Iterable[str] | None
    record_exceptions: bool | None
    excluded_loggers: Iterable[str] | None
    headers: Iterable[str] | None
    cookie: str | None
    token_secret: str | None
    replay_lead: float | str | None
    viewer_token: str | None


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
    """The values in force. :meth:`load` reads the environment, too; see ``docs/settings.md`` for each row.

    Raises:
        SettingsError: A value is of the wrong form.
    """

    store: str | None = _row(
        None, to.store_url, "sqlite:///path.db or http(s)://host:9200 (several hosts: a comma list)",
        "Where records go and lookups read. Without it: `logs.db` in the user's state folder.",
        secret=True,
    )  # fmt: skip
    collector: str | None = _row(
        None, to.collector_url, COLLECTOR_FORMS,
        "OpenTelemetry Collector to which records are sent by OTLP, instead of to a store. Where both are named,"
        " the store is what lookups read.",
    )  # fmt: skip
    api_key: str | None = _row(
        None, to.api_key, "an Elasticsearch API key, encoded or as id:key",
        "API key for Elasticsearch; a user and password can stand in the store's URL instead.",
        secret=True,
    )  # fmt: skip
    ca_certs: str | None = _row(
        None, to.file_path, "the path of a PEM file that is there",
        "Certificate authority that signed Elasticsearch's certificate.",
    )  # fmt: skip
    verify_certs: bool = _row(
        True, to.boolean, "true or false", "Whether Elasticsearch's certificate is checked."
    )  # fmt: skip
    http_compress: bool = _row(
        False, to.boolean, "true or false",
        "Whether requests to Elasticsearch are compressed (gzip): less network, more CPU.",
    )  # fmt: skip
    request_max_bytes: int = _row(
        8 * 1024 * 1024, to.size, "a number of bytes, 1024 at least",
        "Upper bound of one request to the store, before compression.",
    )  # fmt: skip
    export_timeout: float = _row(
        30.0, to.seconds, "seconds, or a duration such as 30s or 5m; more than 0 and less than a day",
        "How long one request to the store may take.",
    )  # fmt: skip
    shutdown_timeout: float = _row(
        5.0, to.seconds, "seconds, or a duration such as 30s or 5m; more than 0 and less than a day",
        "How long the end of the process may wait for the store to take what is queued. The rest stays in"
        " the spool.",
    )  # fmt: skip
    spool_dir: str | None = _row(
        None, to.text, "the path of a folder",
        "Where records wait until the store has them, on a local disk. Without it: `spool` in the user's"
        " state folder, or in the folder for temporary files where that cannot be written.",
    )  # fmt: skip
    spool_max_bytes: int = _row(
        512 * 1024 * 1024, to.large_size, "a number of bytes, 1 MiB at least, also as 512MiB or 1GiB",
        "How much may wait there, all processes together. Beyond it, the oldest records without a session are"
        " given up first, then the oldest.",
    )  # fmt: skip
    spool_max_age: float = _row(
        7 * 86400.0, to.age, "seconds, or a duration such as 12h or 7d",
        "How long records may wait there until they are given up, in seconds.",
    )  # fmt: skip
    spool_fsync: Literal["never", "interval", "always"] = _row(
        "never", to.fsync, "never, interval or always",
        "Whether records that wait are brought to the disk itself, each second or each one at once. Only a"
        " crash of the whole machine makes a difference.",
    )  # fmt: skip
    index: str = _row(
        DEFAULT_SESSION_INDEX, to.index_prefix, "lower-case letters, digits, - _ . (not the name logs itself)",
        "Prefix of the session indexes in Elasticsearch: `<prefix>-<yyyy.mm.dd>`.",
    )  # fmt: skip
    sessionless: Literal["keep", "drop"] = _row(
        "keep", to.sessionless, "keep or drop",
        "Whether records without a session are stored (in Elasticsearch: the data stream"
        " `logs-openreplay-default`).",
    )  # fmt: skip
    app_url: str | None = _row(
        None, to.app_url, "the address of the OpenReplay dashboard, such as https://openreplay.example.com",
        "Address of the OpenReplay dashboard, for links to recordings.",
    )  # fmt: skip
    project_id: int | None = _row(
        None, to.project_id, "the project's number, as in the dashboard's links",
        "Number of the OpenReplay project, for links to recordings.",
    )  # fmt: skip
    tags: tuple[str, ...] = _row(
        (MESSAGE_TAG_SESSION_ID,), to.tags, "a comma list of " + ", ".join(to.TAGS),
        "Which tags stand before a message. OpenReplay up to v1.20 reads `openReplaySessionToken`.",
    )  # fmt: skip
    stamp_message: bool = _row(
        True, to.boolean, "true or false",
        "Whether the text of a record gets the tag already in the app, where every exporter sees it."
        " The document in the store has it in any case.",
    )  # fmt: skip
    stamp_plain_logs: bool = _row(
        False, to.boolean, "true or false",
        "Whether messages of `logging` get the tag in every handler and format, for log files that a"
        " shipper reads.",
    )  # fmt: skip
    session_after_request: float = _row(
        30.0, to.seconds_or_zero, "seconds, or a duration such as 30s or 5m; 0 or more and less than a day",
        "How long a session goes on after its request, in the threads, tasks and processes that were begun in it."
        " Those may work for others by then.",
    )  # fmt: skip
    stamp_streams: tuple[str, ...] = _row(
        (), to.streams, "a comma list of stdout, stderr",
        "Streams whose lines get the tag while a session is the current one.",
    )  # fmt: skip
    record_exceptions: bool = _row(
        True, to.boolean, "true or false",
        "Whether a session's exceptions that nobody logs (uncaught, or only recorded on a span) become"
        " error records, and printed tracebacks get the tag.",
    )  # fmt: skip
    excluded_loggers: tuple[str, ...] = _row(
        (), to.words, "a comma list of names of loggers",
        "Loggers of `logging` whose lines do not become records, their children included.",
    )  # fmt: skip
    headers: tuple[str, ...] = _row(
        (), to.header_names, "a comma list of header names",
        "Further request headers that may hold a session id or token, asked before the known ones.",
    )  # fmt: skip
    cookie: str | None = _row(
        None, to.text, "a cookie's name",
        "Cookie that may hold the session id, for page loads and forms that carry no header.",
    )  # fmt: skip
    token_secret: str | None = _row(
        None, to.text, "the OpenReplay server's token secret",
        "Where given, the signature of session tokens is checked and forged tokens are ignored.",
        secret=True,
    )  # fmt: skip
    replay_lead: float = _row(
        5.0, to.seconds_or_zero, "seconds, or a duration such as 30s or 5m; 0 or more and less than a day",
        "How long before a record the page's link into the recording begins.",
    )  # fmt: skip
    viewer_token: str | None = _row(
        None, to.text, "a token of 16 characters or more",
        "What the page (`openreplay-otel serve`) asks for. Without one it is made where one is needed.",
        secret=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name, row in table().items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _from_argument(name, value, row))

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str] | None = None,
        /,
        *,
        store: str | None = None,
        **arguments: Unpack[SettingsArguments],
    ) -> Settings:
        """Put the settings together: argument > environment > default.

        Args:
            environ: Variables to read; ``os.environ`` where None.
            store: The store's URL; None counts as not given.
            **arguments: The other values by field name; likewise.

        Raises:
            SettingsError: An argument is unknown or of the wrong form. A wrong environment variable
                does not raise: it is warned of and its default is taken.
        """
        return cls._put_together(environ, {"store": store, **arguments}, is_strict=False)

    @classmethod
    def load_for_command(
        cls, *, store: str | None = None, **arguments: Unpack[SettingsArguments]
    ) -> Settings:
        """The same for a command of a person, which acts on what was named or not at all.

        Raises:
            SettingsError: An argument is unknown or of the wrong form, or an environment variable is
                whose place no argument takes.
        """
        return cls._put_together(None, {"store": store, **arguments}, is_strict=True)

    @classmethod
    def _put_together(
        cls, environ: Mapping[str, str] | None, arguments: Mapping[str, object], *, is_strict: bool
    ) -> Settings:
        rows = table()
        given = {name for name, argument in arguments.items() if argument is not None}
        # A store that is given beats a Collector in the environment, whatever that says.
        settled = given | {"collector"} if "store" in given else given
        # A process loads them several times: each wrong variable is told of once.
        told = _told if environ is None else set[str]()
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for variable_name, text in environ.items():
            name = variable_name.removeprefix(ENVIRONMENT_PREFIX).lower()
            if variable_name.startswith(ENVIRONMENT_PREFIX) and text.strip():
                must_fit = is_strict and name not in settled
                values.update(_from_environment(variable_name, text, rows, told, must_fit=must_fit))
        for name, argument in arguments.items():
            if name not in rows:
                raise SettingsError(f"{name}: no such setting{_nearest(name, rows)}")
            if argument is not None:
                values[name] = argument
        _check_destination(values, given)
        return cls(**values)


def _check_destination(values: dict[str, Any], given: set[str]) -> None:
    """Let a store that is given as an argument beat a Collector in the environment.

    Raises:
        SettingsError: Both are given.
    """
    if "store" in given and "collector" in given:
        raise SettingsError(BOTH_GIVEN)
    if "store" in given:
        values.pop("collector", None)


def table() -> dict[str, Row]:
    """The rows by field name, in the order of the settings page."""
    return {f.name: cast("Row", f.metadata["row"]) for f in fields(Settings)}


def variable(name: str) -> str:
    """The environment variable of a field."""
    return ENVIRONMENT_PREFIX + name.upper()


def _from_environment(
    variable_name: str, text: str, rows: Mapping[str, Row], told: set[str], *, must_fit: bool
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
        if must_fit:
            message = f"{variable_name}: {shown} cannot be used; expected {row.expected}"
            raise SettingsError(message) from None
        told.add(f"{variable_name}={text}")
        _logger.log(
            level, "%s: %s cannot be used; expected %s; taking the default, %s",
            variable_name, shown, row.expected, to.as_written(default),
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
