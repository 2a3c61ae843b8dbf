"""Makes, lists and revokes API keys; touches none that this package did not make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Final

from ..errors import StoreAccessError, StoreLayoutError
from .keys import MANAGED_BY

if TYPE_CHECKING:
    from ..stores.elasticsearch import Connection
    from .keys import KeyRequest

CREATE_PATH: Final = "/_security/api_key"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_PAGE: Final = 1000


@dataclass(frozen=True)
class MadeKey:
    """A key that was just made; the secret is shown this once.

    Attributes:
        id: Its id.
        name: Its name.
        api_key: The secret.
        encoded: Both in base64, as the header ``Authorization: ApiKey`` takes it.
        expires_at: When it ends to work; None for never.
    """

    id: str
    name: str
    api_key: str
    encoded: str
    expires_at: datetime | None


@dataclass(frozen=True)
class KnownKey:
    """A key that this package made.

    Attributes:
        id: Its id.
        name: Its name.
        kind: reader, writer or lookup.
        created_at: When it was made.
        expires_at: When it ends to work; None for never.
        is_revoked: Whether it was revoked.
        indexes: What it is for.
    """

    id: str
    name: str
    kind: str
    created_at: datetime
    expires_at: datetime | None
    is_revoked: bool
    indexes: tuple[str, ...]


def create_key(connection: Connection, request: KeyRequest) -> MadeKey:
    """Make a key.

    Raises:
        StoreAccessError: These credentials may not make it.
        StoreError: The cluster cannot be reached or refuses.
    """
    try:
        # Usable at once: the default waits for a refresh that may be a second off.
        path = f"{CREATE_PATH}?refresh=true"
        answer = connection.request("POST", path, request.body(), is_repeatable=False).body
    except (StoreAccessError, StoreLayoutError) as error:
        raise _explained(error) from error
    return MadeKey(
        id=answer["id"],
        name=answer["name"],
        api_key=answer["api_key"],
        encoded=answer["encoded"],
        expires_at=_moment(answer.get("expiration")),
    )


def list_keys(connection: Connection, *, with_revoked: bool) -> list[KnownKey]:
    """The keys that this package made, the newest first.

    Raises:
        StoreError: The cluster cannot be reached or refuses.
    """
    terms: list[dict[str, Any]] = [{"term": {"metadata.managed_by": MANAGED_BY}}]
    if not with_revoked:
        terms.append({"term": {"invalidated": False}})
    body = {
        "query": {"bool": {"filter": terms}},
        "sort": [{"creation": {"order": "desc"}}],
        "size": _PAGE,
    }
    answer = connection.request("POST", "/_security/_query/api_key", body).body
    return [_known(entry) for entry in answer["api_keys"]]


def free_name(connection: Connection, name: str) -> str:
    """A name that no valid key of ours has: the one given, or the same with a number.

    Raises:
        StoreError: The cluster cannot be reached.
    """
    try:
        taken = {key.name for key in list_keys(connection, with_revoked=False)}
    except StoreAccessError:
        # Who may make a key but not look: making it is what was asked for.
        return name
    numbered = (f"{name}-{number}" for number in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def revoke_keys(connection: Connection, wanted: list[str]) -> list[KnownKey]:
    """Revoke keys by id or name.

    Returns:
        Those that were revoked.

    Raises:
        StoreLayoutError: One of them is none that this package made and that still works, or is the
            name of several; none was revoked.
        StoreError: The cluster cannot be reached or refuses.
    """
    known = list_keys(connection, with_revoked=False)
    found: dict[str, KnownKey] = {}
    for text in wanted:
        matching = [key for key in known if text in {key.id, key.name}]
        if not matching:
            message = (
                f"{connection.name} has no valid API key {text!r} that openreplay-otel made; nothing was"
                " revoked. `openreplay-otel api-key list` shows those there are"
            )
            raise StoreLayoutError(message)
        if len(matching) > 1:
            made = ", ".join(f"{key.id} (made {key.created_at:%Y-%m-%d %H:%M})" for key in matching)
            message = (
                f"{connection.name} has {len(matching)} valid API keys called {text!r}: {made}; nothing was"
                " revoked. Name those to revoke by their ids"
            )
            raise StoreLayoutError(message)
        found.update((key.id, key) for key in matching)
    invalidate(connection, list(found))
    return list(found.values())


def invalidate(connection: Connection, ids: list[str]) -> None:
    """Revoke keys of these ids.

    Raises:
        StoreError: The cluster cannot be reached or refuses.
    """
    connection.request("DELETE", CREATE_PATH, {"ids": ids})


def _explained(error: StoreAccessError | StoreLayoutError) -> StoreAccessError | StoreLayoutError:
    text = str(error)
    if "derived" in text:
        return StoreAccessError(
            "an API key cannot make another one with privileges: give user and password in the store's"
            " URL, or hand on what `openreplay-otel api-key … --print console` prints"
        )
    if isinstance(error, StoreAccessError) and "privilege" in text:
        return StoreAccessError(
            f"{text}. Hand on what `openreplay-otel api-key … --print console` prints to somebody who"
            " may make API keys"
        )
    return error


def _known(entry: dict[str, Any]) -> KnownKey:
    roles: dict[str, Any] = entry.get("role_descriptors") or {}
    metadata: dict[str, Any] = entry.get("metadata") or {}
    indexes = [
        name
        for role in roles.values()
        for part in role.get("indices", ())
        for name in part.get("names", ())
    ]
    return KnownKey(
        id=entry["id"],
        name=entry["name"],
        kind=str(metadata.get("kind", "-")),
        created_at=_EPOCH + timedelta(milliseconds=entry["creation"]),
        expires_at=_moment(entry.get("expiration")),
        is_revoked=bool(entry.get("invalidated")),
        indexes=tuple(indexes),
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _EPOCH + timedelta(milliseconds=milliseconds)
