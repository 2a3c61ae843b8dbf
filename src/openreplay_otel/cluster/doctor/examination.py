"""What the checks share: settings, connections, what the credentials may do, the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ...stores.elasticsearch import Connection, schema
from ..versions import OpenReplayVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...errors import StoreError
    from ...settings import Settings

REMOVING: Final = ("read", "delete", "create_doc", "maintenance")


@dataclass(kw_only=True)
class Examination:
    """One run of the doctor.

    Attributes:
        settings: The settings in force.
        given: Names of settings that were given as options.
        connection: The cluster, with the credentials of the settings.
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
        reader: A connection with OpenReplay's key, or with one like it, and what to call that key.
        writer: The same with the apps' key.
    """

    settings: Settings
    connection: Connection
    given: frozenset[str] = frozenset()
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
    reader: tuple[Connection, str] | None = None
    writer: tuple[Connection, str] | None = None

    @property
    def pattern(self) -> str:
        """Pattern of the session indexes."""
        return schema.session_pattern(self.settings.index)

    def connect(self, api_key: str) -> Connection:
        """A connection to the same cluster with another key."""
        store = self.settings.store or ""
        return Connection(
            without_credentials(store),
            api_key=api_key,
            ca_certs=self.settings.ca_certs,
            verify_certs=self.settings.verify_certs,
            timeout=min(10.0, self.settings.export_timeout),
        )


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


def privileges(connection: Connection, pattern: str) -> Privileges:
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
        "index": [{"names": [pattern], "privileges": list(REMOVING)}],
    }
    answer = has_privileges(connection, body)
    is_user = who.body.get("authentication_type") != "api_key"
    of_indexes: dict[str, bool] = answer["index"].get(pattern, {})
    return Privileges(
        can_make_keys=is_user and bool(answer["cluster"].get("manage_own_api_key")),
        can_probe=all(of_indexes.get(name, False) for name in REMOVING),
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
