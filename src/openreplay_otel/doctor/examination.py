"""What the checks share: settings, connections, what the credentials may do, the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ..cluster.versions import OpenReplayVersion
from ..names import DEFAULT_SESSION_INDEX, READER_ALIAS
from ..stores.elasticsearch import Connection, schema
from ..stores.elasticsearch.answers import Advice
from ..stores.elasticsearch.targets import UrlTarget
from .result import Result, found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..errors import StoreError
    from ..settings import Settings

REMOVING: Final = ("read", "delete", "create_doc", "maintenance")


@dataclass(kw_only=True)
class Examination:
    """One run of the doctor.

    Attributes:
        settings: The settings in force.
        given: Names of settings that were given as options.
        connection: The cluster, with the credentials of the settings.
        prefixes: Prefixes of the session indexes; empty for that of the settings.
        version: For which OpenReplay.
        reader_key: Id and secret of the key that OpenReplay was given, or None.
        writer_key: The apps' key, or None.
        wants_probe: Whether records may be written.
        url: A URL of the user's app, or None.
        origin: Origin of the front end, or None.
        wait_seconds: How long the app's records are waited for.
        clock: Unix seconds.
        environ: Variables, to tell where a setting comes from.
        may: What the credentials may do, once the server was asked.
        names: The names that OpenReplay is to be given here, likewise.
        reader: A connection with OpenReplay's key, or with one like it, and what to call that key.
        writer: The same with the apps' key.
    """

    settings: Settings
    connection: Connection
    given: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    version: OpenReplayVersion = OpenReplayVersion.FROM_1_21
    reader_key: tuple[str, str] | None = None
    writer_key: str | None = None
    wants_probe: bool = True
    url: str | None = None
    origin: str | None = None
    wait_seconds: float = 15.0
    clock: Callable[[], float] = time.time
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    may: Privileges | None = None
    names: tuple[str, ...] = (READER_ALIAS,)
    reader: tuple[Connection, str] | None = None
    writer: tuple[Connection, str] | None = None

    def __post_init__(self) -> None:
        """Take the settings' prefix where none is given."""
        self.prefixes = self.prefixes or (self.settings.index,)

    @property
    def patterns(self) -> list[str]:
        """Patterns of the session indexes."""
        return [schema.session_pattern(prefix) for prefix in self.prefixes]

    @property
    def pattern(self) -> str:
        """All patterns of the session indexes, as a request takes them."""
        return ",".join(self.patterns)

    def found(self, name: str, /, **values: object) -> Result:
        """A result, whose command is for what is examined here.

        Args:
            name: Key of the findings.
            **values: What varies.
        """
        is_new = self.version is OpenReplayVersion.FROM_1_21
        version = "" if is_new else f" --for {self.version.value}"
        is_usual = self.prefixes == (DEFAULT_SESSION_INDEX,)
        index = "" if is_usual else f" --index {','.join(self.prefixes)}"
        known = {"more": version + index, "of": index, "pattern": self.pattern, **values}
        return found(name, **known)

    def connect(self, api_key: str) -> Connection:
        """A connection to the same cluster with another key."""
        return Connection(
            _GivenKey(
                without_credentials(self.settings.store or ""),
                api_key=api_key,
                ca_certs=self.settings.ca_certs,
                verify_certs=self.settings.verify_certs,
                timeout=min(10.0, self.settings.export_timeout),
            )
        )


class _GivenKey(UrlTarget):
    """A cluster and a key that is none of the settings': no setting mends it."""

    advice: ClassVar[Advice] = Advice("misspelt, revoked or expired", UrlTarget.advice.authority)


@dataclass(frozen=True)
class Privileges:
    """What credentials may do.

    Attributes:
        can_make_keys: Whether keys with privileges can be made with them.
        can_probe: Whether they can write, read, refresh and delete in the session indexes.
        is_secured: False where the cluster has no security.
    """

    can_make_keys: bool
    can_probe: bool
    is_secured: bool


def without_credentials(url: str) -> str:
    """The URL of a store without user and password."""
    parts: list[str] = []
    for part in url.split(","):
        scheme, separator, rest = part.strip().partition("://")
        parts.append(scheme + separator + rest.rpartition("@")[2])
    return ",".join(parts)


def privileges(connection: Connection, patterns: list[str]) -> Privileges:
    """What the credentials of a connection may do.

    Raises:
        StoreError: The cluster cannot be reached.
    """
    unknown = (400, 403, 404, 405, 500)
    who = connection.request("GET", "/_security/_authenticate", expected=unknown)
    if who.status >= 300:
        return Privileges(can_make_keys=False, can_probe=True, is_secured=False)
    body = {
        "cluster": ["manage_own_api_key"],
        "index": [{"names": patterns, "privileges": list(REMOVING)}],
    }
    answer = has_privileges(connection, body)
    is_user = who.body.get("authentication_type") != "api_key"
    of_indexes: dict[str, dict[str, bool]] = answer["index"]
    return Privileges(
        can_make_keys=is_user and bool(answer["cluster"].get("manage_own_api_key")),
        can_probe=all(
            of_indexes.get(pattern, {}).get(name, False)
            for pattern in patterns
            for name in REMOVING
        ),
        is_secured=True,
    )


def has_privileges(connection: Connection, body: Mapping[str, Any]) -> dict[str, Any]:
    """Ask what the credentials of a connection may do.

    Raises:
        StoreError: They are not accepted, or the cluster cannot be reached.
    """
    return connection.request("POST", "/_security/user/_has_privileges", body).body


def sentence(error: StoreError) -> str:
    """An error's text without a full stop."""
    return str(error).rstrip(".")
